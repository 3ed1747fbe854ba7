/**
 * Submits many videos with bounded concurrency and records each step in the journal: planned, attempt, accepted. Each
 * job's record in S3 is written before the first call, and after the acceptance.
 */
import { resolve } from "node:path";
import { InputError, SetupError } from "./errors.ts";
import { timeoutWithin } from "./limits.ts";
import { checkLocation, isReadable } from "./allowed-sources.ts";
import { isJobId, outputNameOf, ownerOf, partIdOf } from "./job-record.ts";
import type { JobJournal } from "./journal.ts";
import type { JournalEntry, JournalWriter, PlannedJob, PlannedPart } from "./journal-lines.ts";
import { inParallel, limiter } from "./parallel.ts";
import { JobRecorder } from "./recorder.ts";
import { placesIn, problemsOf } from "./resume-checks.ts";
import type { KnownOfJobs, Place } from "./resume-checks.ts";
import type { Stack } from "./stack.ts";
import { defaultTtlSeconds, invoke, isRefusal, newInferenceId } from "./submit.ts";
import type { Job, JobOptions } from "./submit.ts";
import { uploadVideo } from "./upload.ts";
import type { UploadedVideo, UploadProgress } from "./upload.ts";
import { checkContentType, contentTypeOf } from "./video-file.ts";

/** One video to submit: a file, which is uploaded, or an object in S3, which is used in place. */
export interface Submission extends JobOptions {
  /** A file's path, or an object's s3:// URI. */
  readonly video: string;
  /** File from which an object in S3 was uploaded, a name for people. @default none */
  readonly uploadedFrom?: string | undefined;
  /** Media type that the model gets. @default by the extension */
  readonly contentType?: string | undefined;
  /** Part of the video that the request is for; its InferenceId is that of `partIdOf`. @default the whole video */
  readonly part?: PlannedPart | undefined;
}

/** Outcome of one submission; `video` is as the journal has it, with an absolute path for a file. */
export type Outcome =
  | {
      readonly video: string;
      readonly inferenceId: string;
      readonly job: Job;
      /** Of a file that was uploaded in this run. */
      readonly uploaded?: UploadedVideo;
    }
  /** Not sent, because its input is invalid; other videos are not affected. */
  | { readonly video: string; readonly inferenceId: string; readonly problem: InputError };

/** Progress of one submission. */
export type SubmissionProgress = { readonly video: string; readonly inferenceId: string } & (
  | UploadProgress
  | { readonly step: "invoking" }
  /** The service has a transient problem; the call is retried. */
  | { readonly step: "retrying"; readonly problem: string }
);

