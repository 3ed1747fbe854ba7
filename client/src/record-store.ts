/** Reads and writes the records of jobs in S3. */
import { Readable } from "node:stream";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../../lib/errors.ts";
import { schemaProblems } from "../../lib/schema-problems.ts";
import { InputError, ServiceAnswerError, SetupError } from "./errors.ts";
import { plural } from "./format.ts";
import { jobRecordSchema, partNamed } from "./job-record.ts";
import type { JobRecord } from "./job-record.ts";
import { maxRecordBytes } from "./limits.ts";
import { bucketOf, etagOf, parseS3Uri } from "./s3-objects.ts";
import type { ObjectPlace } from "./s3-objects.ts";
import type { StackOutputs } from "./outputs.ts";
import type { Stack } from "./stack.ts";

/** A record as S3 has it. */
export interface StoredRecord {
  readonly record: JobRecord;
  /** ETag of the object. */
  readonly etag: string;
}

/** Options for requests. */
export interface RequestOptions {
  readonly abortSignal?: AbortSignal;
}

/**
 * Returns the s3:// URI of a record.
 * @throws SetupError if the stack has no records, because an earlier version of the program deployed it
 */
export function recordUri({ jobsLocation }: Pick<StackOutputs, "jobsLocation">, id: string): string {
  if (jobsLocation !== undefined) return `${jobsLocation.replace(/\/$/, "")}/${id}.json`;
  throw new SetupError(
    "The stack's outputs have no jobsLocation, so it has no job records: deploy the stack with this version of the program, or pass a job journal.",
  );
}

/**
 * Reads a record; undefined if there is none.
 * @throws InputError if it is not valid; the SDK's error if it cannot be read; without s3:ListBucket a missing
 * record is AccessDenied
 */
export async function readRecord(
  stack: Stack,
  id: string,
  options: RequestOptions = {},
): Promise<StoredRecord | undefined> {
  const uri = recordUri(stack.outputs, id);
  try {
    const place = parseS3Uri(uri);
    const { Body, ETag, ContentLength } = await stack.s3.send(new GetObjectCommand(place), options);
    // HTTP limits the body to its length, so nothing beyond it is read.
    if (ContentLength === undefined || ContentLength > maxRecordBytes) {
      if (Body instanceof Readable) Body.destroy();
      throw invalid(uri, `is larger than ${plural(maxRecordBytes, "byte")}, or has no size`);
    }
    const text = (await Body?.transformToString()) ?? "";
    return { record: parseRecord(text, uri, id, stack.outputs), etag: etagOf(ETag, place) };
  } catch (error) {
    if (codeOf(error) === "NoSuchKey") return undefined;
    throw error;
  }
}

/**
 * Parses a record. Every caller of the stack may write records, so its locations must be those of the stack's results.
 * @throws InputError if it is not valid
 */
function parseRecord(
  text: string,
  uri: string,
  id: string,
  { outputLocation, failureLocation }: Pick<StackOutputs, "outputLocation" | "failureLocation">,
): JobRecord {
  const value = jsonOf(text);
  const parsed = jobRecordSchema.safeParse(value);
  if (!parsed.success) {
    throw invalid(uri, `does not match client/job.schema.json: ${schemaProblems(value, parsed.error)}`);
  }
  const record = parsed.data;
  if (record.id !== id) throw invalid(uri, `is the record of job ${record.id}`);
  const buckets = [bucketOf(outputLocation), bucketOf(failureLocation)];
  for (const { from, to, invocations } of record.parts) {
    const isWhole = from === 0 && to === null;
    const other = invocations.find(({ inferenceId }) => !isWhole && partNamed(inferenceId, { from, to })?.job !== id);
    if (other !== undefined) throw invalid(uri, `names ${other.inferenceId} for a part, which is no name of its parts`);
  }
  for (const invocation of record.parts.flatMap(({ invocations }) => invocations)) {
    if (invocation.state !== "accepted") continue;
    const foreign = [invocation.outputLocation, invocation.failureLocation ?? outputLocation].find(
      (location) => !buckets.includes(bucketOf(location)),
    );
    if (foreign !== undefined) throw invalid(uri, `names ${foreign}, which is not in a bucket of the stack's results`);
  }
  return record;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An error of one job, so that a record that a caller has spoiled ends no other job's submission. */
function invalid(uri: string, problem: string): InputError {
  return new InputError(
    `The job record ${uri} ${problem}. Was it written by another version of the client? Pass the job journal instead, or give the job another name.`,
  );
}

/**
 * Codes of a write that lost against another one: another record is there, another write is under way, or the record
 * was removed (S3 user guide, "How to prevent object overwrites with conditional writes").
 */
const conflictCodes = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"];

/** Maximum number of tries of a write, each after another writer's. */
const maxTries = 20;

/**
 * Writes a record: creates it, or changes the one that is there. If another process has written in the meantime, it
 * reads that record and applies the change to it.
 * @param change returns the new record, or the given one if it has nothing to add
 * @param held the record as it was last read or written; undefined if there is none, presumably
 * @throws the errors of `change`; InputError if the record that is there is not valid; ServiceAnswerError if other
 * processes keep writing it; the SDK's error if it cannot be written
 */
export async function saveRecord(
  stack: Stack,
  id: string,
  change: (current: JobRecord | undefined) => JobRecord,
  held: StoredRecord | undefined,
  options: RequestOptions = {},
): Promise<StoredRecord> {
  const place = parseS3Uri(recordUri(stack.outputs, id));
  let current = held;
  for (let tries = 1; ; tries += 1) {
    const record = change(current?.record);
    if (current?.record === record) return current;
    try {
      return { record, etag: await put(stack, place, record, current?.etag, options) };
    } catch (error) {
      if (!conflictCodes.includes(codeOf(error))) throw error;
      if (tries === maxTries) {
        throw new ServiceAnswerError(`Other processes keep writing the job record ${id}: run the command again.`);
      }
    }
    // The first conflict is nearly always an earlier try of this write, whose answer was lost.
    if (tries > 1) await sleep(Math.random() * 50 * tries);
    current = await readRecord(stack, id, options);
  }
}

async function put(
  stack: Stack,
  place: ObjectPlace,
  record: JobRecord,
  etag: string | undefined,
  options: RequestOptions,
): Promise<string> {
  const { ETag } = await stack.s3.send(
    new PutObjectCommand({
      ...place,
      Body: JSON.stringify(record),
      ContentType: "application/json",
      ...(etag === undefined ? { IfNoneMatch: "*" } : { IfMatch: etag }),
    }),
    options,
  );
  return etagOf(ETag, place);
}
