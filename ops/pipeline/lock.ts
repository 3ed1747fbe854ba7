/** Waits while another update holds a stack's lock. */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../lib/errors.ts";
import type { Job } from "./job.ts";
import type { Finished } from "./pulumi.ts";

/** Limits of the wait for a lock. */
export interface LockWait {
  /** Milliseconds between two attempts. */
  readonly interval: number;
  /** Milliseconds after which no further attempt is made. */
  readonly limit: number;
}

/** For an update, which must end before its job's time limit, so it waits only briefly. */
export const updateWait: LockWait = { interval: 30_000, limit: 15 * 60_000 };
/** For a removal: long enough for a deployment to end that was running when its pull request was closed. */
export const destroyWait: LockWait = { interval: 30_000, limit: 90 * 60_000 };

/**
 * Messages of the CLI for a locked stack: from the S3 backend, and from Pulumi Cloud
 * (pulumi/pulumi v3.259.0, sdk/nodejs/automation/errors.ts: diyBackendConflictText, conflictText).
 */
const locked = /the stack is currently locked by|\[409\] Conflict: Another update is currently in progress/;

/**
 * Runs a command of the CLI that needs the stack's lock, and repeats it while another update holds the lock. The CLI itself does not wait.
 * @throws UserError if the stack is still locked at the limit
 */
export async function untilUnlocked(
  command: () => Promise<Finished>,
  stack: string,
  job: Job,
  { interval, limit }: LockWait,
): Promise<Finished> {
  const deadline = performance.now() + limit;
  for (;;) {
    const finished = await command();
    if (finished.status === 0 || !locked.test(finished.text)) return finished;
    if (performance.now() + interval > deadline) {
      throw new UserError(
        `The stack ${stack} is still locked after ${Math.round(limit / 60_000)} minutes. If the job that locked it was killed, run the workflow ` +
          '"unlock" for it, then run this job again.',
      );
    }
    job.stdout.write(
      `The stack ${stack} is locked by another update; trying again in ${Math.round(interval / 1000)} seconds.\n`,
    );
    await sleep(interval);
  }
}
