/** Gets the Pulumi CLI of one version: from the PATH, else the official release, else built from source. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { chmod, cp, link, mkdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { findOnPath, run } from "./commands.mjs";
import { indent, isDiskFull, messageOf, SetupError, Stopped } from "./errors.mjs";
import { installOnce, isComplete } from "./install.mjs";

/** The package that the module in tools/pulumi pins. */
const PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";

/** Those of Pulumi's own release build. */
const TAGS = "osusergo,grpcnotrace";

const LANGUAGE_HOST = "pulumi-language-nodejs";

/**
 * Where the CLI goes, and what it is made of.
 * @typedef {object} Pulumi
 * @property {string} version
 * @property {string} root the folder whose `bin` has the CLI and the language host
 * @property {string} build the folder that keeps a CLI that was downloaded or built
 * @property {string} cacheRoot
 * @property {string} module the folder of the Go module that pins the CLI's source
 * @property {string} languageHost the source of the language host of our own
 */

/** @typedef {import("./install.mjs").StepContext} StepContext */

/**
 * The step that gets the CLI.
 * @param {Pulumi} pulumi
 * @returns {import("./steps.mjs").Step}
 */
export function pulumiCli(pulumi) {
  const installation = { root: pulumi.root, files: ["bin/pulumi", `bin/${LANGUAGE_HOST}`] };
  return {
    name: "pulumi",
    title: `Pulumi CLI ${pulumi.version}`,
    isReady: () => isComplete(installation),
    install: (context) =>
      installOnce(installation, context, async (folder) => {
        await mkdir(join(folder, "bin"));
        await obtainCli(pulumi, context, join(folder, "bin"));
        await obtainLanguageHost(pulumi, context, folder);
      }),
  };
}

/**
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} bin
 * @throws {SetupError} if none of the three ways works, with the reason of each
 */
async function obtainCli(pulumi, context, bin) {
  const ways = [
    { name: "one on the PATH", use: () => linkFromPath(pulumi, context, bin) },
    { name: "the official release", use: () => linkFromBuild(pulumi, context, bin, download) },
    { name: "a build from source", use: () => linkFromBuild(pulumi, context, bin, build) },
  ];
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
    `There is no way to the Pulumi CLI ${pulumi.version} on this machine. Three were tried:\n${indent(failures.join("\n"))}\n` +
      `Install Pulumi ${pulumi.version} (https://www.pulumi.com/docs/install/versions/) or Go 1.25 or newer (https://go.dev/dl/), ` +
      "see that this machine reaches the network, and run the command again.",
  );
}

/**
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} bin
 */
async function linkFromPath({ version, cacheRoot }, context, bin) {
  context.report("looking on the PATH");
  /** @type {string[]} */
  const others = [];
  for (const candidate of findOnPath("pulumi", context.env["PATH"])) {
    // A shell that was set up to use this cache has its CLI on the PATH.
    if (!relative(cacheRoot, candidate).startsWith("..")) continue;
    const env = { ...context.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const found = await run(candidate, ["version"], { ...context, env }).catch((/** @type {unknown} */ error) => {
      if (error instanceof Stopped) throw error;
      return messageOf(error);
    });
    if (found === `v${version}`) {
      await symlink(await realpath(candidate), join(bin, "pulumi"));
      return;
    }
    others.push(`${candidate} is ${found}`);
  }
  throw new SetupError(others.length === 0 ? "there is none." : `${others.join("; ")}.`);
}

/**
 * Links a CLI that is kept in a folder of its own, so that a new language host does not cost a new build.
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} bin
 * @param {(pulumi: Pulumi, context: StepContext, folder: string) => Promise<void>} make puts `pulumi` into the folder
 */
async function linkFromBuild(pulumi, context, bin, make) {
  await installOnce({ root: pulumi.build, files: ["pulumi"] }, context, (folder) => make(pulumi, context, folder));
  for (const name of ["pulumi", LANGUAGE_HOST]) {
    // Hard links: the engine looks for plugins beside the file that it was started as.
    if (existsSync(join(pulumi.build, name))) await link(join(pulumi.build, name), join(bin, name));
  }
}

/**
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} folder
 */
async function download({ version }, context, folder) {
  const archive = `pulumi-v${version}-${process.platform}-${process.arch}.tar.gz`;
  const checksums = `pulumi-${version}-checksums.txt`;
  const failures = [];
  for (const place of [
    "https://get.pulumi.com/releases/sdk",
    `https://github.com/pulumi/pulumi/releases/download/v${version}`,
  ]) {
    try {
      context.report(`asking ${new URL(place).host}`);
      await fetchFile(`${place}/${checksums}`, join(folder, checksums), context);
      await fetchFile(`${place}/${archive}`, join(folder, archive), context);
      await verify(join(folder, archive), archive, await readFile(join(folder, checksums), "utf8"));
      context.report("unpacking");
      await run("tar", ["-xzf", join(folder, archive), "-C", folder, "--strip-components=1"], context);
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

/**
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} folder
 */
async function build({ version, module }, context, folder) {
  if (findOnPath("go", context.env["PATH"]).length === 0) throw new SetupError("Go is not on the PATH.");
  const options = { ...context, cwd: module, env: { ...context.env, GOWORK: "off" } };
  let downloaded = 0;
  const dependencies = await run("go", ["list", "-deps", "-tags", TAGS, PACKAGE], {
    ...options,
    onLine: (line) => {
      if (line.startsWith("go: downloading")) context.report(`downloading the source, ${++downloaded} modules`);
    },
  });
  const total = dependencies.split("\n").length;
  let compiled = 0;
  context.report("building from source");
  const flags = `-w -s -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
  // -v names each package as it is compiled; those in Go's cache are not named.
  const args = ["build", "-v", "-trimpath", "-tags", TAGS, "-ldflags", flags, "-o", join(folder, "pulumi"), PACKAGE];
  await run("go", args, {
    ...options,
    onLine: () => {
      context.report(`building from source, ${++compiled} of at most ${total} packages`);
    },
  });
}

/**
 * Sees to it that a language host stands beside the CLI: the one that came with it, else our own.
 * @param {Pulumi} pulumi
 * @param {StepContext} context
 * @param {string} folder
 */
async function obtainLanguageHost({ languageHost }, context, folder) {
  const host = join(folder, "bin", LANGUAGE_HOST);
  if (existsSync(host)) return;
  const besideCli = join(dirname(await realpath(join(folder, "bin", "pulumi"))), LANGUAGE_HOST);
  if (existsSync(besideCli)) {
    await symlink(besideCli, host);
    return;
  }
  context.report("adding the language host");
  await mkdir(join(folder, "lib"));
  await cp(languageHost, join(folder, "lib", "language-host.mjs"));
  await writeFile(host, '#!/bin/sh\nexec node "$(dirname "$0")/../lib/language-host.mjs" "$@"\n');
  await chmod(host, 0o755);
}
