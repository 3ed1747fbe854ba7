/** Submits many videos, a bounded number at a time, each by way of the manifest: planned, about to be sent, accepted. */
import path from "node:path";
import { SetupError } from "./errors.ts";
import { checkLocation, maxInputBytesOf, timeoutWithin } from "./limits.ts";
import type { Manifest } from "./manifest.ts";
import type { ManifestEntry, PlannedJob } from "./manifest-lines.ts";
import type { ResultFormat } from "./model-options.ts";
import { inParallel, limiter } from "./parallel.ts";
import type { Stack } from "./stack.ts";
import { DEFAULT_TTL_SECONDS, invoke, newInferenceId } from "./submit.ts";
import type { Job } from "./submit.ts";
import { uploadVideo } from "./upload.ts";
import type { UploadedVideo, UploadProgress } from "./upload.ts";
import { checkContentType, checkVideo, contentTypeOf, InputError } from "./video-file.ts";

/** One video to be sent: a file, which is uploaded, or an object in S3, which is used in place. */
export interface Submission {
  /** A file's path, or an object's s3:// URI. */
  readonly video: string;
  /** Media type handed to the model. @default by the extension */
  readonly contentType?: string | undefined;
  /** Unique, printable, at most 64 characters. @default a random one */
  readonly inferenceId?: string | undefined;
  /** Seconds the job may wait in the queue, 60..21600. @default 21600 */
  readonly ttlSeconds?: number | undefined;
  /** Seconds one run may take, at most the stack's `invocationTimeout`. @default the stack's */
  readonly timeoutSeconds?: number | undefined;
  /** The model's options: see `customAttributesOf`. */
  readonly customAttributes?: string | undefined;
  /** The form of the result in S3. @default json */
  readonly format?: ResultFormat | undefined;
}

/** What becomes of one submission; `video` is as the manifest has it, a file's path absolute. */
export type Outcome =
  | {
      readonly video: string;
      readonly inferenceId: string;
      readonly job: Job;
      /** Of a file that was uploaded in this run. */
      readonly uploaded?: UploadedVideo;
    }
  /** Not sent, because of its own input: other videos are not concerned. */
  | { readonly video: string; readonly inferenceId: string; readonly problem: InputError };

/** How far one submission is. */
export type SubmissionProgress = { readonly video: string; readonly inferenceId: string } & (
  | UploadProgress
  | { readonly step: "invoking" }
  /** The service does not answer as it should at the moment; the call is tried again. */
  | { readonly step: "retrying"; readonly problem: string }
);

/** How to submit. */
export interface SubmitOptions {
  /** Uploads and calls under way at a time. @default 8 */
  readonly concurrency?: number | undefined;
  /** Where each step is written before it is made, so that it can be gone on with after a crash. @default none */
  readonly manifest?: Manifest | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once for each submission that was accepted or refused, the manifest's line already written. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  readonly onProgress?: ((progress: SubmissionProgress) => void) | undefined;
}

/** Uploads and calls under way at a time, if nothing is said: enough to hide the network's delays, few enough to hold their parts in memory. */
const DEFAULT_CONCURRENCY = 8;

/**
 * Uploads what is to be uploaded and hands each video to the endpoint. What is wrong with one video is that one's outcome;
 * any other error ends the whole, after what is under way, and leaves the rest to {@link resumeAll}.
 * @returns an outcome for each submission, in their order
 * @throws AbortError on the caller's signal; SetupError if a job of that name is in the manifest already or a run is longer than
 * the stack allows; the SDK's error for what does not pass by itself, or did not pass in minutes
 */
export async function submitAll(
  stack: Stack,
  submissions: readonly Submission[],
  options: SubmitOptions = {},
): Promise<readonly Outcome[]> {
  const planned = submissions.map((submission) => planOf(stack, submission));
  const names = new Set(options.manifest?.entries.keys());
  for (const { inferenceId } of planned) {
    if (names.has(inferenceId)) throw new SetupError(`Two jobs are called ${inferenceId}: an InferenceId names one.`);
    names.add(inferenceId);
  }
  await options.manifest?.plan(planned);
  return await submitPlanned(
    stack,
    planned.map((job) => ({ planned: job, intents: 0 })),
    options,
  );
}

/**
 * Goes on with what an earlier process planned and did not see accepted, under the same InferenceIds. Where a call was about
 * to be made and its outcome is unknown, it is made again: the service does not de-duplicate, so it may then run the job
 * twice, but the job is one, and its places are those that the last call returned.
 *
 * A manifest is untrusted input that may name any file, so each file is checked as a video before anything is sent; a file that
 * is none is its own job's outcome.
 * @returns an outcome for each job that was gone on with
 * @throws as {@link submitAll}; SetupError if the manifest is another endpoint's
 */
export async function resumeAll(
  stack: Stack,
  manifest: Manifest,
  options: Omit<SubmitOptions, "manifest"> = {},
): Promise<readonly Outcome[]> {
  const open = [...manifest.entries.values()].filter(({ job }) => job === undefined);
  const { endpointName } = stack.outputs;
  const other = open.find(({ planned }) => planned.endpointName !== endpointName);
  if (other !== undefined) {
    throw new SetupError(
      `The jobs of ${manifest.file} are for endpoint ${other.planned.endpointName}, and this stack's is ${endpointName}: give the stack that they were planned for.`,
    );
  }
  const problems = await problemsOf(stack, open, options.signal);
  return await submitPlanned(stack, open, { ...options, manifest }, problems);
}

