/** A lock on a file, so that one process at a time works on it; a dead process's lock is nobody's. */
import { link, readFile, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";
import { codeOf, SetupError, writeRemedy } from "./errors.ts";

/** Another process holds the lock. */
export class BusyError extends SetupError {
  override readonly name = "BusyError";
}

/** A lock that is held. */
export interface FileLock {
  release(): Promise<void>;
}

const holderSchema = z.object({ pid: z.int().positive(), host: z.string() });

/**
 * Locks a file by another one beside it, FILE.lock.
 * @throws BusyError if a living process holds the lock; SetupError if the lock cannot be written
 */
export async function lockFile(file: string): Promise<FileLock> {
  const lock = `${file}.lock`;
  const draft = `${lock}.${process.pid}`;
  try {
    await writeFile(draft, JSON.stringify({ pid: process.pid, host: hostname() }));
    try {
      // A link appears whole or not at all: no other process ever reads half a lock.
      for (let tries = 1; !(await linked(draft, lock)); tries++) {
        if (tries === 3 || (await isHeld(lock))) {
          throw new BusyError(`Another process is at work on ${file}: wait for it, or, if none is, delete ${lock}.`);
        }
        await unlink(lock).catch(ignoreMissing);
      }
    } finally {
      await unlink(draft);
    }
  } catch (error) {
    if (error instanceof SetupError) throw error;
    throw new SetupError(`Cannot write ${lock} (${codeOf(error)}): ${writeRemedy(error, "choose another folder")}.`);
  }
  return { release: () => unlink(lock).catch(ignoreMissing) };
}

async function linked(draft: string, lock: string): Promise<boolean> {
  try {
    await link(draft, lock);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function isHeld(lock: string): Promise<boolean> {
  const text = await readFile(lock, "utf8").catch(() => "");
  // Released a moment ago.
  if (text === "") return false;
  const { pid, host } = holderSchema.parse(JSON.parse(text));
  // Nobody here can tell whether another machine's process lives.
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== "ENOENT") throw error;
}
