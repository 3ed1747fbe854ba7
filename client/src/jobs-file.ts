/** Files that name jobs: a submission's manifest, or what submit --json printed. */
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { codeOf, SetupError } from "./errors.ts";
import type { ManifestEntry } from "./manifest-lines.ts";
import { decodeLines, isManifest, parseManifest } from "./manifest-text.ts";
import { jobSchema } from "./submit.ts";

/** What a file says about one job: all that a manifest knows, or that it was accepted. */
export type KnownJob = Pick<ManifestEntry, "job" | "end" | "problem" | "intents"> & {
  readonly inferenceId: string;
  /** The video as it was submitted, a file's path or an object's s3:// URI, if the file says it. */
  readonly video: string | undefined;
};

/** A manifest's job. */
export function knownJob(inferenceId: string, { planned, ...entry }: ManifestEntry): KnownJob {
  return { inferenceId, video: planned.file ?? planned.inputLocation, ...entry };
}

/** A job's name for people: its video, which they know, and its InferenceId, which tells two jobs of one video apart. */
export function labelOf({ inferenceId, video }: Pick<KnownJob, "inferenceId" | "video">): string {
  return video === undefined ? inferenceId : `${video} (${inferenceId})`;
}

/** The jobs of a file, in its order. */
export interface KnownJobs {
  readonly jobs: readonly KnownJob[];
  /** The manifest's path, if the file is one. */
  readonly manifest: string | undefined;
  /** What was left out when the file was read, for the user; undefined if nothing was. */
  readonly notice: string | undefined;
}

/** What submit --json prints of a job, beside how it ended. */
const printedSchema = jobSchema.extend({ video: z.string().min(1).optional() });

type PrintedJob = z.infer<typeof printedSchema>;

const remedy = "Pass a manifest that submit wrote, or a file with the output of submit --json";

/**
 * Reads the jobs of a file; `-` is standard input.
 * @throws SetupError if it cannot be read, is damaged, or holds none
 */
export async function readJobs(file: string, stdin: NodeJS.ReadableStream): Promise<KnownJobs> {
  const bytes = file === "-" ? await buffer(stdin) : await readBytes(file);
  const name = file === "-" ? "standard input" : file;
  const content = decodeLines(bytes, name);
  if (isManifest(content)) {
    const { entries, notice } = parseManifest(bytes, name);
    const jobs = [...entries].map(([inferenceId, entry]) => knownJob(inferenceId, entry));
    return { jobs, manifest: file === "-" ? undefined : file, notice };
  }
  const jobs = parsePrinted(content, name).map(({ video, ...job }) => ({
    inferenceId: job.inferenceId,
    video,
    job,
    intents: 1,
  }));
  if (jobs.length === 0) throw new SetupError(`${name} holds no jobs. ${remedy}.`);
  return { jobs, manifest: undefined, notice: undefined };
}

/** Where a job is there more than once, its last line counts; lines about videos that were not sent are passed over. */
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
