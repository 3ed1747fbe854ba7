/** Installs the Node packages of package-lock.json, unless they are there. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findOnPath, run } from "./commands.mjs";
import { SetupError } from "./errors.mjs";
import { withLock } from "./lock.mjs";

/** How often the packages are counted while npm installs them, in milliseconds. */
const COUNT_INTERVAL = 2000;

/** The oldest Node that runs TypeScript files as they are. */
const OLDEST_NODE = 24;

/**
 * The step that installs a clone's Node packages.
 * @param {string} root the clone's folder
 * @param {string} lockFolder
 * @returns {import("./steps.mjs").Step}
 */
export function nodePackages(root, lockFolder) {
  const marker = join(root, "node_modules", ".installed");
  const isReady = () => {
    const wanted = readFileSync(join(root, "package-lock.json"), "utf8");
    if (existsSync(marker) && readFileSync(marker, "utf8") === fingerprint(wanted)) {
      return packagesOf(wanted).every(
        ([path, { optional }]) => optional === true || existsSync(join(root, path, "package.json")),
      );
    }
    if (!isInstalled(root, wanted)) return false;
    writeFileSync(marker, fingerprint(wanted));
    return true;
  };
  return {
    name: "node",
    title: "Node packages",
    isReady,
    async install(context) {
      const onWait = (/** @type {number | undefined} */ owner) => {
        context.report(`waiting for another set-up of this clone (process ${owner ?? "unknown"})`);
      };
      await withLock(join(lockFolder, "node_modules.lock"), { signal: context.signal, onWait }, async () => {
        if (isReady()) return;
        context.report("npm ci");
        // An interrupted installation must not look like a whole one: npm writes its own list of what it has installed last.
        rmSync(marker, { force: true });
        const env = withoutProjectBinaries(context.env, root);
        if (findOnPath("npm", env["PATH"]).length === 0) {
          throw new SetupError("npm is not on the PATH. It comes with Node: install Node 20 or newer, with npm.");
        }
        // What the lock file says, whatever this user's settings leave out or forbid: the machine's Node may be too old for
        // packages that run on the one that is installed here.
        const whole = ["--include=dev", "--include=optional", "--engine-strict=false"];
        // npm waits 10 s before it first tries a refused connection again, and 5 minutes for an answer.
        const network = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000", "--fetch-timeout=60000"];
        const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
        const timer = setInterval(() => {
          context.report(`npm ci, ${installedSoFar(root)}`);
        }, COUNT_INTERVAL);
        try {
          await run("npm", ["ci", "--ignore-scripts", ...whole, ...network, ...quiet], { ...context, cwd: root, env });
        } finally {
          clearInterval(timer);
        }
        if (!isInstalled(root, readFileSync(join(root, "package-lock.json"), "utf8"))) {
          throw new SetupError(
            `npm ci ended well, but ${join(root, "node_modules")} is not what package-lock.json says.`,
          );
        }
        isReady();
      });
    },
  };
}

/**
 * Checks that `node` in an npm script of this clone will run TypeScript files: the one that the packages bring, or the machine's.
 * @param {string} root
 * @param {string} version the machine's Node
 * @throws {SetupError}
 */
export function requireNode(root, version) {
  if (existsSync(join(root, "node_modules", ".bin", "node"))) return;
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return;
  throw new SetupError(
    `Node ${version} is too old: ${OLDEST_NODE} or newer is needed. On linux x64 it comes with the Node packages ` +
      `(node_modules/.bin/node), unless npm is told to omit optional ones; elsewhere install it (https://nodejs.org).`,
  );
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockedPackage */

/**
 * The packages of an npm lock file by their folder, the project itself left out.
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
 * How many packages lie in their folders, of those that every platform gets: npm unpacks each as it arrives.
 * @param {string} root
 */
function installedSoFar(root) {
  const wanted = packagesOf(readFileSync(join(root, "package-lock.json"), "utf8")).filter(
    ([, { optional, devOptional }]) => optional !== true && devOptional !== true,
  );
  const there = wanted.filter(([path]) => existsSync(join(root, path, "package.json")));
  return `${there.length} of ${wanted.length} packages`;
}

/**
 * Whether npm's own list of what it has installed, which it writes last, is what the lock file asks for.
 * @param {string} root
 * @param {string} wanted package-lock.json
 */
function isInstalled(root, wanted) {
  const list = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(list)) return false;
  const installed = new Map(packagesOf(readFileSync(list, "utf8")));
  return packagesOf(wanted).every(([path, { version, integrity, optional, devOptional }]) => {
    const found = installed.get(path);
    // An optional package may be for another platform.
    if (found === undefined) return optional === true || devOptional === true;
    return found.version === version && found.integrity === integrity && existsSync(join(root, path, "package.json"));
  });
}

/** @param {string} lock */
const fingerprint = (lock) => createHash("sha256").update(`${process.platform}-${process.arch}\n${lock}`).digest("hex");

/**
 * An environment in which npm does not run on the Node that it is about to replace.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} root
 * @returns {NodeJS.ProcessEnv}
 */
function withoutProjectBinaries(env, root) {
  const folders = (env["PATH"] ?? "").split(delimiter);
  return { ...env, PATH: folders.filter((folder) => folder !== join(root, "node_modules", ".bin")).join(delimiter) };
}
