/** Ways to get a program that is released for every platform: from the PATH, or from where it is published. */
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { copyFile, readFile, realpath, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { findOnPath, run } from "./commands.mjs";
import { indent, isDiskFull, messageOf, SetupError, Stopped } from "./errors.mjs";
import { canOthersChange } from "./trust.mjs";

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
 * Links a program on the PATH that is of the wanted version; copies it if other users could change it later.
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
    const program = await realpath(candidate);
    const place = join(folder, name);
    // What is asked for its version is what is kept: others may change the original meanwhile.
    if (canOthersChange(program) || canOthersChange(dirname(program))) await copyFile(program, place);
    else await symlink(program, place);
    const answer = await run(place, args, { ...context, env }).catch((/** @type {unknown} */ error) => {
      if (error instanceof Stopped) throw error;
      return messageOf(error);
    });
    const [found = ""] = answer.split("\n");
    if (found === says) return;
    await rm(place);
    others.push(`${candidate} is ${found}`);
  }
  throw new SetupError(others.length === 0 ? "there is none." : `${others.join("; ")}.`);
}

/**
 * A published archive.
 * @typedef {object} Release
 * @property {readonly string[]} places https addresses of folders that have it, in the order to try them
 * @property {string} archive
 * @property {string} checksums the file in the repository that has its SHA-256
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
  const sha256 = await recordedHash(checksums, archive);
  const failures = [];
  for (const place of places) {
    try {
      context.report(`asking ${new URL(place).host}`);
      await fetchFile(`${place}/${archive}`, join(folder, archive), context);
      await verify(join(folder, archive), sha256);
      context.report("unpacking");
      await run("tar", ["-xzf", join(folder, archive), "-C", folder, ...unpack], context);
      await rm(join(folder, archive));
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
    // curl and not fetch: Node 20's fetch knows no proxy. --disable comes first: no curlrc counts.
    const scheme = ["--disable", "--proto", "=https", "--proto-redir", "=https", "--max-redirs", "5"];
    const limits = ["--connect-timeout", "5", "--speed-limit", "10000", "--speed-time", "15", "--max-time", "1800"];
    const quiet = ["--fail", "--silent", "--show-error", "--location"];
    await run("curl", [...scheme, ...quiet, ...limits, "--output", file, url], context);
  } finally {
    clearInterval(progress);
  }
}

/**
 * The SHA-256 that a file in the repository records for an archive: `SHA-256  NAME` lines, and comments that start with #.
 * @param {string} checksums
 * @param {string} archive
 * @returns {Promise<string>}
 * @throws {SetupError} if it records none
 */
export async function recordedHash(checksums, archive) {
  for (const line of (await readFile(checksums, "utf8")).split("\n")) {
    const [sha256, name] = line.trim().split(/\s+/);
    if (name === archive && sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256)) return sha256;
  }
  throw new SetupError(`${checksums} has no SHA-256 of ${archive}, so this release is not downloaded.`);
}

/**
 * Checks a file's SHA-256.
 * @param {string} file
 * @param {string} sha256
 * @throws {SetupError} if the file has another
 */
export async function verify(file, sha256) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const found = hash.digest("hex");
  if (found !== sha256) {
    throw new SetupError(`${basename(file)} has the SHA-256 ${found}, but ${sha256} is expected: it is not used.`);
  }
}
