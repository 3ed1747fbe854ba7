/** Moves the caches of npm, uv and Go if their usual folders are not writable. */
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { hasCode } from "./errors.mjs";

/**
 * Returns an environment in which npm, uv and Go have writable caches: each in its usual folder, or in setup's cache if that is not
 * writable.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cacheRoot
 * @returns {NodeJS.ProcessEnv}
 */
export function withWritableCaches(env, cacheRoot) {
  const home = env["HOME"] ?? homedir();
  const xdg = env["XDG_CACHE_HOME"] ?? join(home, ".cache");
  const usual = {
    // npm sets this variable for its scripts.
    npm_config_cache: env["npm_config_cache"] ?? join(home, ".npm"),
    UV_CACHE_DIR: env["UV_CACHE_DIR"] ?? join(xdg, "uv"),
    GOCACHE: env["GOCACHE"] ?? join(xdg, "go-build"),
    GOMODCACHE: env["GOMODCACHE"] ?? join(env["GOPATH"] ?? join(home, "go"), "pkg", "mod"),
  };
  const moved = Object.entries(usual).filter(([, folder]) => !canWrite(folder));
  return { ...env, ...Object.fromEntries(moved.map(([name]) => [name, join(cacheRoot, "tools", name)])) };
}

/**
 * Returns whether this user can write to a folder or create it.
 * @param {string} folder
 * @returns {boolean}
 */
export function canWrite(folder) {
  for (let path = folder; ; path = dirname(path)) {
    try {
      if (!statSync(path).isDirectory()) return false;
      accessSync(path, constants.W_OK);
      return true;
    } catch (error) {
      const isMissing = hasCode(error, "ENOENT");
      if (!isMissing || path === dirname(path)) return false;
    }
  }
}
