/** Removes what setup cached for this user, and prints the freed space: `npm run clean`. */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { cacheRoot } from "./paths.mjs";
import { messageOf } from "./setup/errors.mjs";
import { complete } from "./setup/install.mjs";
import { workingOwner } from "./lock.mjs";

/** The folders of the cache. */
const cached = ["python", "uv", "actionlint", "pulumi"];

const usage = `Removes the Python environments, uv, actionlint and the Pulumi CLI that setup cached for all clones in
${cacheRoot}

usage: npm run clean [-- --yes] [--json]

  --yes   do not ask for confirmation
  --json  print one JSON object: cache, items (path, bytes, freed), freed (bytes)
  --help  print this text

The next setup installs them again, in seconds if the caches of uv and Go still have the packages. This command keeps those
caches, because other projects use them, too. Files that uv linked from its cache free no space until you empty it. To empty the
caches, run "uv cache clean" and "go clean -cache -modcache".
Exit status: 0 removed; 1 a process uses the cache, or you answered no; 2 wrong option, or neither --yes nor a terminal.
`;

/**
 * @typedef {object} Item
 * @property {string} path relative to the cache
 * @property {number} bytes size on disk
 * @property {number} freed bytes that its removal frees: those of files without a link from elsewhere
 */

/**
 * Lists the files and folders that setup created in a cache, including those of killed setups. The folder may also have other files.
 * @param {string} cache
 * @returns {string[]}
 */
function cachedPaths(cache) {
  const [python, uv, actionlint, pulumi] = cached.map((kind) => join(cache, kind));
  return [python, uv, actionlint, ...entriesOf(pulumi)]
    .flatMap(entriesOf)
    .filter((path) => existsSync(join(path, complete)) || /\.(tmp-\d+|lock|lock\.break)$/.test(path));
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
 * Computes the disk usage of paths. A file with several names counts once, and as freed only if all its names are in these paths.
 * @param {string} cache
 * @param {readonly string[]} paths
 * @returns {Item[]}
 */
function diskUsage(cache, paths) {
  /** @type {Map<number, { item: Item, bytes: number, outside: number }>} the files by inode */
  const files = new Map();
  const visit = (/** @type {string} */ path, /** @type {Item} */ item) => {
    const stat = lstatSync(path);
    // The links of a folder are its subfolders.
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
 * Returns the process ID of a setup that has a lock in these paths.
 * @param {readonly string[]} paths
 * @returns {number | undefined}
 */
function runningSetup(paths) {
  return paths
    .filter((path) => path.endsWith(".lock"))
    .map((path) => workingOwner(path)?.pid)
    .find((owner) => owner !== undefined);
}

/**
 * Finds a process with a path of the cache in its command line: a stack, a deployment or a test of any clone.
 * @param {string} cache
 * @returns {number | undefined} its process ID
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
        // The process has ended or belongs to another user.
        return [];
      }
    });
}

/** @returns {Promise<boolean>} whether the user confirms the removal on the terminal */
async function confirm() {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`All clones of this user share ${cacheRoot}. Remove it? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}

/**
 * Removes the folders of the cache that are empty.
 * @param {string} cache
 */
function removeEmptyFolders(cache) {
  const kinds = cached.map((kind) => join(cache, kind));
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
  const owner = runningSetup(paths);
  if (owner !== undefined) {
    process.stderr.write(`Setup is running in ${cacheRoot} (process ${owner}). Wait until it ends, or stop it.\n`);
    return 1;
  }
  const user = userOf(cacheRoot);
  if (user !== undefined) {
    process.stderr.write(
      `Process ${user} uses ${cacheRoot}, which all clones of this user share. Take down its stack (npm run local:down), or wait until it ends.\n`,
    );
    return 1;
  }
  if (paths.length > 0 && !options.yes) {
    if (!process.stdin.isTTY) {
      process.stderr.write(`All clones of this user share ${cacheRoot}. Add --yes to remove it.\n`);
      return 2;
    }
    if (!(await confirm())) return 1;
  }
  const items = diskUsage(cacheRoot, paths);
  for (const { path, bytes, freed } of items) {
    const kept = bytes - freed > 1e6 ? ` (uv's cache keeps ${gigabytes(bytes - freed)} of it)` : "";
    if (!options.json) process.stdout.write(`${path}: ${gigabytes(bytes)}${kept}\n`);
    rmSync(join(cacheRoot, path), { recursive: true });
  }
  removeEmptyFolders(cacheRoot);
  const freed = items.reduce((total, item) => total + item.freed, 0);
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ cache: cacheRoot, items, freed })}\n`
      : `Freed ${gigabytes(freed)}${items.length === 0 ? `: ${cacheRoot} is empty` : ""}.\n`,
  );
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
