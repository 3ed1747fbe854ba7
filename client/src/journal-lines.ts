/** Lines of a job journal, and the state of each job that they add up to. */
import { z } from "zod";
import { SetupError } from "./errors.ts";
import { resultFormats } from "./model-options.ts";
import { jobSchema } from "./submit.ts";
import type { Job } from "./submit.ts";

const id = z.string().min(1);
const s3Uri = z.string().startsWith("s3://");

/** Schema of the part of a video that a request is for; absent from requests for whole videos. */
export const plannedPartSchema = z.object({
  /** Job id, which the requests of all parts share. */
  job: id,
  /** Number of the part, from 0. */
  number: z.int().nonnegative().max(99_999),
  /** Seconds from the first shown frame. */
  from: z.number().nonnegative(),
  /** Null for the end of the video. */
  to: z.number().positive().nullable(),
});

/** Part of a video that a request is for. */
export type PlannedPart = Readonly<z.infer<typeof plannedPartSchema>>;

/** A planned job. */
const plannedJobSchema = z.object({
  inferenceId: id,
  endpointName: z.string().min(1),
  /** File to upload, an absolute path; absent if the video is already in S3. */
  file: z.string().min(1).optional(),
  /** Object that is used in place; absent if a file is uploaded. */
  inputLocation: s3Uri.optional(),
  /** File from which the object was uploaded, a name for people; `file` is not set then. */
  video: z.string().min(1).optional(),
  contentType: z.string().min(1),
  ttlSeconds: z.int().positive(),
  timeoutSeconds: z.int().positive(),
  customAttributes: z.string().min(1).optional(),
  /** Format of the result; absent for one JSON document. */
  format: z.enum(resultFormats).optional(),
  part: plannedPartSchema.optional(),
});

/**
 * Written for all jobs before the first is sent. `of` is the number of jobs that were planned together, which shows
 * whether the plan was written completely. Lines of earlier versions do not have it.
 */
const plannedSchema = z.object({
  event: z.literal("planned"),
  of: z.int().positive().optional(),
  job: plannedJobSchema,
});

/** Written before the call is made: from here on the service may have the job. Earlier versions wrote `intent`. */
const attemptSchema = z.object({
  event: z.literal(["attempt", "intent"]),
  inferenceId: id,
  inputLocation: s3Uri,
  contentType: z.string().min(1),
});

/** The acceptance: the job with everything that is needed to wait for it. */
const acceptedSchema = z.object({ event: z.literal("accepted"), job: jobSchema });

/** The job's record in S3 has the acceptance. Journals of earlier versions do not have it. */
const recordedSchema = z.object({ event: z.literal("recorded"), inferenceId: id });

/** The job was not sent, because its input is invalid. */
const refusedSchema = z.object({ event: z.literal("refused"), inferenceId: id, problem: z.string() });

/** The job's end, as it was observed. */
const endedSchema = z.object({
  event: z.literal("ended"),
  inferenceId: id,
  status: z.enum(["completed", "failed", "expired"]),
  reason: z.string().optional(),
});

/** Schema of a line of a journal. */
export const lineSchema = z.discriminatedUnion("event", [
  plannedSchema,
  attemptSchema,
  acceptedSchema,
  recordedSchema,
  refusedSchema,
  endedSchema,
]);

/** One line of a journal. */
export type JournalLine = Readonly<z.infer<typeof lineSchema>>;

/** A planned job. */
export type PlannedJob = Readonly<z.infer<typeof plannedJobSchema>>;

/** A job's end. */
export type RecordedEnd = Readonly<Omit<z.infer<typeof endedSchema>, "event" | "inferenceId">>;

/** State of one job, from all lines of a journal. */
export interface JournalEntry {
  readonly planned: PlannedJob;
  /**
   * Number of calls that were about to be made, or waiting for their turn when the client ended. If it is at least one
   * and there is no `job`, the outcome is unknown.
   */
  readonly attempts: number;
  /** Location of the video when the call was about to be made. */
  readonly sent?: { readonly inputLocation: string; readonly contentType: string };
  /** The last acceptance. */
  readonly job?: Job;
  /** True if the job's record in S3 has the acceptance. */
  readonly recorded?: true;
  readonly end?: RecordedEnd;
  /** Why the job was not sent. */
  readonly problem?: string;
}

/** Jobs by InferenceId, in the order in which they were planned. */
export type JournalEntries = ReadonlyMap<string, JournalEntry>;

/** A journal that records the steps of a submission: see `JobJournal`. */
export interface JournalWriter {
  readonly entries: JournalEntries;
  /** Adds planned jobs, all or none; they are on the disk when this resolves. */
  readonly plan: (jobs: readonly PlannedJob[]) => Promise<void>;
  /** Adds lines; they are on the disk when this resolves. */
  readonly append: (...lines: readonly JournalLine[]) => Promise<void>;
  /** Adds lines that survive the end of this process. */
  readonly note: (...lines: readonly JournalLine[]) => void;
}

/**
 * Adds one line.
 * @throws {SetupError} for a job that was never planned
 */
export function addLine(entries: Map<string, JournalEntry>, line: JournalLine): void {
  if (line.event === "planned") {
    entries.set(line.job.inferenceId, { planned: line.job, attempts: 0 });
    return;
  }
  const inferenceId = line.event === "accepted" ? line.job.inferenceId : line.inferenceId;
  const entry = entries.get(inferenceId);
  if (entry === undefined) throw new SetupError(`job ${inferenceId} was never planned`);
  entries.set(inferenceId, { ...entry, ...changeOf(line, entry) });
}

function changeOf(line: Exclude<JournalLine, { event: "planned" }>, entry: JournalEntry): Partial<JournalEntry> {
  switch (line.event) {
    case "attempt":
    case "intent":
      return {
        attempts: entry.attempts + 1,
        sent: { inputLocation: line.inputLocation, contentType: line.contentType },
      };
    case "accepted":
      return { job: line.job };
    case "recorded":
      return { recorded: true };
    case "refused":
      return { problem: line.problem };
    case "ended":
      return { end: { status: line.status, ...(line.reason === undefined ? {} : { reason: line.reason }) } };
  }
}
