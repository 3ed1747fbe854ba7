/** A lock between processes: a file that names its owner. The lock of a process that has ended is taken over. */
import { spawnSync } from "node:child_process";
import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeFolder } from "./folders.mjs";
import { hasCode, Stopped } from "./setup/errors.mjs";

/** Milliseconds between two heartbeats of {@link withLock}. */
const heartbeatMs = 2000;

/** Milliseconds without a heartbeat after which a lock of {@link withLock} on another machine counts as left behind. */
const staleMs = 60_000;

/** Milliseconds between two attempts. */
const poll = 200;

/**
 * The owner of a lock. The start tells the process from a later one with the same number.
 * @typedef {{ readonly pid: number, readonly started: string, readonly host: string }} Owner
 */

/**
 * Returns the record of a process of this machine.
 * @param {number} [pid]
 * @returns {Owner}
 */
export function ownerRecord(pid = process.pid) {
  return { pid, started: startOf(pid), host: hostname() };
}

/**
 * Returns the living owner of a lock; undefined if the lock is free or its owner has ended. A process of another machine counts
 * as living, because it cannot be checked from here.
 * @param {string} file
 * @param {number} [stale] milliseconds without a heartbeat after which an owner on another machine counts as ended
 * @returns {Owner | undefined}
 * @throws {Error} if the file cannot be read
 */
export function liveOwner(file, stale = Infinity) {
  try {
    const owner = parse(readFileSync(file, "utf8"));
    if (owner === undefined) return undefined;
    const lives = owner.host === hostname() ? isAlive(owner) : Date.now() - statSync(file).mtimeMs < stale;
    return lives ? owner : undefined;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/**
 * Returns the living owner of a lock that {@link withLock} holds.
 * @param {string} file
 */
export function workingOwner(file) {
  return liveOwner(file, staleMs);
}

/**
 * Takes a lock for this process unless it has a living owner. Its folder must exist.
 * @param {string} file
 * @param {number} [stale] as for {@link liveOwner}
 * @returns {boolean} true if this process has the lock now
 */
export function tryLock(file, stale = Infinity) {
  if (create(file)) return true;
  if (liveOwner(file, stale) !== undefined) return false;
  removeDead(file, stale);
  return create(file);
}

/**
 * Makes another process of this machine the owner of a lock that this process has.
 * @param {string} file
 * @param {number} pid
 */
export function handOver(file, pid) {
  withDraft(file, ownerRecord(pid), (draft) => {
    renameSync(draft, file);
  });
}

/**
 * Releases a lock that this process has.
 * @param {string} file
 */
export function unlock(file) {
  rmSync(file, { force: true });
}

/**
 * Does work that no two processes may do at the same time. Waits for the lock.
 * @template T
 * @param {string} file
 * @param {{ signal: AbortSignal, onWait: (owner: number | undefined) => void }} options `onWait` is called once, if another
 *   process has the lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {Stopped} if the signal aborts first
 */
export async function withLock(file, { signal, onWait }, work) {
  makeFolder(dirname(file));
  for (let waits = 0; !tryLock(file, staleMs); waits++) {
    if (signal.aborted) throw new Stopped();
    if (waits === 0) onWait(workingOwner(file)?.pid);
    await sleep(poll);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    if (existsSync(file)) utimesSync(file, now, now);
  }, heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    unlock(file);
  }
}

/**
 * Creates the file of a lock. A link appears complete or not at all: no other process reads a part of a record.
 * @param {string} file
 * @returns {boolean} false if it exists
 */
function create(file) {
  try {
    withDraft(file, ownerRecord(), (draft) => {
      linkSync(draft, file);
    });
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/**
 * Writes a record into a file next to the lock for `use`, and removes that file.
 * @param {string} file
 * @param {Owner} owner
 * @param {(draft: string) => void} use
 */
function withDraft(file, owner, use) {
  const draft = `${file}.tmp-${process.pid}`;
  try {
    writeFileSync(draft, JSON.stringify(owner));
    use(draft);
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Removes the lock of an owner that has ended. Of several processes that see it, only the one that has the second lock removes
 * it, and only after a second check: otherwise it could remove the new lock of another one.
 * @param {string} file
 * @param {number} stale
 */
function removeDead(file, stale) {
  const second = `${file}.break`;
  if (!create(second)) {
    if (liveOwner(second, stale) === undefined) rmSync(second, { force: true });
    return;
  }
  try {
    if (liveOwner(file, stale) === undefined) rmSync(file, { force: true });
  } finally {
    rmSync(second, { force: true });
  }
}

/**
 * Parses a record; undefined if it is none, such as one that a power failure has cut.
 * @param {string} text
 * @returns {Owner | undefined}
 */
function parse(text) {
  try {
    /** @type {(text: string) => Partial<Record<keyof Owner, unknown>> | null} */
    const parseJson = JSON.parse;
    const { pid, started, host } = parseJson(text) ?? {};
    const isOwner = typeof pid === "number" && typeof started === "string" && typeof host === "string";
    return isOwner ? { pid, started, host } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** @param {Owner} owner */
function isAlive({ pid, started }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to another user.
    if (!hasCode(error, "EPERM")) return false;
  }
  return startOf(pid) === started;
}

/**
 * Returns the start of a process: on Linux in clock ticks since boot (proc_pid_stat(5), field 22), elsewhere as `ps` prints it.
 * @param {number} pid
 * @returns {string} empty if there is no such process
 */
function startOf(pid) {
  if (process.platform !== "linux") {
    return spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", timeout: 10_000 }).stdout.trim();
  }
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
