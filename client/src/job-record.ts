/**
 * The record of a job, `jobs/<job id>.json` in the output bucket: its source, its options, and the locations that its
 * invocations returned. It is the truth about a job for every tool and machine. `client/job.schema.json` publishes the
 * schema.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { InputError } from "./errors.ts";
import type { JournalEntry, PlannedJob, PlannedPart } from "./journal-lines.ts";
import { resultFormats } from "./model-options.ts";
import { nameOf, originalOf } from "./redrive/redrive-id.ts";
import type { Job, OutputName } from "./submit.ts";

/** Pattern of a job id: a part of an S3 key, of an InferenceId and of a result's file name. */
const idPattern = /^[A-Za-z0-9][\w.-]{0,31}$/;

const s3Uri = z.string().regex(/^s3:\/\//);

const sourceSchema = z.looseObject({
  uri: s3Uri.describe("s3:// URI of the video."),
  contentType: z.string().min(1).describe("Media type that the model gets."),
  etag: z.string().min(1).nullable().describe("The object's ETag, with its quotes; null if it could not be read."),
  bytes: z.int().nonnegative().nullable().describe("Size of the object; null if it could not be read."),
  name: z.string().min(1).optional().describe("Name of the file that was uploaded, without its folder."),
});

const optionsSchema = z.looseObject({
  ttlSeconds: z.int().positive().describe("Seconds that a request may wait in the queue."),
  timeoutSeconds: z.int().positive().describe("Time limit of one run, seconds."),
  customAttributes: z.string().min(1).optional().describe("The model's options, in the handler's grammar."),
  format: z.enum(resultFormats).optional().describe("Format of the result; absent for one JSON document."),
});

const named = {
  inferenceId: z.string().min(1).max(64).describe("Name of the request; unique."),
  endpointName: z.string().min(1).describe("Name of the endpoint."),
};

const invocationSchema = z.discriminatedUnion("state", [
  z
    .looseObject({ state: z.literal("sending"), ...named })
    .describe("About to be called, or called with an unknown outcome."),
  z
    .looseObject({
      state: z.literal("accepted"),
      ...named,
      requestLocation: s3Uri
        .optional()
        .describe(
          "s3:// URI of the request object that refers to the video; absent if the video is the request's body.",
        ),
      outputLocation: s3Uri.describe("Location of the result, as the invocation returned it."),
      failureLocation: s3Uri.optional().describe("Location of a failure, as the invocation returned it."),
      submittedAt: z.iso.datetime().describe("Time of acceptance on the service's clock."),
      attempts: z.int().positive().describe("Number of tries of the call."),
    })
    .describe("Accepted. Whether it has ended is told by the objects at its locations."),
  z
    .looseObject({ state: z.literal("refused"), ...named, problem: z.string().describe("Why it was not accepted.") })
    .describe("Refused: no request exists."),
]);

const partSchema = z.looseObject({
  from: z.number().nonnegative().describe("Start of the part, seconds from the first frame."),
  to: z.number().positive().nullable().describe("End of the part, seconds; null for the end of the video."),
  invocations: z.array(invocationSchema).min(1).describe("The requests for this part in their order; the last counts."),
});

/** Schema of a record. Members that it does not name are kept: a later version may add some. */
export const jobRecordSchema = z
  .looseObject({
    schemaVersion: z.literal(1),
    id: z.string().regex(idPattern).describe("Job id."),
    source: sourceSchema.describe("The video."),
    options: optionsSchema.describe("Options of all parts."),
    parts: z.array(partSchema).min(1).describe("Parts of the video in their order; one for a whole video."),
  })
  .describe("The record of a job: jobs/<job id>.json in the output bucket of a stack.");

/** The record of a job. */
export type JobRecord = Readonly<z.infer<typeof jobRecordSchema>>;

/** The video of a job. */
export type JobSource = Readonly<z.infer<typeof sourceSchema>>;

/** One request for a part. */
export type JobInvocation = Readonly<z.infer<typeof invocationSchema>>;

/** Tells whether a text has the form of a job id. */
export function isJobId(text: string): boolean {
  return idPattern.test(text);
}

/**
 * Returns the id of the job that an InferenceId belongs to: the name under which it was first sent, or a name with a
 * hash if that is too long for an id, or has other characters.
 */
export function jobIdOf(inferenceId: string): string {
  const first = originalOf(inferenceId);
  if (isJobId(first)) return first;
  const hash = createHash("sha256").update(first).digest("hex").slice(0, 12);
  return `${
    first
      .replaceAll(/[^A-Za-z0-9]+/g, "-")
      .replace(/^-/, "")
      .slice(0, 19) || "job"
  }-${hash}`;
}

/** Returns the id of the job that a planned request belongs to. */
export function ownerOf({ inferenceId, part }: Pick<PlannedJob, "inferenceId" | "part">): string {
  return part?.job ?? jobIdOf(inferenceId);
}

/** Returns the file name of a part without its extension, such as `part-00017`; a whole video is part 0. */
export function partFile({ part }: Pick<PlannedJob, "part">): string {
  return `part-${String(part?.number ?? 0).padStart(5, "0")}`;
}

/**
 * Returns the key of an invocation's result, below the stack's prefix of results, in the terms of InvokeEndpointAsync. Its API model allows 1 to 32 characters with one dot in `Filename` (botocore, sagemaker-runtime
 * 2017-05-13). It is a request: the location that the invocation returns counts.
 */
export function outputNameOf(planned: PlannedJob): OutputName {
  const { inferenceId, format = "json" } = planned;
  const { times } = nameOf(inferenceId);
  const again = times === 0 ? "" : `-redrive-${times}`;
  return { S3OutputPathExtension: ownerOf(planned), Filename: `${partFile(planned)}${again}.${format}` };
}

/**
 * Returns the record of a planned job, with invocations that are about to be made.
 * @param all the requests for all parts of the video, in their order
 */
export function newRecord(planned: PlannedJob, source: JobSource, all: readonly PlannedJob[] = [planned]): JobRecord {
  const { ttlSeconds, timeoutSeconds, customAttributes, format } = planned;
  return {
    schemaVersion: 1,
    id: ownerOf(planned),
    source,
    options: {
      ttlSeconds,
      timeoutSeconds,
      ...(customAttributes === undefined ? {} : { customAttributes }),
      ...(format === undefined ? {} : { format }),
    },
    parts: all.map((each) => ({ ...rangeOf(each), invocations: [sending(each)] })),
  };
}

function rangeOf({ part }: PlannedJob): Pick<PlannedPart, "from" | "to"> {
  return { from: part?.from ?? 0, to: part?.to ?? null };
}

/** Returns the invocation of a job that is about to be called. */
export function sending({ inferenceId, endpointName }: PlannedJob): JobInvocation {
  return { state: "sending", inferenceId, endpointName };
}

/** Returns the invocation of a job that was accepted. */
export function accepted(job: Job): JobInvocation {
  const { inferenceId, endpointName, requestLocation, outputLocation, failureLocation, submittedAt, attempts } = job;
  return {
    state: "accepted",
    inferenceId,
    endpointName,
    ...(requestLocation === undefined ? {} : { requestLocation }),
    outputLocation,
    ...(failureLocation === undefined ? {} : { failureLocation }),
    submittedAt,
    attempts,
  };
}

/**
 * Returns a record with an invocation that is added to its part, or that replaces the one of its name: the record
 * itself if it has the invocation already. An accepted one is replaced by a later acceptance only.
 */
export function withInvocation(record: JobRecord, planned: PlannedJob, invocation: JobInvocation): JobRecord {
  const known = invocationOf(record, invocation.inferenceId);
  if (known !== undefined && isKept(known, invocation)) return record;
  const range = rangeOf(planned);
  const isSame = ({ from, to }: typeof range): boolean => from === range.from && to === range.to;
  const isThere = record.parts.some(isSame);
  const parts = isThere ? record.parts : [...record.parts, { ...range, invocations: [] }];
  return {
    ...record,
    parts: parts
      .map((part) => {
        if (!isSame(part)) return part;
        const others = part.invocations.map((each) => (each === known ? invocation : each));
        return { ...part, invocations: known === undefined ? [...others, invocation] : others };
      })
      .sort((one, other) => one.from - other.from),
  };
}

function isKept(known: JobInvocation, invocation: JobInvocation): boolean {
  if (known.state !== "accepted") return invocation.state === known.state;
  return invocation.state !== "accepted" || invocation.outputLocation === known.outputLocation;
}

/** Returns the invocation of a name, if the record has it. */
function invocationOf({ parts }: Pick<JobRecord, "parts">, inferenceId: string): JobInvocation | undefined {
  return parts.flatMap(({ invocations }) => invocations).find((each) => each.inferenceId === inferenceId);
}

/** Returns the name of the request for a part of a job. */
export function partIdOf(job: string, number: number): string {
  return `${job}-${number}`;
}

/** Returns job id and number of a part if a name has the form of {@link partIdOf}; a whole video may have such a name. */
function partOfName(inferenceId: string): Pick<PlannedPart, "job" | "number"> | undefined {
  const [, job, number] = /^(.+)-(0|[1-9]\d{0,4})$/.exec(originalOf(inferenceId)) ?? [];
  return job !== undefined && isJobId(job) ? { job, number: Number(number) } : undefined;
}

/**
 * Returns the ids of the jobs that may have a request of this name: it may be a whole video's, or a part's. Only the
 * records tell.
 */
export function ownersOf(inferenceId: string): readonly string[] {
  const part = partOfName(inferenceId);
  return [jobIdOf(inferenceId), ...(part === undefined ? [] : [part.job])];
}

/** Returns the part that a request of this name is for; undefined if its range is the whole video. */
export function partNamed(
  inferenceId: string,
  { from, to }: Pick<PlannedPart, "from" | "to">,
): PlannedPart | undefined {
  const part = from === 0 && to === null ? undefined : partOfName(inferenceId);
  return part === undefined ? undefined : { ...part, from, to };
}

/**
 * Refuses the first call of a job whose name another job has: a record that shows another video, or an acceptance that
 * this job cannot have.
 * @throws InputError that names the job
 */
export function checkOwner(
  { id, source, ...record }: JobRecord,
  { planned: { inferenceId }, attempts }: Pick<JournalEntry, "planned" | "attempts">,
  inputLocation: string,
): void {
  if (attempts > 0 || nameOf(inferenceId).times > 0) return;
  const isOther = source.uri !== inputLocation;
  if (!isOther && invocationOf(record, inferenceId)?.state !== "accepted") return;
  throw new InputError(
    `The stack has a job ${id} already${isOther ? `, of ${source.uri}` : ""}: give this one another name.`,
  );
}

/** Returns the state of each invocation of a record, by InferenceId, as a journal has it. */
export function entriesOf({ id, source, options, parts }: JobRecord): ReadonlyMap<string, JournalEntry> {
  const { uri: inputLocation, contentType, name } = source;
  const { ttlSeconds, timeoutSeconds, customAttributes, format } = options;
  const entries = parts.flatMap(({ from, to, invocations }) =>
    invocations.map((invocation): [string, JournalEntry] => {
      const { inferenceId, endpointName } = invocation;
      const part = partOfName(inferenceId);
      const common = { inferenceId, endpointName, inputLocation, contentType, ttlSeconds, timeoutSeconds };
      const attributes = customAttributes === undefined ? {} : { customAttributes };
      const planned: PlannedJob = {
        ...common,
        ...attributes,
        ...(name === undefined ? {} : { video: name }),
        ...(format === undefined ? {} : { format }),
        ...(part?.job === id ? { part: { ...part, from, to } } : {}),
      };
      const sent = { inputLocation, contentType };
      if (invocation.state === "sending") return [inferenceId, { planned, attempts: 1, sent }];
      if (invocation.state === "refused") return [inferenceId, { planned, attempts: 1, problem: invocation.problem }];
      const { requestLocation, outputLocation, failureLocation, submittedAt, attempts } = invocation;
      const job: Job = {
        ...common,
        ...attributes,
        ...(requestLocation === undefined ? {} : { requestLocation }),
        outputLocation,
        ...(failureLocation === undefined ? {} : { failureLocation }),
        submittedAt,
        attempts,
      };
      return [inferenceId, { planned, attempts: 1, sent, job, recorded: true }];
    }),
  );
  return new Map(entries);
}
