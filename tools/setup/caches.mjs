/** The caches of the tools that set-up runs, for a home folder that cannot be written. */
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/**
 * An environment in which npm, uv and Go keep their caches where they can be written: in set-up's own folder, if their usual place cannot.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cacheRoot
 * @returns {NodeJS.ProcessEnv}
 */
export function withWritableCaches(env, cacheRoot) {
  const home = env["HOME"] ?? homedir();
  const xdg = env["XDG_CACHE_HOME"] ?? join(home, ".cache");
  const usual = {
    // npm names it to its scripts.
    npm_config_cache: env["npm_config_cache"] ?? join(home, ".npm"),
    UV_CACHE_DIR: env["UV_CACHE_DIR"] ?? join(xdg, "uv"),
    GOCACHE: env["GOCACHE"] ?? join(xdg, "go-build"),
    GOMODCACHE: env["GOMODCACHE"] ?? join(env["GOPATH"] ?? join(home, "go"), "pkg", "mod"),
  };
  const moved = Object.entries(usual).filter(([, folder]) => !canWrite(folder));
  return { ...env, ...Object.fromEntries(moved.map(([name]) => [name, join(cacheRoot, "tools", name)])) };
}

/**
 * Whether this user can write into a folder, or create it.
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
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (!isMissing || path === dirname(path)) return false;
    }
  }
}
