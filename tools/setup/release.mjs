/** Ways to get a program that is released for every platform: from the PATH, or from where it is published. */
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { readFile, realpath, rm, symlink } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { findOnPath, run } from "./commands.mjs";
import { indent, isDiskFull, messageOf, SetupError, Stopped } from "./errors.mjs";

/** @typedef {import("./install.mjs").StepContext} StepContext */

/**
 * Takes the first way that works.
 * @param {readonly { name: string, use: () => Promise<void> }[]} ways
 * @param {{ what: string, remedy: string }} words what is looked for, and what to do where it is not to be had
 * @throws {SetupError} if none works, with the reason of each
 */
export async function inTurn(ways, { what, remedy }) {
  const failures = [];
  for (const { name, use } of ways) {
    try {
      await use();
      return;
    } catch (error) {
      if (error instanceof Stopped || isDiskFull(error)) throw error;
      failures.push(`${failures.length + 1}. ${name}: ${messageOf(error)}`);
    }
  }
  throw new SetupError(
    `There is no way to ${what} on this machine. Three were tried:\n${indent(failures.join("\n"))}\n${remedy}`,
  );
}

/**
 * Links a program on the PATH that is of the wanted version.
 * @param {{ name: string, args: readonly string[], says: string }} program what it says first when it is asked for its version
 * @param {string} cacheRoot
 * @param {StepContext} context
 * @param {string} folder
 * @throws {SetupError} if there is none
 */
export async function linkFromPath({ name, args, says }, cacheRoot, context, folder) {
  context.report("looking on the PATH");
  /** @type {string[]} */
  const others = [];
  for (const candidate of findOnPath(name, context.env["PATH"])) {
    // A shell that was set up to use this cache has its programs on the PATH.
    if (!relative(cacheRoot, candidate).startsWith("..")) continue;
    const env = { ...context.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const answer = await run(candidate, args, { ...context, env }).catch((/** @type {unknown} */ error) => {
      if (error instanceof Stopped) throw error;
      return messageOf(error);
    });
    const [found = ""] = answer.split("\n");
    if (found === says) {
      await symlink(await realpath(candidate), join(folder, name));
      return;
    }
    others.push(`${candidate} is ${found}`);
  }
  throw new SetupError(others.length === 0 ? "there is none." : `${others.join("; ")}.`);
}

/**
 * A published archive and the list of its checksums.
 * @typedef {object} Release
 * @property {readonly string[]} places the addresses that have both, the first first
 * @property {string} archive
 * @property {string} checksums
 * @property {readonly string[]} unpack what tar is told: what to take out of the archive, and how
 */

/**
 * Unpacks a release into a folder, from the first place that has it.
 * @param {Release} release
 * @param {StepContext} context
 * @param {string} folder
 * @throws {SetupError}
 */
export async function downloadRelease({ places, archive, checksums, unpack }, context, folder) {
  const failures = [];
  for (const place of places) {
    try {
      context.report(`asking ${new URL(place).host}`);
      await fetchFile(`${place}/${checksums}`, join(folder, checksums), context);
      await fetchFile(`${place}/${archive}`, join(folder, archive), context);
      await verify(join(folder, archive), archive, await readFile(join(folder, checksums), "utf8"));
      context.report("unpacking");
      await run("tar", ["-xzf", join(folder, archive), "-C", folder, ...unpack], context);
      await rm(join(folder, archive));
      await rm(join(folder, checksums));
      return;
    } catch (error) {
      if (error instanceof Stopped || isDiskFull(error)) throw error;
      failures.push(messageOf(error));
    }
  }
  throw new SetupError(failures.join("; "));
}

/**
 * @param {string} url
 * @param {string} file
 * @param {StepContext} context
 */
async function fetchFile(url, file, context) {
  const progress = setInterval(() => {
    const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size > 0) context.report(`downloading, ${(size / 1e6).toFixed(0)} MB`);
  }, 1000);
  try {
    // curl and not fetch: Node 20's fetch knows no proxy.
    const limits = ["--connect-timeout", "5", "--speed-limit", "10000", "--speed-time", "15"];
    await run("curl", ["--fail", "--silent", "--show-error", "--location", ...limits, "--output", file, url], context);
  } finally {
    clearInterval(progress);
  }
}

/**
 * Checks a file against a list of `SHA-256  NAME` lines.
 * @param {string} file
 * @param {string} name
 * @param {string} list
 * @throws {SetupError}
 */
export async function verify(file, name, list) {
  const wanted = list
    .split("\n")
    .map((line) => line.trim().split(/\s+\*?/))
    .find(([, listed]) => listed === name)?.[0];
  if (wanted === undefined) throw new SetupError(`the published checksums do not list ${name}.`);
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const found = hash.digest("hex");
  if (found !== wanted) throw new SetupError(`${name} has the SHA-256 ${found}, but ${wanted} is published.`);
}