/** Options for a submission. */
export interface SubmitOptions {
  /** Concurrent uploads and calls; as many requests for job records are made at the same time. @default 8 */
  readonly concurrency?: number | undefined;
  /**
   * Journal that records each step before it is made, so that the submission can be resumed after a crash.
   * @default none
   */
  readonly journal?: JournalWriter | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called once for each submission that was accepted or refused, after the journal has the line. */
  readonly onOutcome?: ((outcome: Outcome) => void) | undefined;
  readonly onProgress?: ((progress: SubmissionProgress) => void) | undefined;
  /** Called with a sentence about a job that was accepted although its record cannot be kept. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/**
 * Default number of concurrent uploads and calls: enough to hide the network's delays, few enough to keep their parts
 * in memory.
 */
const defaultConcurrency = 8;

/**
 * Uploads the files and submits each video to the endpoint. A problem of one video is the outcome of that one; any
 * other error ends the submission after the work under way, and leaves the rest to {@link resumeAll}.
 * @returns an outcome for each submission, in order
 * @throws AbortError on the caller's signal; SetupError if the journal already has a job of that name, the name of a
 * part is not that of `partIdOf`, or a run is longer than the stack allows; the SDK's error if it is not transient, or lasted for minutes
 */
export async function submitAll(
  stack: Stack,
  submissions: readonly Submission[],
  options: SubmitOptions = {},
): Promise<readonly Outcome[]> {
  const planned = submissions.map((submission) => planOf(stack, submission));
  const names = new Set(options.journal?.entries.keys());
  for (const { inferenceId } of planned) {
    if (names.has(inferenceId))
      throw new SetupError(`Two jobs have the InferenceId ${inferenceId}: give each job a different one.`);
    names.add(inferenceId);
  }
  await options.journal?.plan(planned);
  return await submitPlanned(
    stack,
    planned.map((job) => ({ planned: job, attempts: 0 })),
    options,
  );
}

/**
 * Resumes jobs that an earlier process planned and did not see accepted, under the same InferenceIds. If the outcome of
 * a call is unknown, it retries the call: the service does not de-duplicate, so it may run the job twice, but it counts
 * as one job, and its locations are those of the last answer.
 *
 * A journal is untrusted input that may name any file, so each file is checked as a video before anything is sent; a
 * file that is not a video is the outcome of its job only.
 * @returns an outcome for each job that was resumed
 * @throws as {@link submitAll}; SetupError if the journal is for another endpoint
 */
export async function resumeAll(
  stack: Stack,
  journal: JobJournal,
  options: Omit<SubmitOptions, "journal"> = {},
): Promise<readonly Outcome[]> {
  const open = [...journal.entries.values()].filter(({ job }) => job === undefined);
  const { endpointName } = stack.outputs;
  const other = open.find(({ planned }) => planned.endpointName !== endpointName);
  if (other !== undefined) {
    throw new SetupError(
      `The jobs of ${journal.file} are for endpoint ${other.planned.endpointName}, but this stack's is ${endpointName}: pass the stack that they were planned for.`,
    );
  }
  await recorderOf(stack, options)?.completeAll(journal);
  const places = await placesIn(stack, journal.entries.values(), options.signal);
  const problems = await problemsOf(stack, open, places, options.signal);
  return await submitPlanned(stack, open, { ...options, journal }, { problems, places });
}

function planOf(stack: Stack, submission: Submission): PlannedJob {
  const { video, uploadedFrom, customAttributes, format, part } = submission;
  const inferenceId = submission.inferenceId ?? newInferenceId();
  // Records and notifications have only the name to tell a part by.
  if (part !== undefined && (inferenceId !== partIdOf(part.job, part.number) || !isJobId(part.job))) {
    throw new SetupError(
      `The InferenceId ${inferenceId} is not that of part ${part.number} of job ${part.job}: name it ${partIdOf(part.job, part.number)}, with a job id of up to 32 letters, digits and "_.-".`,
    );
  }
  return {
    inferenceId,
    endpointName: stack.outputs.endpointName,
    // Absolute, so that the submission can be resumed from any folder.
    ...(isS3(video) ? { inputLocation: video } : { file: resolve(video) }),
    ...(uploadedFrom === undefined ? {} : { video: uploadedFrom }),
    contentType: submission.contentType ?? contentTypeOf(video),
    ttlSeconds: submission.ttlSeconds ?? defaultTtlSeconds,
    timeoutSeconds: timeoutWithin(stack.outputs, submission.timeoutSeconds),
    ...(customAttributes === undefined ? {} : { customAttributes }),
    ...(format === undefined ? {} : { format }),
    ...(part === undefined ? {} : { part }),
  };
}

/** Tells whether a video is named by an s3:// URI. */
export function isS3(video: string): boolean {
  return video.startsWith("s3://");
}

/**
 * Sends jobs of the journal, each from the step that its entry has reached, and refuses those with a problem. Outcomes
 * and errors are those of {@link submitAll}.
 */
export async function submitPlanned(
  stack: Stack,
  entries: readonly JournalEntry[],
  options: SubmitOptions,
  { problems, places }: KnownOfJobs = { problems: new Map(), places: new Map() },
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  const concurrency = options.concurrency ?? defaultConcurrency;
  const steps: Steps = {
    limited: limiter(concurrency),
    recorder: recorderOf(stack, options),
    parts: Map.groupBy(
      entries.map(({ planned }) => planned),
      ownerOf,
    ),
    places: new Map([...places].map(([job, place]) => [job, Promise.resolve(place)])),
  };
  // More workers than calls: while some wait for the disk or write records, others call.
  await inParallel(entries.entries(), 3 * concurrency - 2, async ([index, entry]) => {
    options.signal?.throwIfAborted();
    const problem = problems.get(entry.planned.inferenceId);
    const outcome =
      problem === undefined
        ? await submitOne(stack, entry, steps, options)
        : refused(entry.planned, problem, options.journal);
    outcomes[index] = outcome;
    options.onOutcome?.(outcome);
  });
  return outcomes;
}

/** Returns a recorder, unless an earlier version of the program deployed the stack, without records. */
function recorderOf(stack: Stack, options: SubmitOptions): JobRecorder | undefined {
  const { concurrency = defaultConcurrency, signal, onNotice } = options;
  return JobRecorder.of(stack, { concurrency, signal, onNotice });
}

/** Shared limits of a submission. */
interface Steps {
  readonly limited: ReturnType<typeof limiter>;
  readonly recorder: JobRecorder | undefined;
  /** Requests of each job, by job id. */
  readonly parts: ReadonlyMap<string, readonly PlannedJob[]>;
  /** Locations of videos that are sent in parts, by job id: one upload serves all parts. */
  readonly places: Map<string, ReturnType<typeof placeOf>>;
}

async function submitOne(
  stack: Stack,
  entry: JournalEntry,
  { limited, recorder, parts, places }: Steps,
  options: SubmitOptions,
): Promise<Outcome> {
  const { planned, attempts } = entry;
  const { inferenceId, ttlSeconds, timeoutSeconds, customAttributes, format } = planned;
  const { journal, signal, onProgress } = options;
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
    const placing = (): ReturnType<typeof placeOf> =>
      limited(() => placeOf(stack, entry, { signal, onProgress: report, onProblem }));
    const id = ownerOf(planned);
    const placed = planned.part === undefined ? placing() : (places.get(id) ?? placing());
    if (planned.part !== undefined) places.set(id, placed);
    const sent = await placed;
    const { uploaded, ...place } = sent;
    signal?.throwIfAborted();
    const begun = await recorder?.begin(entry, sent, onProblem, parts.get(id));
    let { job } = begun ?? {};
    if (job === undefined) {
      await journal?.append({ event: "attempt", inferenceId, ...place });
      job = await limited(async () => {
        signal?.throwIfAborted();
        report({ step: "invoking" });
        // The record keeps the ETag of the first attempt: all refer to the same content. An upload has compared the content.
        const etag = uploaded?.etag ?? begun?.stored.record.source.etag ?? undefined;
        const { part } = planned;
        const invocation = { ...place, etag, part, inferenceId, ttlSeconds, timeoutSeconds, customAttributes, format };
        const output = recorder === undefined ? undefined : outputNameOf(planned);
        const call = invoke(stack, { ...invocation, output, attemptsBefore: attempts, signal, onProblem });
        return await call.catch(async (error: unknown) => {
          const isRefused = isRefusal(error) || error instanceof InputError;
          // The caller must hear of the refusal, even if it cannot be recorded.
          if (begun !== undefined && isRefused)
            await recorder?.refuse(entry, error.message, begun.stored).catch(() => undefined);
          throw error;
        });
      });
    }
    // First in the journal, at once: no kill comes between the answer and this line.
    journal?.note({ event: "accepted", job });
    if (recorder !== undefined) {
      const isRecorded = await recorder.accept(entry, job, begun?.stored);
      if (isRecorded) journal?.note({ event: "recorded", inferenceId });
    }
    return { video, inferenceId, job, ...(uploaded === undefined ? {} : { uploaded }) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return refused(planned, error, journal);
  }
}

function refused(planned: PlannedJob, problem: InputError, journal: JournalWriter | undefined): Outcome {
  const { inferenceId } = planned;
  journal?.note({ event: "refused", inferenceId, problem: problem.message });
  return { video: videoOf(planned), inferenceId, problem };
}

/** Returns the video as the journal has it. */
function videoOf({ file, inputLocation }: PlannedJob): string {
  return file ?? inputLocation ?? "";
}

/** Returns the location of the video in S3; uploads it if it is not there yet. */
async function placeOf(
  stack: Stack,
  { planned, sent }: JournalEntry,
  options: Parameters<typeof uploadVideo>[2],
): Promise<Place & { uploaded?: UploadedVideo }> {
  const { file, inputLocation, contentType } = planned;
  checkContentType(file ?? inputLocation ?? planned.inferenceId, contentType);
  // A call that may have been accepted is retried with the same object, even if the file has changed since; not with an
  // object of an earlier deployment, whose endpoint no longer exists.
  if (sent !== undefined && (file === undefined || isReadable(stack.outputs, sent.inputLocation))) return sent;
  if (inputLocation !== undefined) {
    checkLocation(stack.outputs, inputLocation);
    return { inputLocation, contentType };
  }
  if (file === undefined) throw new InputError(`Job ${planned.inferenceId} has neither a file nor a place in S3.`);
  const uploaded = await uploadVideo(stack, file, options);
  return { inputLocation: uploaded.inputLocation, contentType, uploaded };
}
