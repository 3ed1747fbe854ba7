/** Decides which folders and programs other users of the machine cannot change. */
import { realpathSync, statSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";

/** The sticky bit: in such a folder, only a file's owner can rename or remove it. */
const STICKY = 0o1000;

/**
 * Groups whose members are administrators anyway: root; `staff` of Debian, which owns /usr/local
 * (https://www.debian.org/doc/debian-policy/ch-opersys.html#site-specific-programs); `admin` of macOS, which owns Homebrew's folders.
 */
const ADMINISTRATORS = process.platform === "darwin" ? [0, 80] : [0, 50];

/**
 * Finds out whether another user, administrators aside, can change a file or a folder, or put another one in its place.
 * @param {string} path absolute, of something that exists
 * @returns {boolean}
 */
export function canOthersChange(path) {
  // Both ways to it: where a symbolic link stands, and where it leads.
  return isOpen(path) || isOpen(realpathSync(path));
}

/** @param {string} path */
function isOpen(path) {
  if (isWritableByOthers(path, 0)) return true;
  for (let folder = dirname(path), below = path; folder !== below; below = folder, folder = dirname(folder)) {
    if (isWritableByOthers(folder, STICKY)) return true;
  }
  return false;
}

/**
 * @param {string} path
 * @param {number} exempt the bit of the mode that makes writing harmless
 */
function isWritableByOthers(path, exempt) {
  const { uid, gid, mode } = statSync(path);
  const user = process.getuid?.() ?? 0;
  if (uid !== 0 && uid !== user) return true;
  if ((mode & exempt) !== 0) return false;
  // Many systems give each user a private group with the user's own number, and let it write.
  const isPrivate = gid === user && gid === process.getgid?.();
  return (mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && !isPrivate && !ADMINISTRATORS.includes(gid));
}

/**
 * The part of a PATH that set-up searches: absolute folders that other users cannot change. npm puts `node_modules/.bin` of every
 * parent folder of a project on the PATH of its scripts; those are left out, too.
 * @param {string | undefined} path
 * @param {string} root the project's folder
 * @returns {{ path: string, ignored: string[] }} `ignored` are the folders that other users can change
 */
export function trustedPath(path, root) {
  const parents = new Set(parentsOf(root).map((folder) => join(folder, "node_modules", ".bin")));
  // The Node that runs this is trusted already, and npm lies next to it.
  const ownFolder = dirname(realpathSync(process.execPath));
  /** @type {string[]} */
  const ignored = [];
  const kept = (path ?? "").split(delimiter).filter((folder) => {
    if (!isAbsolute(folder) || parents.has(folder)) return false;
    try {
      if (realpathSync(folder) === ownFolder || !canOthersChange(folder)) return true;
    } catch {
      // It is not there, or not for this user to read.
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
