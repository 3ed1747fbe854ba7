/** Waits while another update holds a stack's lock. */
import { setTimeout as sleep } from "node:timers/promises";
import { PipelineError } from "./errors.ts";
import type { Job } from "./job.ts";
import type { Finished } from "./pulumi.ts";

/** How long to wait for a lock. */
export interface LockWait {
  /** Milliseconds between two attempts. */
  readonly interval: number;
  /** Milliseconds after which no further attempt is made. */
  readonly limit: number;
}

/** An update must end before its job's time limit, so it waits only a little. */
export const updateWait: LockWait = { interval: 30_000, limit: 15 * 60_000 };
/** Long enough for a deployment to end that was running when its pull request was closed. */
export const destroyWait: LockWait = { interval: 30_000, limit: 90 * 60_000 };

/**
 * How the CLI says that a stack is locked: the S3 backend, and Pulumi Cloud
 * (pulumi/pulumi v3.259.0, sdk/nodejs/automation/errors.ts: diyBackendConflictText, conflictText).
 */
const locked = /the stack is currently locked by|\[409\] Conflict: Another update is currently in progress/;

/**
 * Runs a command of the CLI that needs the stack's lock, and runs it again while another update holds the lock: the CLI itself does not wait.
 * @throws PipelineError if the stack is still locked at the limit
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
      throw new PipelineError(
        `The stack ${stack} is still locked after ${Math.round(limit / 60_000)} minutes. If the job that locked it was killed, run the workflow ` +
          '"unlock" for it, then run this job again.',
      );
    }
    job.out(
      `The stack ${stack} is locked by another update; trying again in ${Math.round(interval / 1000)} seconds.\n`,
    );
    await sleep(interval);
  }
}
