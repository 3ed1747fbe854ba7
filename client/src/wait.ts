/** Reads a job's status from the objects at the locations that its invocation returned, and waits for its end. */
import { codeOf } from "../../lib/errors.ts";
import { isBadInput, reasonOf } from "./failure.ts";
import { exists, readStart, unreachableReason } from "./s3-objects.ts";
import { inParallel } from "./parallel.ts";
import { poll } from "./poll.ts";
import type { PollOptions } from "./poll.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";

/** Status of a job. */
export type JobState =
  | { readonly status: "completed"; readonly outputLocation: string }
  | {
      readonly status: "failed";
      /** Message of the model or the service, on one line. */
      readonly reason: string;
    }
  /** Presumed: neither object exists although the request's time is over. */
  | { readonly status: "expired"; readonly deadline: Date }
  | { readonly status: "pending" };

/**
 * Seconds after TTL and time-out until a job without any object is presumed expired: for the upload of a result and for
 * late objects.
 */
const expiryMarginSeconds = 300;

/** Returns the time, on the service's clock, after which a job without an object is presumed expired. */
export function deadlineOf(job: Job): Date {
  const seconds = job.ttlSeconds + job.timeoutSeconds + expiryMarginSeconds;
  return new Date(Date.parse(job.submittedAt) + seconds * 1000);
}

/**
 * Real seconds that a job's clock may be ahead of its service's: on AWS both are the same, and the emulator's runs
 * faster.
 */
const clockMarginSeconds = 60;

/**
 * Returns the real seconds after which the last of some jobs has ended or counts as expired, if none was submitted
 * later than now.
 */
function longestWaitOf(jobs: readonly Job[]): number {
  const seconds = jobs.map(({ ttlSeconds, timeoutSeconds }) => ttlSeconds + timeoutSeconds);
  return Math.max(0, ...seconds) + expiryMarginSeconds + clockMarginSeconds;
}

/** Maximum age of a reading of the service's clock for deciding on expiry, real seconds. */
const clockMaxAgeSeconds = 10;

/** Maximum number of bytes that are read of a failure object: far more than the reason that is shown. */
const failureBytes = 64 * 1024;

/**
 * Reads the status once. If both objects exist, the result counts: an earlier run of the same job may have failed.
 * @throws the SDK's error if a location cannot be read; without s3:ListBucket a missing object is AccessDenied
 */
export async function checkJob(stack: Stack, job: Job, signal?: AbortSignal): Promise<JobState> {
  // Before the objects: a result that arrives between the two readings must not count as missing.
  const now = await stack.clock.now(clockMaxAgeSeconds);
  if (await exists(stack.s3, job.outputLocation, signal)) {
    return { status: "completed", outputLocation: job.outputLocation };
  }
  if (job.failureLocation !== undefined && (await exists(stack.s3, job.failureLocation, signal))) {
    const failure = await readFailure(stack, job, signal);
    return { status: "failed", reason: failure?.reason ?? "the failure object was removed" };
  }
  const deadline = deadlineOf(job);
  return now > deadline ? { status: "expired", deadline } : { status: "pending" };
}

/** Content of a failure object. */
export interface Failure {
  /** Message of the model or the service, on one line. */
  readonly reason: string;
  /** True if the model refused the video, and would refuse it again. */
  readonly isBadInput: boolean;
}

/**
 * Reads a job's failure object; undefined if there is none, or if its bucket is of a deployment that no longer exists.
 * @throws the SDK's error if its location cannot be read
 */
export async function readFailure(
  stack: Stack,
  { failureLocation }: Pick<Job, "failureLocation">,
  signal?: AbortSignal,
): Promise<Failure | undefined> {
  if (failureLocation === undefined) return undefined;
  try {
    const { start } = await readStart(stack.s3, failureLocation, failureBytes, signal);
    const body = new TextDecoder().decode(start);
    return { reason: reasonOf(body), isBadInput: isBadInput(body) };
  } catch (error) {
    if (codeOf(error) === "NoSuchKey") return undefined;
    if (unreachableReason(error, failureLocation, stack.outputs) !== undefined) return undefined;
    throw error;
  }
}

/**
 * Waits for a job's end: `completed`, `failed`, `expired`, or `pending` at the caller's limit; without a limit until
 * the job ends or expires.
 * @throws AbortError on the caller's signal; the SDK's error if it is not transient, or outlasts the retry budget
 */
export async function waitForJob(stack: Stack, job: Job, options: PollOptions<JobState> = {}): Promise<JobState> {
  return await poll(
    () => checkJob(stack, job, options.signal),
    ({ status }) => status !== "pending",
    { ...options, limitSeconds: options.limitSeconds ?? longestWaitOf([job]) },
  );
}

/** Number of jobs that are read at a time. */
export const checksAtOnce = 16;

/** Progress of a wait for many jobs. */
export interface WaitProgress {
  /** Jobs that have ended. */
  readonly ended: number;
  readonly total: number;
}

/**
 * Waits for many jobs' ends, reading all pending ones in turns; reports each end once, as soon as it is seen.
 * @returns the jobs that are pending at the caller's limit; without a limit it waits until each has ended or expired
 * @throws as {@link waitForJob}, and the errors of `onEnd`
 */
export async function waitForJobs(
  stack: Stack,
  jobs: readonly Job[],
  onEnd: (job: Job, state: Exclude<JobState, { status: "pending" }>) => void | Promise<void>,
  options: PollOptions<WaitProgress> = {},
): Promise<readonly Job[]> {
  const pending = new Map(jobs.map((job) => [job.inferenceId, job]));
  const total = pending.size;
  await poll(
    async () => {
      await inParallel([...pending.values()], checksAtOnce, async (job) => {
        options.signal?.throwIfAborted();
        const state = await checkJob(stack, job, options.signal);
        if (state.status === "pending") return;
        pending.delete(job.inferenceId);
        await onEnd(job, state);
      });
      return { ended: total - pending.size, total };
    },
    () => pending.size === 0,
    { ...options, limitSeconds: options.limitSeconds ?? longestWaitOf(jobs) },
  );
  return [...pending.values()];
}
