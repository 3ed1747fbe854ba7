/** The commands submit, status and fetch: each prints what it did and returns the exit status. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { readCapacity } from "./capacity.ts";
import { codeOf, explain, isSetupProblem, ServiceAnswerError, SetupError } from "./errors.ts";
import type { LiveLine } from "./live-line.ts";
import type { Command } from "./options.ts";
import { fetchResult, summarize } from "./result.ts";
import type { ResultSummary } from "./result.ts";
import type { Stack } from "./stack.ts";
import { invoke, jobSchema } from "./submit.ts";
import type { Job } from "./submit.ts";
import { uploadVideo } from "./upload.ts";
import { checkVideoFile } from "./video-file.ts";
import { checkJob, waitForJob } from "./wait.ts";
import type { JobState } from "./wait.ts";

/** What a command works with. */
export interface Context {
  readonly stack: Stack;
  /** Prints one result line: for people, or the JSON form of the same. */
  readonly print: (human: string, json: object) => void;
  readonly live: LiveLine;
  readonly stdin: NodeJS.ReadableStream;
  readonly signal: AbortSignal;
}

type CommandOf<Name extends Command["command"]> = Extract<Command, { command: Name }>;

/** A job's end as it is printed: the state and, of a completed job, its result in figures. */
interface JobEnd {
  readonly state: JobState;
  readonly summary?: ResultSummary;
  /** The result is there but cannot be used. */
  readonly problem?: string;
}

/** Uploads and invokes one file after the other; with --wait, waits for all of them together. */
export async function submit({ files, flags }: CommandOf<"submit">, context: Context): Promise<number> {
  const { stack, live, print, signal } = context;
  // All of them before the first is sent, so that a wrong name sends nothing.
  for (const file of files) await checkVideoFile(file);
  const accepted: { readonly file: string; readonly job: Job }[] = [];
  for (const file of files) {
    live.show(`${file}: reading`, "new step");
    const video = await uploadVideo(stack, file, {
      signal,
      onProgress: ({ step, loaded, total }) => {
        live.show(`${file}: ${step} ${Math.floor((100 * loaded) / total)} % of ${(total / 1e6).toFixed(1)} MB`);
      },
    });
    const job = await invoke(stack, { ...video, ttlSeconds: flags.ttl, timeoutSeconds: flags.timeout, signal });
    accepted.push({ file, job });
    const already = video.skipped ? " (the same bytes were there already)" : "";
    print(`${file}: accepted as ${job.inferenceId}${already}\n  result    ${job.outputLocation}`, { file, ...job });
  }
  if (!flags.wait) return 0;
  const waiting = new Set(accepted.map(({ file }) => file));
  const ends = await Promise.all(
    accepted.map(async ({ file, job }) => {
      const state = await waitForJob(stack, job, {
        signal,
        limitSeconds: flags.limit,
        onProgress: ({ problem }) => {
          const trouble = problem === undefined ? "" : `; retrying: ${problem}`;
          live.show(`waiting for ${waiting.size} of ${accepted.length} jobs${trouble}`);
        },
      });
      waiting.delete(file);
      const end = await withResult(stack, job, state, signal);
      printEnd(context, file, { file, ...job }, end);
      return end;
    }),
  );
  return ends.every(isGood) ? 0 : 1;
}

/** How the endpoint stands and, given jobs, how each of them does. */
export async function status({ jobs }: CommandOf<"status">, context: Context): Promise<number> {
  const { stack, print, signal } = context;
  const { endpointName, instanceType, maxCapacity } = stack.outputs;
  const capacity = await readCapacity(stack, signal);
  print(
    `${endpointName}: ${capacity.status}, ${capacity.current} of at most ${maxCapacity} × ${instanceType}` +
      (capacity.desired === capacity.current ? "" : `, going to ${capacity.desired}`),
    { endpointName, instanceType, maxCapacity, ...capacity },
  );
  if (jobs === undefined) return 0;
  let good = true;
  for (const job of await readJobs(jobs, context)) {
    const state = await checkJob(stack, job, signal);
    good &&= state.status === "completed";
    printEnd(context, job.inferenceId, job, { state });
  }
  return good ? 0 : 1;
}

