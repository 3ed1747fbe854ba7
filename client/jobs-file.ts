/** Files that name jobs: a submission's manifest, or what submit --json printed. */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { codeOf, SetupError } from "./errors.ts";
import { parseManifest } from "./manifest-lines.ts";
import type { ManifestEntry } from "./manifest-lines.ts";
import { jobSchema } from "./submit.ts";
import type { Job } from "./submit.ts";

/** What a file says about one job: all that a manifest knows, or that it was accepted. */
export type KnownJob = Pick<ManifestEntry, "job" | "end" | "problem" | "intents"> & { readonly inferenceId: string };

/** The jobs of a file, in its order. */
export interface KnownJobs {
  readonly jobs: readonly KnownJob[];
  /** The manifest's path, if the file is one. */
  readonly manifest: string | undefined;
}

const remedy = "give a submission's manifest, or a file with what submit --json printed";

/**
 * Reads the jobs of a file; `-` is standard input.
 * @throws SetupError if it cannot be read or holds none
 */
export async function readJobs(file: string, stdin: NodeJS.ReadableStream): Promise<KnownJobs> {
  const content = file === "-" ? await text(stdin) : await readText(file);
  const isManifest = content.startsWith('{"event":');
  const jobs = isManifest
    ? [...parseManifest(content, file)].map(([inferenceId, entry]) => ({ inferenceId, ...entry }))
    : parsePrinted(content, file).map((job) => ({ inferenceId: job.inferenceId, job, intents: 1 }));
  if (jobs.length === 0) throw new SetupError(`${file} holds no jobs: ${remedy}.`);
  return { jobs, manifest: isManifest && file !== "-" ? file : undefined };
}

/** Where a job is there more than once, its last line counts; lines about videos that were not sent are passed over. */
function parsePrinted(content: string, file: string): readonly Job[] {
  const jobs = new Map<string, Job>();
  for (const [index, line] of content.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === "object" && value !== null && "problem" in value && !("outputLocation" in value)) continue;
      const job = jobSchema.parse(value);
      jobs.set(job.inferenceId, job);
    } catch {
      throw new SetupError(`${file}, line ${index + 1}, is not a job: ${remedy}.`);
    }
  }
  return [...jobs.values()];
}

async function readText(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: unknown) => {
    throw new SetupError(`Cannot read ${file} (${codeOf(error)}): ${remedy}.`);
  });
}
