/** Locks a file, so that one process at a time works on it; the lock of a dead process does not count. */
import { codeOf } from "../../lib/errors.ts";
import { tryLock, unlock } from "../../lib/lock.ts";
import { writeRemedy } from "../../lib/remedies.ts";
import { BusyError, SetupError } from "./errors.ts";

/** A lock that this process holds. */
export interface FileLock {
  readonly release: () => void;
}

/**
 * Locks a file by means of a second file, FILE.lock.
 * @throws BusyError if a living process holds the lock; SetupError if the lock cannot be written
 */
export function lockFile(file: string): FileLock {
  const lock = `${file}.lock`;
  let isMine: boolean;
  try {
    isMine = tryLock(lock);
  } catch (error) {
    throw new SetupError(`Cannot write ${lock} (${codeOf(error)}): ${writeRemedy(error, "choose another folder")}.`);
  }
  if (!isMine) {
    throw new BusyError(`Another process is at work on ${file}: wait for it, or delete ${lock} if there is none.`);
  }
  return {
    release() {
      unlock(lock);
    },
  };
}
