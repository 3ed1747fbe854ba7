/** Reads the jobs that a command gets: a job journal, the output of submit --json, or the ids of job records. */
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";
import { SetupError } from "./errors.ts";
import { entriesOf, jobIdOf } from "./job-record.ts";
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

/** Jobs of a file, in order. */
export interface KnownJobs {
  readonly jobs: readonly KnownJob[];
  /** Path of the journal, if the file is one. */
  readonly journal: string | undefined;
  /** Notice for the user about lines that were left out; undefined if there are none. */
  readonly notice: string | undefined;
}

/** Fields of a job in the output of submit --json, next to its outcome. */
const printedSchema = jobSchema.extend({ video: z.string().min(1).optional() });

type PrintedJob = z.infer<typeof printedSchema>;

const remedy = "Pass a job journal that submit wrote, or a file with the output of submit --json";

/**
 * Reads the jobs of a file; `-` is standard input.
 * @throws SetupError if it cannot be read, is damaged, or contains no jobs
 */
export async function readJobs(file: string, stdin: NodeJS.ReadableStream): Promise<KnownJobs> {
  const bytes = file === "-" ? await buffer(stdin) : await readBytes(file);
  const name = file === "-" ? "standard input" : file;
  const content = decodeLines(bytes, name);
  if (isJournal(content)) {
    const { entries, notice } = parseJournal(bytes, name);
    const jobs = [...entries].map(([inferenceId, entry]) => knownJob(inferenceId, entry));
    return { jobs: withSuccessors(jobs), journal: file === "-" ? undefined : file, notice };
  }
  const jobs = parsePrinted(content, name).map(({ video, ...job }) => ({
    inferenceId: job.inferenceId,
    video,
    job,
    attempts: 1,
  }));
  if (jobs.length === 0) throw new SetupError(`${name} contains no jobs. ${remedy}.`);
  return { jobs, journal: undefined, notice: undefined };
}

/** Number of records that are read at a time. */
const recordsAtOnce = 16;

/**
 * Reads the records of jobs.
 * @param ids job ids, or InferenceIds of the jobs
 * @throws SetupError if there is no such record, or the stack has no records; InputError if one is not valid; the SDK's
 * error if one cannot be read
 */
export async function readRecordedJobs(stack: Stack, ids: readonly string[], signal?: AbortSignal): Promise<KnownJobs> {
  const jobs = new Map<string, readonly KnownJob[]>(ids.map((id) => [jobIdOf(id), []]));
  const options = signal === undefined ? {} : { abortSignal: signal };
  await inParallel([...jobs.keys()], recordsAtOnce, async (id) => {
    const stored = await readRecord(stack, id, options);
    if (stored === undefined) {
      throw new SetupError(
        `There is no job record ${recordUri(stack.outputs, id)}: check the id and the stack. S3's lifecycle rules remove a record with the job's results.`,
      );
    }
    jobs.set(
      id,
      [...entriesOf(stored.record)].map(([inferenceId, entry]) => knownJob(inferenceId, entry)),
    );
  });
  return { jobs: withSuccessors([...jobs.values()].flat()), journal: undefined, notice: undefined };
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
 * Reads the output of submit --json. The last line of a job counts; lines about videos that were not sent are skipped.
 */
function parsePrinted(content: string, file: string): readonly PrintedJob[] {
  const jobs = new Map<string, PrintedJob>();
  for (const [index, line] of content.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === "object" && value !== null && "problem" in value && !("outputLocation" in value)) continue;
      const job = printedSchema.parse(value);
      jobs.set(job.inferenceId, job);
    } catch {
      throw new SetupError(`${file} is not a job file: line ${index + 1} is not a job. ${remedy}.`);
    }
  }
  return [...jobs.values()];
}

async function readBytes(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: unknown) => {
    throw new SetupError(`Cannot read ${file} (${codeOf(error)}). ${remedy}.`);
  });
}
