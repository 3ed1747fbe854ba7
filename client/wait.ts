/** Where a job stands, by the objects at the places that its invocation returned, and the wait for its end. */
import { reasonOf } from "./failure.ts";
import { exists, read } from "./location.ts";
import { poll } from "./poll.ts";
import type { PollOptions } from "./poll.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";

/** How a job stands. */
export type JobState =
  | { readonly status: "completed"; readonly outputLocation: string }
  | {
      readonly status: "failed";
      /** The model's or the service's words, on one line. */
      readonly reason: string;
      /** The failure object's content. */
      readonly body: string;
    }
  /** Presumed: neither object is there though the request's time is over. */
  | { readonly status: "expired"; readonly deadline: Date }
  | { readonly status: "pending" };

/** Seconds after TTL and time-out until a job without any object is presumed expired: for the upload of a result and for late objects. */
const EXPIRY_MARGIN_SECONDS = 300;

/** The moment, on the service's clock, after which a job that left no object is presumed expired. */
export function deadlineOf(job: Job): Date {
  const seconds = job.ttlSeconds + job.timeoutSeconds + EXPIRY_MARGIN_SECONDS;
  return new Date(Date.parse(job.submittedAt) + seconds * 1000);
}

/** How long a reading of the service's clock may serve for judging expiry, real seconds. */
const CLOCK_MAX_AGE_SECONDS = 10;

/**
 * Looks once. The result counts if both objects are there: an earlier run of the same job may have failed.
 * @throws the SDK's error if a place cannot be read; without s3:ListBucket a missing object is AccessDenied
 */
export async function checkJob(stack: Stack, job: Job, signal?: AbortSignal): Promise<JobState> {
  // Before the objects: a result that comes between the two readings must not be taken for missing.
  const now = await stack.clock.now(CLOCK_MAX_AGE_SECONDS);
  if (await exists(stack.s3, job.outputLocation, signal)) {
    return { status: "completed", outputLocation: job.outputLocation };
  }
  if (job.failureLocation !== undefined && (await exists(stack.s3, job.failureLocation, signal))) {
    const body = new TextDecoder().decode(await read(stack.s3, job.failureLocation, signal));
    return { status: "failed", reason: reasonOf(body), body };
  }
  const deadline = deadlineOf(job);
  return now > deadline ? { status: "expired", deadline } : { status: "pending" };
}

/**
 * Waits for a job's end: `completed`, `failed`, `expired`, or `pending` at the caller's limit; without a limit until the
 * job ends or expires.
 * @throws AbortError on the caller's signal; the SDK's error for what does not pass by itself, or did not pass in time
 */
export async function waitForJob(stack: Stack, job: Job, options: PollOptions<JobState> = {}): Promise<JobState> {
  return await poll(
    () => checkJob(stack, job, options.signal),
    ({ status }) => status !== "pending",
    options,
  );
}
