/** Reads the jobs that a command gets: job journals, outputs of submit --json, or the ids of job records. */
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";
import { SetupError } from "./errors.ts";
import { entriesOf, jobIdOf, ownersOf } from "./job-record.ts";
import type { JobRecord } from "./job-record.ts";
import { plannedPartSchema } from "./journal-lines.ts";
import type { JournalEntry, PlannedPart } from "./journal-lines.ts";
import { decodeLines, isJournal, parseJournal } from "./journal-text.ts";
import { inParallel } from "./parallel.ts";
import { readRecord, recordUri } from "./record-store.ts";
import { nextIdOf } from "./redrive/redrive-id.ts";
import type { Stack } from "./stack.ts";
import { jobSchema } from "./submit.ts";

/** One job in a file: everything that a journal has about it, or only its acceptance. */
export type KnownJob = Pick<JournalEntry, "job" | "end" | "problem" | "attempts"> & {
  readonly inferenceId: string;
  /** The video as it was submitted, a file's path or an object's s3:// URI, if the file has it. */
  readonly video: string | undefined;
  /** Part of the video that the request is for; absent for a whole video. */
  readonly part?: PlannedPart | undefined;
  /** Name of the job of the file that sends the same video again. */
  readonly sentAgainAs?: string;
};

/** Converts a job of a journal. */
export function knownJob(inferenceId: string, { planned, ...entry }: JournalEntry): KnownJob {
  const { file, video, inputLocation, part } = planned;
  return { inferenceId, video: file ?? video ?? inputLocation, ...(part === undefined ? {} : { part }), ...entry };
}

/**
 * Returns a job's name for people: its video, which they know, and its InferenceId, which tells two jobs of one video
 * apart.
 */
export function labelOf({ inferenceId, video }: Pick<KnownJob, "inferenceId" | "video">): string {
  return video === undefined ? inferenceId : `${video} (${inferenceId})`;
}

/** Jobs of files, in order. */
export interface KnownJobs {
  readonly jobs: readonly KnownJob[];
  /** Paths of the files that are journals. */
  readonly journals: readonly string[];
  /** Notice for the user, about lines that were left out or ids of parts; undefined if there is none. */
  readonly notice: string | undefined;
}

const printedFields = { video: z.string().min(1).optional(), part: plannedPartSchema.optional() };

/** Fields of a job in the output of submit --json, next to its outcome. */
const printedSchema = jobSchema.extend(printedFields);

/** A request for a part that was not sent: without it, the job would look complete. */
const unsentPartSchema = z.object({
  ...printedFields,
  part: plannedPartSchema,
  inferenceId: z.string().min(1),
  problem: z.string(),
});

const remedy = "Pass a job journal that submit wrote, or a file with the output of submit --json";

/**
 * Reads the jobs of files; `-` is standard input. If several files have a job, the last one counts.
 * @throws SetupError if a file cannot be read, is damaged, or contains no jobs
 */
export async function readJobs(files: readonly string[], stdin: NodeJS.ReadableStream): Promise<KnownJobs> {
  const read = await Promise.all(files.map((file) => readFileOfJobs(file, stdin)));
  return {
    jobs: withSuccessors(read.flatMap(({ jobs }) => jobs)),
    journals: read.flatMap(({ journals }) => journals),
    notice: joined(read.flatMap(({ notice }) => notice ?? [])),
  };
}

function joined(notices: readonly string[]): string | undefined {
  return notices.length === 0 ? undefined : notices.join("; ");
}

async function readFileOfJobs(file: string, stdin: NodeJS.ReadableStream): Promise<KnownJobs> {
  const bytes = file === "-" ? await buffer(stdin) : await readBytes(file);
  const name = file === "-" ? "standard input" : file;
  const content = decodeLines(bytes, name);
  if (isJournal(content)) {
    const { entries, notice } = parseJournal(bytes, name);
    const jobs = [...entries].map(([inferenceId, entry]) => knownJob(inferenceId, entry));
    return { jobs, journals: file === "-" ? [] : [file], notice };
  }
  const jobs = parsePrinted(content, name);
  if (jobs.length === 0) throw new SetupError(`${name} contains no jobs. ${remedy}.`);
  return { jobs, journals: [], notice: undefined };
}

