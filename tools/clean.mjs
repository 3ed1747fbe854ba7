/** Removes what set-up cached for this user, and says what that freed: `npm run clean`. */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { cacheRoot } from "./paths.mjs";
import { messageOf } from "./setup/errors.mjs";
import { COMPLETE } from "./setup/install.mjs";
import { isStale, ownerOf } from "./setup/lock.mjs";

/** The folders of a cache. */
const CACHED = ["python", "uv", "actionlint", "pulumi"];

const usage = `Removes the Python environments, uv, actionlint and the Pulumi CLI that set-up cached for all clones, in
${cacheRoot}

usage: npm run clean [-- --yes] [--json]

  --yes   do not ask
  --json  print one JSON object: cache, items (path, bytes, freed), freed
  --help  this text

The next start makes them again, in seconds where uv's own cache and Go's still have the parts: those are shared with other
projects and stay ("uv cache clean" and "go clean -cache -modcache" empty them). Packages that uv linked from its cache free no
space until then. The status is 0, 1 if a process uses the cache or you say no, or 2 for a wrong option or without --yes
if there is no terminal to ask.
`;

/**
 * @typedef {object} Item
 * @property {string} path relative to the cache
 * @property {number} bytes what it took up on the disk
 * @property {number} freed of these, what no other folder still links to
 */

/**
 * What set-up made in a cache, left-overs of killed set-ups included, and nothing else: the folder may be one that someone chose.
 * @param {string} cache
 * @returns {string[]}
 */
function cachedPaths(cache) {
  const [python, uv, actionlint, pulumi] = CACHED.map((kind) => join(cache, kind));
  return [python, uv, actionlint, ...entriesOf(pulumi)]
    .flatMap(entriesOf)
    .filter((path) => existsSync(join(path, COMPLETE)) || /\.(tmp-\d+|lock|lock\.break)$/.test(path));
}

/**
 * @param {string | undefined} folder
 * @returns {string[]}
 */
function entriesOf(folder) {
  if (folder === undefined || !existsSync(folder) || !lstatSync(folder).isDirectory()) return [];
  return readdirSync(folder).map((name) => join(folder, name));
}

/**
 * What paths take up. A file with several names counts once, and is freed only if all its names are in these paths.
 * @param {string} cache
 * @param {readonly string[]} paths
 * @returns {Item[]}
 */
function diskUsage(cache, paths) {
  /** @type {Map<number, { item: Item, bytes: number, outside: number }>} the files by inode */
  const files = new Map();
  const visit = (/** @type {string} */ path, /** @type {Item} */ item) => {
    const stat = lstatSync(path);
    // A folder's links are its own subfolders.
    const names = stat.isDirectory() ? 1 : stat.nlink;
    const file = files.get(stat.ino) ?? { item, bytes: stat.blocks * 512, outside: names };
    file.outside -= 1;
    files.set(stat.ino, file);
    for (const entry of entriesOf(path)) visit(entry, item);
  };
  const items = paths.map((path) => ({ path: relative(cache, path), bytes: 0, freed: 0 }));
  items.forEach((item) => {
    visit(join(cache, item.path), item);
  });
  for (const { item, bytes, outside } of files.values()) {
    item.bytes += bytes;
    if (outside === 0) item.freed += bytes;
  }
  return items;
}

/**
 * The pid of a set-up that is at work on one of these paths.
 * @param {readonly string[]} paths
 * @returns {number | undefined}
 */
function setupAtWork(paths) {
  return paths
    .filter((path) => path.endsWith(".lock") && !isStale(path))
    .map(ownerOf)
    .find((owner) => owner !== undefined);
}

/**
 * A process that runs a program of the cache, or has one among its arguments: a stack, a deployment or a test of some clone.
 * @param {string} cache
 * @returns {number | undefined} its pid
 */
function userOf(cache) {
  return processes().find(({ pid, command }) => pid !== process.pid && command.includes(`${cache}/`))?.pid;
}

/** @returns {{ pid: number, command: string }[]} the processes that this user may see */
function processes() {
  if (process.platform !== "linux") {
    const { stdout } = spawnSync("ps", ["-axo", "pid=,args="], { encoding: "utf8" });
    return stdout.split("\n").map((line) => ({ pid: Number.parseInt(line), command: line }));
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, "utf8") }];
      } catch {
        // It has ended, or belongs to another user.
        return [];
      }
    });
}

/** @returns {Promise<boolean>} whether the person agrees */
async function agrees() {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`All clones of this user share ${cacheRoot}. Remove it? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/**
 * Removes the cache's own folders, as far as nothing is left in them.
 * @param {string} cache
 */
function removeEmptyFolders(cache) {
  const kinds = CACHED.map((kind) => join(cache, kind));
  for (const folder of [...entriesOf(join(cache, "pulumi")), ...kinds, cache]) {
    if (existsSync(folder) && lstatSync(folder).isDirectory() && entriesOf(folder).length === 0) rmdirSync(folder);
  }
}

/** @param {number} bytes */
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`;

/** @param {readonly string[]} args */
function parseOptions(args) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      yes: { type: "boolean", default: false },
    },
  });
  return values;
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<number>} the exit status
 */
async function main(args) {
  let options;
  try {
    options = parseOptions(args);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const paths = cachedPaths(cacheRoot);
  const owner = setupAtWork(paths);
  if (owner !== undefined) {
    process.stderr.write(`A set-up is at work in ${cacheRoot} (process ${owner}): wait for its end, or stop it.\n`);
    return 1;
  }
  const user = userOf(cacheRoot);
  if (user !== undefined) {
    process.stderr.write(
      `Process ${user} uses ${cacheRoot}, which all clones of this user share: take its stack down (npm run local:down), or wait for its end.\n`,
    );
    return 1;
  }
  if (paths.length > 0 && !options.yes) {
    if (!process.stdin.isTTY) {
      process.stderr.write(`All clones of this user share ${cacheRoot}. Add --yes to remove it.\n`);
      return 2;
    }
    if (!(await agrees())) return 1;
  }
  const items = diskUsage(cacheRoot, paths);
  for (const { path, bytes, freed } of items) {
    const kept = bytes - freed > 1e6 ? `, ${gigabytes(bytes - freed)} of it still in uv's cache` : "";
    if (!options.json) process.stdout.write(`${path}: ${gigabytes(bytes)}${kept}\n`);
    rmSync(join(cacheRoot, path), { recursive: true });
  }
  removeEmptyFolders(cacheRoot);
  const freed = items.reduce((total, item) => total + item.freed, 0);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ cache: cacheRoot, items, freed })}\n`
      : `Freed ${gigabytes(freed)}${items.length === 0 ? `: ${cacheRoot} held nothing` : ""}.\n`,
  );
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
