/** The lines of a manifest, and the state of each job that they add up to. */
import { z } from "zod";
import { SetupError } from "./errors.ts";
import { resultFormats } from "./model-options.ts";
import { jobSchema } from "./submit.ts";
import type { Job } from "./submit.ts";

const id = z.string().min(1);
const s3Uri = z.string().startsWith("s3://");

/** What is to be sent. */
const plannedJobSchema = z.object({
  inferenceId: id,
  endpointName: z.string().min(1),
  /** The file to upload, an absolute path; absent where the video is in S3 already. */
  file: z.string().min(1).optional(),
  /** The object that is used in place; absent where a file is to be uploaded. */
  inputLocation: s3Uri.optional(),
  contentType: z.string().min(1),
  ttlSeconds: z.int().positive(),
  timeoutSeconds: z.int().positive(),
  customAttributes: z.string().min(1).optional(),
  /** The form of the result; absent for one JSON document. */
  format: z.enum(resultFormats).optional(),
});

/**
 * Written for all jobs before the first is sent. `of` is the number of jobs that were planned together, so that a plan that was not
 * written whole can be told from one that was. Lines of earlier versions do not have it.
 */
const plannedSchema = z.object({
  event: z.literal("planned"),
  of: z.int().positive().optional(),
  job: plannedJobSchema,
});

/** The call is about to be made: from here on the service may have the job. */
const intentSchema = z.object({
  event: z.literal("intent"),
  inferenceId: id,
  inputLocation: s3Uri,
  contentType: z.string().min(1),
});

/** The service's answer: the job as it can be waited for. */
const acceptedSchema = z.object({ event: z.literal("accepted"), job: jobSchema });

/** The job was not sent, because of its own input. */
const refusedSchema = z.object({ event: z.literal("refused"), inferenceId: id, problem: z.string() });

/** How the job ended, as it was seen. */
const endedSchema = z.object({
  event: z.literal("ended"),
  inferenceId: id,
  status: z.enum(["completed", "failed", "expired"]),
  reason: z.string().optional(),
});

/** Any line of a manifest. */
export const lineSchema = z.discriminatedUnion("event", [
  plannedSchema,
  intentSchema,
  acceptedSchema,
  refusedSchema,
  endedSchema,
]);

/** One line of a manifest. */
export type ManifestLine = Readonly<z.infer<typeof lineSchema>>;

/** What is to be sent. */
export type PlannedJob = Readonly<z.infer<typeof plannedJobSchema>>;

/** How a job ended. */
export type RecordedEnd = Readonly<Omit<z.infer<typeof endedSchema>, "event" | "inferenceId">>;

/** All that a manifest says about one job. */
export interface ManifestEntry {
  readonly planned: PlannedJob;
  /**
   * Calls that were about to be made, or waited for their turn when the client ended; with one or more and no `job` the
   * outcome is unknown.
   */
  readonly intents: number;
  /** Where the video was when the call was about to be made. */
  readonly sent?: { readonly inputLocation: string; readonly contentType: string };
  /** The last acceptance. */
  readonly job?: Job;
  readonly end?: RecordedEnd;
  /** Why it was not sent. */
  readonly problem?: string;
}

/** Jobs by InferenceId, in the order in which they were planned. */
export type ManifestEntries = ReadonlyMap<string, ManifestEntry>;

/** Adds what one line says. */
export function addLine(entries: Map<string, ManifestEntry>, line: ManifestLine): void {
  if (line.event === "planned") {
    entries.set(line.job.inferenceId, { planned: line.job, intents: 0 });
    return;
  }
  const inferenceId = line.event === "accepted" ? line.job.inferenceId : line.inferenceId;
  const entry = entries.get(inferenceId);
  if (entry === undefined) throw new SetupError(`job ${inferenceId} was never planned`);
  entries.set(inferenceId, { ...entry, ...sayingOf(line, entry) });
}

function sayingOf(line: Exclude<ManifestLine, { event: "planned" }>, entry: ManifestEntry): Partial<ManifestEntry> {
  switch (line.event) {
    case "intent":
      return {
        intents: entry.intents + 1,
        sent: { inputLocation: line.inputLocation, contentType: line.contentType },
      };
    case "accepted":
      return { job: line.job };
    case "refused":
      return { problem: line.problem };
    case "ended":
      return { end: { status: line.status, ...(line.reason === undefined ? {} : { reason: line.reason }) } };
  }
}