/** Number of records that are read at a time. */
const recordsAtOnce = 16;

/**
 * Reads the records of jobs.
 * @param ids job ids, or InferenceIds of the jobs or of their parts
 * @throws SetupError if there is no such record, or the stack has no records; InputError if one is not valid; the SDK's
 * error if one cannot be read
 */
export async function readRecordedJobs(stack: Stack, ids: readonly string[], signal?: AbortSignal): Promise<KnownJobs> {
  const records = new Map<string, JobRecord | undefined>(ids.map((id) => [id, undefined]));
  await inParallel([...records.keys()], recordsAtOnce, async (id) => {
    records.set(id, await recordNamed(stack, id, signal));
  });
  const jobs = new Map<string, readonly KnownJob[]>();
  const notices: string[] = [];
  for (const [id, record] of records) {
    if (record === undefined) continue;
    if (record.id !== jobIdOf(id)) notices.push(`${id} is a part of the job ${record.id}`);
    jobs.set(
      record.id,
      [...entriesOf(record)].map(([inferenceId, entry]) => knownJob(inferenceId, entry)),
    );
  }
  return { jobs: withSuccessors([...jobs.values()].flat()), journals: [], notice: joined(notices) };
}

/** Returns the record of a job, or of the job that has a part of this name. */
async function recordNamed(stack: Stack, id: string, signal: AbortSignal | undefined): Promise<JobRecord> {
  const options = signal === undefined ? {} : { abortSignal: signal };
  const [own = id, ...others] = ownersOf(id);
  const stored = await readRecord(stack, own, options);
  if (stored !== undefined) return stored.record;
  for (const other of others) {
    const shared = await readRecord(stack, other, options);
    if (shared !== undefined && entriesOf(shared.record).has(id)) return shared.record;
  }
  throw new SetupError(
    `There is no job record ${recordUri(stack.outputs, own)}: check the id and the stack. S3's lifecycle rules remove a record with the job's results.`,
  );
}

/** Names the job that sends each one's video again, which gets the name of the video. */
function withSuccessors(jobs: readonly KnownJob[]): readonly KnownJob[] {
  const known = new Map(jobs.map((job) => [job.inferenceId, job]));
  for (const { inferenceId } of jobs) {
    const [job, next] = [known.get(inferenceId), known.get(nextIdOf(inferenceId))];
    if (job === undefined || next?.job === undefined) continue;
    known.set(inferenceId, { ...job, sentAgainAs: next.inferenceId });
    known.set(next.inferenceId, { ...next, video: job.video ?? next.video });
  }
  return [...known.values()];
}

/**
 * Reads the output of submit --json. The last line of a job counts. Lines about whole videos that were not sent are
 * skipped.
 */
function parsePrinted(content: string, file: string): readonly KnownJob[] {
  const jobs = new Map<string, KnownJob>();
  for (const [index, line] of content.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      const job = parsePrintedLine(JSON.parse(line));
      if (job !== undefined) jobs.set(job.inferenceId, job);
    } catch {
      throw new SetupError(`${file} is not a job file: line ${index + 1} is not a job. ${remedy}.`);
    }
  }
  return [...jobs.values()];
}

function parsePrintedLine(value: unknown): KnownJob | undefined {
  if (typeof value === "object" && value !== null && "problem" in value && !("outputLocation" in value)) {
    return "part" in value ? { attempts: 0, video: undefined, ...unsentPartSchema.parse(value) } : undefined;
  }
  const { video, part, ...job } = printedSchema.parse(value);
  return { inferenceId: job.inferenceId, video, part, job, attempts: 1 };
}

async function readBytes(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: unknown) => {
    throw new SetupError(`Cannot read ${file} (${codeOf(error)}). ${remedy}.`);
  });
}
