/** Decides whether other users of the machine can change a folder or a program. */
import { realpathSync, statSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";

/** The sticky bit of a folder's mode: only a file's owner can rename or remove the file. */
const sticky = 0o1000;

/**
 * IDs of groups whose members are administrators: root; Debian's `staff`, which owns /usr/local
 * (https://www.debian.org/doc/debian-policy/ch-opersys.html#site-specific-programs); macOS's `admin`, which owns Homebrew's folders.
 */
const administrators = process.platform === "darwin" ? [0, 80] : [0, 50];

/**
 * Returns whether another user, except an administrator, can change or replace a file or a folder.
 * @param {string} path absolute path of an existing file or folder
 * @returns {boolean}
 */
export function canOthersChange(path) {
  // Check both the path of a symbolic link and its target.
  return isOpen(path) || isOpen(realpathSync(path));
}

/** @param {string} path */
function isOpen(path) {
  if (isWritableByOthers(path, 0)) return true;
  for (let folder = dirname(path), below = path; folder !== below; below = folder, folder = dirname(folder)) {
    if (isWritableByOthers(folder, sticky)) return true;
  }
  return false;
}

/**
 * @param {string} path
 * @param {number} exempt a mode bit that makes write access harmless
 */
function isWritableByOthers(path, exempt) {
  const { uid, gid, mode } = statSync(path);
  const user = process.getuid?.() ?? 0;
  if (uid !== 0 && uid !== user) return true;
  if ((mode & exempt) !== 0) return false;
  // Many systems give each user a private group with the user's ID and write access.
  const isPrivate = gid === user && gid === process.getgid?.();
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && !isPrivate && !administrators.includes(gid));
}

/**
 * Returns the part of a PATH that setup searches: absolute folders that other users cannot change. Excludes `node_modules/.bin` of the
 * project's parent folders, which npm adds to the PATH of its scripts.
 * @param {string | undefined} path
 * @param {string} root the project's folder
 * @returns {{ path: string, ignored: string[] }} `ignored` are the folders that other users can change
 */
export function trustedPath(path, root) {
  const parents = new Set(parentsOf(root).map((folder) => join(folder, "node_modules", ".bin")));
  // This process already trusts its Node, and npm is in the same folder.
  const nodeFolder = dirname(realpathSync(process.execPath));
  /** @type {string[]} */
  const ignored = [];
  const kept = (path ?? "").split(delimiter).filter((folder) => {
    if (!isAbsolute(folder) || parents.has(folder)) return false;
    try {
      if (realpathSync(folder) === nodeFolder || !canOthersChange(folder)) return true;
    } catch {
      // The folder does not exist, or this user cannot read it.
      return false;
    }
    ignored.push(folder);
    return false;
  });
  return { path: kept.join(delimiter), ignored };
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function parentsOf(folder) {
  const parent = dirname(folder);
  return parent === folder ? [] : [parent, ...parentsOf(parent)];
}
