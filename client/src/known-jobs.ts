/**
 * Status of the jobs that a file names: from the journal, else from S3. Each end seen in S3 is recorded in the journal.
 */
import { BusyError } from "./lock.ts";
import { JobJournal } from "./journal.ts";
import type { RecordedEnd } from "./journal-lines.ts";
import type { KnownJob, KnownJobs } from "./jobs-file.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";
import { checkJobs } from "./wait.ts";
import type { JobState } from "./wait.ts";

/** A job with its status; no state if no acceptance is known. */
export interface JobWithStatus {
  readonly known: KnownJob;
  readonly state: JobState | undefined;
}

/**
 * Returns the status of each job. A recorded end is final, because S3's lifecycle rules remove results in time; a
 * recorded expiry was presumed, and is checked again.
 * @throws the SDK's error if a location cannot be read; SetupError if the journal cannot be written
 */
export async function statusOf(
  stack: Stack,
  { jobs, journal }: Pick<KnownJobs, "jobs" | "journal">,
  signal?: AbortSignal,
): Promise<readonly JobWithStatus[]> {
  const recorded = new Map(jobs.map((known) => [known.inferenceId, recordedState(known)]));
  const open = jobs.flatMap(({ job }) =>
    job === undefined || recorded.get(job.inferenceId) !== undefined ? [] : [job],
  );
  const seen = new Map((await checkJobs(stack, open, signal)).map(([job, state]) => [job.inferenceId, state]));
  if (journal !== undefined) await record(journal, seen);
  return jobs.map((known) => ({ known, state: recorded.get(known.inferenceId) ?? seen.get(known.inferenceId) }));
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

async function record(file: string, states: ReadonlyMap<string, JobState>): Promise<void> {
  if ([...states.values()].every(({ status }) => status === "pending")) return;
  try {
    await using journal = await JobJournal.open(file);
    for (const [inferenceId, state] of states) {
      if (state.status === "pending" || journal.entries.get(inferenceId)?.end?.status === state.status) continue;
      journal.note({ event: "ended", inferenceId, ...recordOf(state) });
    }
  } catch (error) {
    // The submission is still running: it sees the same ends, and a later call finds those that it does not wait for.
    if (!(error instanceof BusyError)) throw error;
  }
}