/** Brings the results of completed jobs down, one file each. */
export async function fetch({ jobs, flags }: CommandOf<"fetch">, context: Context): Promise<number> {
  const { stack, signal } = context;
  let good = true;
  for (const job of await readJobs(jobs, context)) {
    const state = await checkJob(stack, job, signal);
    const file = path.join(flags.to, `${job.inferenceId.replaceAll(/[^\w.-]/g, "_")}.json`);
    const end = await withResult(stack, job, state, signal, file);
    good &&= isGood(end);
    printEnd(context, end.summary === undefined ? job.inferenceId : file, job, end);
  }
  return good ? 0 : 1;
}

async function withResult(
  stack: Stack,
  job: Job,
  state: JobState,
  signal: AbortSignal,
  file?: string,
): Promise<JobEnd> {
  if (state.status !== "completed") return { state };
  try {
    const result = await fetchResult(stack, job, signal);
    if (file !== undefined) {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, `${JSON.stringify(result)}\n`);
    }
    return { state, summary: summarize(result) };
  } catch (error) {
    if (error instanceof ServiceAnswerError) return { state, problem: explain(error) };
    throw error;
  }
}

function isGood({ state, problem }: JobEnd): boolean {
  return state.status === "completed" && problem === undefined;
}

function printEnd(
  { print }: Context,
  name: string,
  job: Job & { readonly file?: string },
  { state, summary, problem }: JobEnd,
): void {
  print(`${name}: ${problem ?? describe(state, summary)}`, {
    ...job,
    status: state.status,
    ...(state.status === "failed" ? { reason: state.reason } : {}),
    ...(problem === undefined ? {} : { problem }),
    ...(summary === undefined ? {} : { result: summary }),
  });
}

function describe(state: JobState, summary: ResultSummary | undefined): string {
  switch (state.status) {
    case "completed": {
      if (summary === undefined) return `completed: ${state.outputLocation}`;
      const objects = Object.entries(summary.objects).map(([label, count]) => `${label} ${count}`);
      const found = objects.length === 0 ? "nothing found" : objects.join(", ");
      const truncated = summary.truncated ? "\n  the video ends before its container says" : "";
      const notice = summary.notice === null ? "" : `\n  ${summary.notice}`;
      return `completed: ${summary.frames} frames, ${summary.detections} detections: ${found}${truncated}${notice}`;
    }
    case "failed":
      return `failed: ${state.reason}`;
    case "expired":
      return `expired, presumably: neither a result nor a failure by ${state.deadline.toISOString()}`;
    case "pending":
      return "pending";
  }
}

/** The jobs in a file of JSON lines; where a job is there more than once, its last line counts. */
async function readJobs(file: string, { stdin }: Context): Promise<readonly Job[]> {
  const jobs = new Map<string, Job>();
  const content = file === "-" ? await text(stdin) : await readText(file);
  for (const [index, line] of content.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      const job = jobSchema.parse(JSON.parse(line));
      jobs.set(job.inferenceId, job);
    } catch {
      throw new SetupError(`${file}, line ${index + 1}, is not a job: give a file with what submit --json printed.`);
    }
  }
  if (jobs.size === 0) throw new SetupError(`${file} holds no jobs: give a file with what submit --json printed.`);
  return [...jobs.values()];
}

async function readText(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((error: unknown) => {
    throw new SetupError(`Cannot read ${file} (${codeOf(error)}): give a file with what submit --json printed.`);
  });
}

/** The exit status that an error stands for. */
export function exitStatusOf(error: unknown): number {
  return isSetupProblem(error) ? 2 : 1;
}
