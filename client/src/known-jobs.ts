/**
 * Status of the jobs that files name: from their journal, else from S3. Each end seen in S3 is recorded in the journal.
 */
import { unreachableReason } from "./s3-objects.ts";
import { BusyError } from "./errors.ts";
import { JobJournal } from "./journal.ts";
import type { RecordedEnd } from "./journal-lines.ts";
import type { KnownJob, KnownJobs } from "./jobs-file.ts";
import { inParallel } from "./parallel.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";
import { checkJob, checksAtOnce } from "./wait.ts";
import type { JobState } from "./wait.ts";

/** Status of a job that a file names. */
export type KnownState =
  | JobState
  /** Its bucket is of a deployment that no longer exists, or is not readable. */
  | { readonly status: "unreachable"; readonly reason: string };

/** Remedy for a job that is unreachable. */
export const unreachableRemedy =
  "another deployment accepted it: submit its video again with another --journal, or name that deployment with --stack or --outputs";

/** A job with its status; no state if no acceptance is known. */
export interface JobWithStatus {
  readonly known: KnownJob;
  readonly state: KnownState | undefined;
}

/**
 * Returns the status of each job. A recorded end is final, because S3's lifecycle rules remove results in time; a
 * recorded expiry was presumed, and is checked again.
 * @throws the SDK's error if a location of the stack cannot be read; SetupError if a journal cannot be written
 */
export async function statusOf(
  stack: Stack,
  { jobs, journals }: Pick<KnownJobs, "jobs" | "journals">,
  signal?: AbortSignal,
): Promise<readonly JobWithStatus[]> {
  const recorded = new Map(jobs.map((known) => [known.inferenceId, recordedState(known)]));
  const open = jobs.flatMap(({ job }) =>
    job === undefined || recorded.get(job.inferenceId) !== undefined ? [] : [job],
  );
  const seen = new Map<string, KnownState>();
  await inParallel(open, checksAtOnce, async (job) => {
    signal?.throwIfAborted();
    seen.set(job.inferenceId, await reachableState(stack, job, signal));
  });
  for (const journal of journals) await record(journal, seen);
  return jobs.map((known) => ({ known, state: recorded.get(known.inferenceId) ?? seen.get(known.inferenceId) }));
}

/**
 * Reads a job's status once; a bucket that is gone is the status of that job only.
 * @throws the SDK's error if a location of the stack cannot be read
 */
export async function reachableState(stack: Stack, job: Job, signal?: AbortSignal): Promise<KnownState> {
  try {
    return await checkJob(stack, job, signal);
  } catch (error) {
    const reason = unreachableReason(error, job.outputLocation, stack.outputs);
    if (reason === undefined) throw error;
    return { status: "unreachable", reason };
  }
}

/** Converts an end to a journal entry. */
export function recordOf(state: Exclude<JobState, { status: "pending" }>): RecordedEnd {
  return { status: state.status, ...(state.status === "failed" ? { reason: state.reason } : {}) };
}

/** Returns a job's end, if the journal has a final one. */
export function recordedState({ job, end }: { job?: Job; end?: RecordedEnd }): JobState | undefined {
  if (job === undefined) return undefined;
  if (end?.status === "completed") return { status: "completed", outputLocation: job.outputLocation };
  if (end?.status === "failed") return { status: "failed", reason: end.reason ?? "no reason was recorded" };
  return undefined;
}

/** Status of a job whose acceptance is not known; `unknown` if a call for it may have been accepted. */
export function unsentStatus({
  problem,
  attempts,
}: Pick<KnownJob, "problem" | "attempts">): "refused" | "unknown" | "planned" {
  if (problem !== undefined) return "refused";
  return attempts > 0 ? "unknown" : "planned";
}

async function record(file: string, states: ReadonlyMap<string, KnownState>): Promise<void> {
  const ends = [...states].flatMap(([inferenceId, state]) =>
    state.status === "pending" || state.status === "unreachable" ? [] : [[inferenceId, state] as const],
  );
  if (ends.length === 0) return;
  try {
    await using journal = await JobJournal.open(file);
    for (const [inferenceId, state] of ends) {
      const entry = journal.entries.get(inferenceId);
      if (entry !== undefined && entry.end?.status !== state.status)
        journal.note({ event: "ended", inferenceId, ...recordOf(state) });
    }
  } catch (error) {
    // The submission is still running: it sees the same ends, and a later call finds those that it does not wait for.
    if (!(error instanceof BusyError)) throw error;
  }
}
