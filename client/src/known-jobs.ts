/** How jobs that a file names stand: what a manifest has recorded, else what is in S3; what is seen is recorded in turn. */
import { BusyError } from "./lock.ts";
import { Manifest } from "./manifest.ts";
import type { RecordedEnd } from "./manifest-lines.ts";
import type { KnownJob, KnownJobs } from "./jobs-file.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";
import { checkJobs } from "./wait.ts";
import type { JobState } from "./wait.ts";

/** A job and how it stands; no state where it was never accepted, as far as anybody knows. */
export interface JobWithStatus {
  readonly known: KnownJob;
  readonly state: JobState | undefined;
}

/**
 * How each job stands. A recorded end stands, because S3's lifecycle rules remove results in time; an expiry was presumed
 * and is looked at again.
 * @throws the SDK's error if a place cannot be read; SetupError if the manifest cannot be written
 */
export async function statusOf(
  stack: Stack,
  { jobs, manifest }: Pick<KnownJobs, "jobs" | "manifest">,
  signal?: AbortSignal,
): Promise<readonly JobWithStatus[]> {
  const recorded = new Map(jobs.map((known) => [known.inferenceId, recordedState(known)]));
  const open = jobs.flatMap(({ job }) =>
    job === undefined || recorded.get(job.inferenceId) !== undefined ? [] : [job],
  );
  const seen = new Map((await checkJobs(stack, open, signal)).map(([job, state]) => [job.inferenceId, state]));
  if (manifest !== undefined) await record(manifest, seen);
  return jobs.map((known) => ({ known, state: recorded.get(known.inferenceId) ?? seen.get(known.inferenceId) }));
}

/** An end as a manifest records it. */
export function recordOf(state: Exclude<JobState, { status: "pending" }>): RecordedEnd {
  return { status: state.status, ...(state.status === "failed" ? { reason: state.reason } : {}) };
}

/** A job's end, if the manifest has one that stands. */
export function recordedState({ job, end }: { job?: Job; end?: RecordedEnd }): JobState | undefined {
  if (job === undefined) return undefined;
  if (end?.status === "completed") return { status: "completed", outputLocation: job.outputLocation };
  if (end?.status === "failed") return { status: "failed", reason: end.reason ?? "no reason was recorded" };
  return undefined;
}

async function record(file: string, states: ReadonlyMap<string, JobState>): Promise<void> {
  if ([...states.values()].every(({ status }) => status === "pending")) return;
  try {
    await using manifest = await Manifest.open(file);
    for (const [inferenceId, state] of states) {
      if (state.status === "pending" || manifest.entries.get(inferenceId)?.end?.status === state.status) continue;
      manifest.note({ event: "ended", inferenceId, ...recordOf(state) });
    }
  } catch (error) {
    // The submission is still at work: it sees the same ends, and a later look finds those that it does not wait for.
    if (!(error instanceof BusyError)) throw error;
  }
}
