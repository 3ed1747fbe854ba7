/** Installs a program from the PATH or from its published release. */
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
 * A program and its three sources.
 * @typedef {object} Program
 * @property {string} name of the executable
 * @property {readonly string[]} args the arguments that print its version
 * @property {string} output the first line of that output
 * @property {string} title with the version, for the error
 * @property {string} releases name, version and URL of its releases, for the remedy
 * @property {Release} release
 * @property {(go: Go, folder: string) => Promise<void>} build builds it into a folder
 */

/**
 * Runs Go in the module that pins the program's source, and returns Go's output.
 * @typedef {(args: readonly string[], onLine?: (line: string) => void) => Promise<string>} Go
 */

/**
 * Installs a program from the first of three sources that works: the PATH, the official release, or a build from source.
 * @param {Program} program
 * @param {{ cacheRoot: string, module: string }} folders `module` has the Go module
 * @param {StepContext} context
 * @param {string} folder
 * @param {(install: (folder: string) => Promise<void>) => Promise<void>} [place] downloads or builds the program into another folder
 * @throws {SetupError} with all reasons if no source works
 */
export async function installProgram(
  program,
  { cacheRoot, module },
  context,
  folder,
  place = (install) => install(folder),
) {
  const options = { ...context, cwd: module, env: { ...context.env, GOWORK: "off" } };
  /** @type {Go} */
  const go = (args, onLine = () => undefined) => run("go", args, { ...options, onLine });
  const sources = {
    "a program on the PATH": () => linkFromPath(program, cacheRoot, context, folder),
    "the official release": () => place((target) => downloadRelease(program.release, context, target)),
    "a build from source": () => {
      if (findOnPath("go", context.env["PATH"]).length === 0) throw new SetupError("Go is not on the PATH.");
      return place((target) => program.build(go, target));
    },
  };
  const failures = [];
  for (const [name, use] of Object.entries(sources)) {
    try {
      await use();
      return;
    } catch (error) {
      if (error instanceof Stopped || isDiskFull(error)) throw error;
      failures.push(`${failures.length + 1}. ${name}: ${messageOf(error)}`);
    }
  }
  throw new SetupError(
    `Cannot get ${program.title}. Tried three sources:\n${indent(failures.join("\n"))}\n` +
      `Install ${program.releases} or Go 1.25 or newer (https://go.dev/dl/), ` +
      "check this machine's network access, and run the command again.",
  );
}

/**
 * Links a program on the PATH that has the right version; copies it if other users could change it later.
 * @param {Pick<Program, "name" | "args" | "output">} program
 * @param {string} cacheRoot
 * @param {StepContext} context
 * @param {string} folder
 * @throws {SetupError} if no program on the PATH has the version
 */
export async function linkFromPath({ name, args, output }, cacheRoot, context, folder) {
  context.report("looking on the PATH");
  /** @type {string[]} */
  const others = [];
  for (const candidate of findOnPath(name, context.env["PATH"])) {
    // The PATH of a shell that uses this cache has the cache's programs, too.
    if (!relative(cacheRoot, candidate).startsWith("..")) continue;
    const env = { ...context.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const program = await realpath(candidate);
    const target = join(folder, name);
    // Check the version of the copy: other users may change the original meanwhile.
    if (canOthersChange(program) || canOthersChange(dirname(program))) await copyFile(program, target);
    else await symlink(program, target);
    const answer = await run(target, args, { ...context, env }).catch((/** @type {unknown} */ error) => {
      if (error instanceof Stopped) throw error;
      return messageOf(error);
    });
    const [found = ""] = answer.split("\n");
    if (found === output) return;
    await rm(target);
    others.push(`${candidate} is ${found}`);
  }
  throw new SetupError(others.length === 0 ? "none was found." : `${others.join("; ")}.`);
}

/**
 * A published archive.
 * @typedef {object} Release
 * @property {readonly string[]} urls https URLs of folders with the archive, in the order to try them
 * @property {string} archive file name of the archive
 * @property {string} checksums path of the file in the repository with its SHA-256
 * @property {readonly string[]} unpack further arguments of tar
 */

/**
 * Downloads a release from the first URL that works, checks its SHA-256, and unpacks it into a folder.
 * @param {Release} release
 * @param {StepContext} context
 * @param {string} folder
 * @throws {SetupError} with all reasons if no URL works
 */
export async function downloadRelease({ urls, archive, checksums, unpack }, context, folder) {
  const sha256 = await recordedHash(checksums, archive);
  const failures = [];
  for (const url of urls) {
    try {
      context.report(`connecting to ${new URL(url).host}`);
      await fetchFile(`${url}/${archive}`, join(folder, archive), context);
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
    // curl instead of fetch, because Node 20's fetch supports no proxy. --disable must come first: it ignores curlrc files.
    const scheme = ["--disable", "--proto", "=https", "--proto-redir", "=https", "--max-redirs", "5"];
    const limits = ["--connect-timeout", "5", "--speed-limit", "10000", "--speed-time", "15", "--max-time", "1800"];
    const quiet = ["--fail", "--silent", "--show-error", "--location"];
    await run("curl", [...scheme, ...quiet, ...limits, "--output", file, url], context);
  } finally {
    clearInterval(progress);
  }
}

/**
 * Returns an archive's SHA-256 in a file of the repository, which has lines `SHA-256  NAME`, and comments that start with #.
 * @param {string} checksums
 * @param {string} archive
 * @returns {Promise<string>}
 * @throws {SetupError} if the file has none for the archive
 */
export async function recordedHash(checksums, archive) {
  for (const line of (await readFile(checksums, "utf8")).split("\n")) {
    const [sha256, name] = line.trim().split(/\s+/);
    if (name === archive && sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256)) return sha256;
  }
  throw new SetupError(
    `${checksums} has no SHA-256 of ${archive}. Setup downloads only releases with a recorded checksum.`,
  );
}

/**
 * Checks a file's SHA-256.
 * @param {string} file
 * @param {string} sha256
 * @throws {SetupError} if the file has a different one
 */
export async function verify(file, sha256) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  const found = hash.digest("hex");
  if (found !== sha256) {
    throw new SetupError(
      `${basename(file)} has the SHA-256 ${found}, but ${sha256} is expected. The file was not used.`,
    );
  }
}
