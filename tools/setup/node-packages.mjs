/** Installs the Node packages of package-lock.json. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findOnPath, run } from "./commands.mjs";
import { SetupError } from "./errors.mjs";
import { withLock } from "../lock.mjs";

/** Interval at which installed packages are counted while npm runs, in milliseconds. */
const countInterval = 2000;

/** The oldest major version of Node that runs TypeScript files directly. */
const oldestNode = 24;

/**
 * Returns the step that installs a clone's Node packages.
 * @param {string} root the clone's folder
 * @param {string} lockFolder
 * @returns {import("./steps.mjs").Step}
 */
export function nodePackages(root, lockFolder) {
  const marker = join(root, "node_modules", ".installed");
  const isReady = () => {
    const lock = readFileSync(join(root, "package-lock.json"), "utf8");
    if (existsSync(marker) && readFileSync(marker, "utf8") === fingerprint(lock)) {
      return packagesOf(lock).every(
        ([path, { optional }]) => optional === true || existsSync(join(root, path, "package.json")),
      );
    }
    if (!isInstalled(root, lock)) return false;
    writeFileSync(marker, fingerprint(lock));
    return true;
  };
  return {
    name: "node",
    title: "Node packages",
    isReady,
    async install(context) {
      const onWait = (/** @type {number | undefined} */ owner) => {
        context.report(`waiting for another setup of this clone (process ${owner ?? "unknown"})`);
      };
      await withLock(join(lockFolder, "node_modules.lock"), { signal: context.signal, onWait }, async () => {
        if (isReady()) return;
        context.report("npm ci");
        // Without the marker, an interrupted installation is not ready: npm writes its list of installed packages last.
        rmSync(marker, { force: true });
        const env = withoutProjectBinaries(context.env, root);
        if (findOnPath("npm", env["PATH"]).length === 0) {
          throw new SetupError(
            "npm is not on the PATH. Install Node 20 or newer, which includes npm (https://nodejs.org).",
          );
        }
        // Override user settings that omit packages, or refuse those that the machine's Node is too old for: they run on the
        // Node that this step installs.
        const whole = ["--include=dev", "--include=optional", "--engine-strict=false"];
        // By default, npm waits 10 s before the first retry of a refused connection, and 5 minutes for an answer.
        const network = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000", "--fetch-timeout=60000"];
        const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
        const timer = setInterval(() => {
          context.report(`npm ci, ${installedSoFar(root)}`);
        }, countInterval);
        try {
          await run("npm", ["ci", "--ignore-scripts", ...whole, ...network, ...quiet], { ...context, cwd: root, env });
        } finally {
          clearInterval(timer);
        }
        if (!isInstalled(root, readFileSync(join(root, "package-lock.json"), "utf8"))) {
          throw new SetupError(
            `npm ci succeeded, but ${join(root, "node_modules")} does not match package-lock.json. Run npm ci and check its output.`,
          );
        }
        isReady();
      });
    },
  };
}

/**
 * Checks that `node` in an npm script of this clone runs TypeScript files. It is the one in the packages, or the machine's.
 * @param {string} root
 * @param {string} version the machine's Node
 * @throws {SetupError} if the packages have no Node and the machine's is too old
 */
export function requireNode(root, version) {
  if (existsSync(join(root, "node_modules", ".bin", "node"))) return;
  if (Number.parseInt(version, 10) >= oldestNode) return;
  throw new SetupError(
    `Node ${version} is too old. Install Node ${oldestNode} or newer (https://nodejs.org). On linux x64, the Node packages ` +
      `include it (node_modules/.bin/node), unless npm is configured to omit optional packages.`,
  );
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockedPackage */

/**
 * Returns the packages of an npm lock file by folder, without the project.
 * @param {string} lock its text
 * @returns {[string, LockedPackage][]}
 */
function packagesOf(lock) {
  /** @type {<T>(text: string) => T} */
  const parse = JSON.parse;
  /** @type {{ packages: Record<string, LockedPackage> }} */
  const { packages } = parse(lock);
  return Object.entries(packages).filter(([path]) => path !== "");
}

/**
 * Returns the progress of npm, which unpacks each package when it has downloaded it. Counts packages for all platforms only.
 * @param {string} root
 */
function installedSoFar(root) {
  const packages = packagesOf(readFileSync(join(root, "package-lock.json"), "utf8")).filter(
    ([, { optional, devOptional }]) => optional !== true && devOptional !== true,
  );
  const installed = packages.filter(([path]) => existsSync(join(root, path, "package.json")));
  return `${installed.length} of ${packages.length} packages`;
}

/**
 * Returns whether npm's list of installed packages, which it writes last, matches the lock file.
 * @param {string} root
 * @param {string} lock content of package-lock.json
 */
function isInstalled(root, lock) {
  const list = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(list)) return false;
  const installed = new Map(packagesOf(readFileSync(list, "utf8")));
  return packagesOf(lock).every(([path, { version, integrity, optional, devOptional }]) => {
    const found = installed.get(path);
    // An optional package may not support this platform.
    if (found === undefined) return optional === true || devOptional === true;
    return found.version === version && found.integrity === integrity && existsSync(join(root, path, "package.json"));
  });
}

/** @param {string} lock */
const fingerprint = (lock) => createHash("sha256").update(`${process.platform}-${process.arch}\n${lock}`).digest("hex");

/**
 * Returns an environment in which npm does not run on the Node of node_modules, which it replaces.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} root
 * @returns {NodeJS.ProcessEnv}
 */
function withoutProjectBinaries(env, root) {
  const folders = (env["PATH"] ?? "").split(delimiter);
  return { ...env, PATH: folders.filter((folder) => folder !== join(root, "node_modules", ".bin")).join(delimiter) };
}