/** File checks at a time: they wait for the disk, not for the processor. */
const CHECKS = 16;

/** Why files that are to be uploaded cannot be sent, by InferenceId. */
async function problemsOf(
  stack: Stack,
  entries: readonly ManifestEntry[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, InputError>> {
  const problems = new Map<string, InputError>();
  const maxBytes = maxInputBytesOf(stack.outputs);
  await inParallel(entries, CHECKS, async ({ planned: { file, inferenceId }, sent }) => {
    signal?.throwIfAborted();
    if (file === undefined || sent !== undefined) return;
    try {
      await checkVideo(file, maxBytes);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      problems.set(inferenceId, error);
    }
  });
  return problems;
}

function planOf(stack: Stack, submission: Submission): PlannedJob {
  const { video, customAttributes, format } = submission;
  return {
    inferenceId: submission.inferenceId ?? newInferenceId(),
    endpointName: stack.outputs.endpointName,
    // Absolute, so that it can be gone on with from any folder.
    ...(isS3(video) ? { inputLocation: video } : { file: path.resolve(video) }),
    contentType: submission.contentType ?? contentTypeOf(video),
    ttlSeconds: submission.ttlSeconds ?? DEFAULT_TTL_SECONDS,
    timeoutSeconds: timeoutWithin(stack.outputs, submission.timeoutSeconds),
    ...(customAttributes === undefined ? {} : { customAttributes }),
    ...(format === undefined ? {} : { format }),
  };
}

/** Whether a video is named by an s3:// URI. */
export function isS3(video: string): boolean {
  return video.startsWith("s3://");
}

/**
 * Sends jobs that the manifest has, each from the step that its entry has reached, and refuses those with a problem. Outcomes and
 * errors are those of {@link submitAll}.
 */
export async function submitPlanned(
  stack: Stack,
  entries: readonly ManifestEntry[],
  options: SubmitOptions,
  problems: ReadonlyMap<string, InputError> = new Map(),
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
  const limited = limiter(concurrency);
  // More lanes than calls: while one waits for the disk, another one calls.
  await inParallel(entries.entries(), 2 * concurrency - 1, async ([index, entry]) => {
    options.signal?.throwIfAborted();
    const problem = problems.get(entry.planned.inferenceId);
    const outcome =
      problem === undefined
        ? await submitOne(stack, entry, limited, options)
        : refused(entry.planned, problem, options.manifest);
    outcomes[index] = outcome;
    options.onOutcome?.(outcome);
  });
  return outcomes;
}

async function submitOne(
  stack: Stack,
  entry: ManifestEntry,
  limited: ReturnType<typeof limiter>,
  options: SubmitOptions,
): Promise<Outcome> {
  const { planned, intents } = entry;
  const { inferenceId, ttlSeconds, timeoutSeconds, customAttributes, format } = planned;
  const { manifest, signal, onProgress } = options;
  const video = videoOf(planned);
  const report = (progress: UploadProgress | { step: "invoking" } | { step: "retrying"; problem: string }): void => {
    onProgress?.({ video, inferenceId, ...progress });
  };
  const onProblem = (problem: string): void => {
    report({ step: "retrying", problem });
  };
  try {
    // Before the upload: the stack may allow less than when the job was planned.
    timeoutWithin(stack.outputs, timeoutSeconds);
    const { uploaded, ...place } = await limited(() =>
      placeOf(stack, entry, { signal, onProgress: report, onProblem }),
    );
    signal?.throwIfAborted();
    await manifest?.append({ event: "intent", inferenceId, ...place });
    const job = await limited(async () => {
      signal?.throwIfAborted();
      report({ step: "invoking" });
      return await invoke(stack, {
        ...place,
        inferenceId,
        ttlSeconds,
        timeoutSeconds,
        customAttributes,
        format,
        attemptsBefore: intents,
        signal,
        onProblem,
      });
    });
    manifest?.note({ event: "accepted", job });
    return { video, inferenceId, job, ...(uploaded === undefined ? {} : { uploaded }) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return refused(planned, error, manifest);
  }
}

function refused(planned: PlannedJob, problem: InputError, manifest: Manifest | undefined): Outcome {
  const { inferenceId } = planned;
  manifest?.note({ event: "refused", inferenceId, problem: problem.message });
  return { video: videoOf(planned), inferenceId, problem };
}

/** The video as the manifest has it. */
function videoOf({ file, inputLocation }: PlannedJob): string {
  return file ?? inputLocation ?? "";
}

/** Where the video is in S3; uploads it if it is not there yet. */
async function placeOf(
  stack: Stack,
  { planned, sent }: ManifestEntry,
  options: Parameters<typeof uploadVideo>[2],
): Promise<{ inputLocation: string; contentType: string; uploaded?: UploadedVideo }> {
  const { file, inputLocation, contentType } = planned;
  checkContentType(file ?? inputLocation ?? planned.inferenceId, contentType);
  // A call that may have been accepted is made again with the very same video, whatever its file holds by now.
  if (sent !== undefined) return sent;
  if (inputLocation !== undefined) {
    checkLocation(stack.outputs, inputLocation);
    return { inputLocation, contentType };
  }
  if (file === undefined) throw new InputError(`Job ${planned.inferenceId} has neither a file nor a place in S3.`);
  const uploaded = await uploadVideo(stack, file, options);
  return { inputLocation: uploaded.inputLocation, contentType, uploaded };
}
