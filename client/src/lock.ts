/** Locks a file, so that one process at a time works on it; the lock of a dead process does not count. */
import { link, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";
import { writeRemedy } from "../../lib/remedies.ts";
import { SetupError } from "./errors.ts";

/** Another process holds the lock. */
export class BusyError extends SetupError {
  override readonly name = "BusyError";
}

/** A lock that this process holds. */
export interface FileLock {
  release(): Promise<void>;
}

const holderSchema = z.object({ pid: z.int().positive(), host: z.string() });

/**
 * Locks a file by means of a second file, FILE.lock.
 * @throws BusyError if a living process holds the lock; SetupError if the lock cannot be written
 */
export async function lockFile(file: string): Promise<FileLock> {
  const lock = `${file}.lock`;
  const draft = `${lock}.${process.pid}`;
  try {
    try {
      await writeFile(draft, JSON.stringify({ pid: process.pid, host: hostname() }));
      // A link appears complete or not at all: no other process ever reads half a lock.
      for (let tries = 1; !(await linked(draft, lock)); tries++) {
        if (tries === 3 || (await isHeld(lock))) {
          throw new BusyError(
            `Another process is at work on ${file}: wait for it, or delete ${lock} if there is none.`,
          );
        }
        await unlink(lock).catch(ignoreMissing);
      }
    } finally {
      await rm(draft, { force: true });
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
  // A process of another machine cannot be checked from here.
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
