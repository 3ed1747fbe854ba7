/** A lock between processes: a file that names its owner and that the owner keeps fresh. */
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "../folders.mjs";
import { Stopped } from "./errors.mjs";

/** How often an owner freshens its lock, in milliseconds. */
const HEARTBEAT = 2000;

/** After how long without a heartbeat a lock counts as left behind, whoever has its owner's pid now, in milliseconds. */
const STALE = 60_000;

/** How often one who waits looks again, in milliseconds. */
const POLL = 200;

/**
 * Does work that no two processes may do at the same time. The lock of a process that has ended is taken over.
 * @template T
 * @param {string} file
 * @param {{ signal: AbortSignal, onWait: (owner: number | undefined) => void }} options `onWait` is called once, if another
 *   process has the lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {Stopped} if the signal came first
 */
export async function withLock(file, { signal, onWait }, work) {
  makeFolder(dirname(file));
  for (let waits = 0; !tryCreate(file); waits++) {
    if (signal.aborted) throw new Stopped();
    if (isStale(file)) breakStale(file);
    else {
      if (waits === 0) onWait(ownerOf(file));
      await sleep(POLL);
    }
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    if (existsSync(file)) utimesSync(file, now, now);
  }, HEARTBEAT);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    rmSync(file, { force: true });
  }
}

/**
 * The pid of a lock's owner; undefined where nobody has it, or it has just been made.
 * @param {string} file
 * @returns {number | undefined}
 */
export function ownerOf(file) {
  try {
    return Number.parseInt(readFileSync(file, "utf8"), 10) || undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Whether a lock's owner has ended without giving it back.
 * @param {string} file
 * @returns {boolean}
 */
export function isStale(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > STALE) return true;
    const owner = ownerOf(file);
    return owner !== undefined && !isAlive(owner);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/**
 * @param {string} file
 * @returns {boolean} whether this process now has the lock
 */
function tryCreate(file) {
  try {
    const descriptor = openSync(file, "wx");
    writeSync(descriptor, `${process.pid}\n`);
    closeSync(descriptor);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes a lock that was left behind. Of several processes that see it, only the one that has the second lock removes it,
 * and only after a second look: else it could be the new lock of another that it removes.
 * @param {string} file
 */
function breakStale(file) {
  const second = `${file}.break`;
  if (!tryCreate(second)) {
    if (isStale(second)) rmSync(second, { force: true });
    return;
  }
  try {
    if (isStale(file)) rmSync(file, { force: true });
  } finally {
    rmSync(second, { force: true });
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and belongs to someone else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** @param {unknown} error */
const isMissing = (error) => error instanceof Error && "code" in error && error.code === "ENOENT";
