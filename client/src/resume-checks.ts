/** Checks the jobs of a journal before they are resumed: files that changed, and videos that are in S3 already. */
import { maxInputBytesOf } from "./limits.ts";
import { isReadable } from "./allowed-sources.ts";
import { headObject, parseS3Uri } from "./s3-objects.ts";
import type { JournalEntry } from "./journal-lines.ts";
import { inParallel } from "./parallel.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";
import { checkVideo } from "./video-file.ts";
import { InputError } from "./errors.ts";

/** Known facts of jobs before they are sent. */
export interface KnownOfJobs {
  /** Problems of files that cannot be uploaded, by InferenceId. */
  readonly problems: ReadonlyMap<string, InputError>;
  /** Locations of videos of which parts were sent already, by job id. */
  readonly places: ReadonlyMap<string, Place>;
}

/** Location of a video in S3. */
export type Place = Pick<Job, "inputLocation" | "contentType">;

/**
 * Returns the locations from which parts of videos were sent already, by job id: the other parts are of the same
 * content, even if the file has changed or is gone. Objects of an earlier deployment do not count, nor do those that a
 * lifecycle rule has removed.
 */
export async function placesIn(
  stack: Stack,
  entries: Iterable<JournalEntry>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  for (const { planned, job, sent } of entries) {
    const place = job ?? sent;
    if (planned.part === undefined || place === undefined || places.has(planned.part.job)) continue;
    const { inputLocation, contentType } = place;
    if (isReadable(stack.outputs, inputLocation)) places.set(planned.part.job, { inputLocation, contentType });
  }
  await inParallel([...places], checks, async ([job, { inputLocation }]) => {
    if ((await headObject(stack.s3, parseS3Uri(inputLocation), { signal })) === "missing") places.delete(job);
  });
  return places;
}

/** Number of concurrent file checks: they wait for the disk, not for the processor. */
const checks = 16;

/**
 * Returns the problems of files that cannot be uploaded, by InferenceId.
 * @throws AbortError on the caller's signal
 */
export async function problemsOf(
  stack: Stack,
  entries: readonly JournalEntry[],
  places: ReadonlyMap<string, Place>,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, InputError>> {
  const problems = new Map<string, InputError>();
  const maxBytes = maxInputBytesOf(stack.outputs);
  await inParallel(entries, checks, async ({ planned: { file, inferenceId, part }, sent }) => {
    signal?.throwIfAborted();
    if (file === undefined || sent !== undefined || (part !== undefined && places.has(part.job))) return;
    try {
      await checkVideo(file, maxBytes);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.set(inferenceId, error);
    }
  });
  return problems;
}
