/** The command fetch: downloads results, one file each, checks them, and draws them on their videos on request. */
import { rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import path from "node:path";
import { z } from "zod";
import { annotate } from "../annotate.ts";
import type { AnnotatedFiles } from "../annotate.ts";
import { usage } from "../../src/arguments.ts";
import { defineCommand } from "../command-line.ts";
import type { Context } from "../command-line.ts";
import { codeOf } from "../../../lib/errors.ts";
import { SetupError, writeRemedy } from "../../src/errors.ts";
import { endOf, isGood, printEnd } from "../job-report.ts";
import { labelOf, readJobs } from "../../src/jobs-file.ts";
import type { KnownJob } from "../../src/jobs-file.ts";
import { statusOf } from "../../src/known-jobs.ts";
import { makeFolder } from "../out-folder.ts";
import { inParallel } from "../../src/parallel.ts";
import type { VideoResult } from "../../src/result.ts";
import type { Job } from "../../src/submit.ts";
import type { JobState } from "../../src/wait.ts";
import { plural } from "../../src/format.ts";
import { jobsFileOf, jobsFlags } from "./jobs-flags.ts";

/** Fetches results. */
export const fetch = defineCommand({
  summary: "download results and check them against the model's schema",
  help: {
    usage: `Usage: npm run fetch -- FILE [options]

Downloads the results of completed jobs, FOLDER/INFERENCE-ID.json each, checks them against model/result.schema.json
and counts objects per class and, for longer videos, per minute. FILE is a submission's job journal, or the output of
submit --json; - is standard input. Pass only files that you trust: they name the objects that are read with your
credentials.
`,
    options: `${jobsFlags.help}  --to FOLDER           folder for the results (default: out)
  --annotate            download the videos, too, and draw the detections on them: annotated.mp4 and annotated.gif in
                        FOLDER/INFERENCE-ID/
`,
    end: `Exit status: 0 success; 1 a job has no result, or an invalid one; 2 wrong usage, or something on this machine is missing;
130 interrupted.
`,
  },
  options: { ...jobsFlags.options, to: { type: "string" }, annotate: { type: "boolean" } },
  flags: { ...jobsFlags.flags, to: z.string().min(1).default("out"), annotate: z.boolean().default(false) },
  prepare(operands, { manifest, ...flags }) {
    const file = jobsFileOf("fetch", operands, manifest);
    if (file === undefined) throw usage("fetch needs one file of jobs");
    return (context) => fetchAll(file, flags, context);
  },
});

interface Flags {
  readonly to: string;
  readonly annotate: boolean;
}

async function fetchAll(file: string, flags: Flags, context: Context): Promise<number> {
  const { stack, stdin, live, print, signal } = context;
  const known = await readJobs(file, stdin);
  if (known.notice !== undefined) live.say(`note: ${known.notice}`);
  const names = namesOf(known.jobs);
  live.show(`reading the status of ${plural(known.jobs.length, "job")}`, "new step");
  const bad = new Set<string>();
  const standing = await statusOf(stack, known, signal);
  const drawing = new DrawingView(context);
  // Drawing takes one thread for each video; everything else waits for the network.
  const concurrency = flags.annotate ? Math.min(availableParallelism(), standing.length) : 1;
  await inParallel(standing, concurrency, async ({ known: entry, state }) => {
    signal.throwIfAborted();
    const { inferenceId, video, job } = entry;
    if (job === undefined || state === undefined) {
      bad.add(inferenceId);
      print(`${labelOf(entry)}: was not accepted`, { inferenceId, video, status: "unsent" });
    } else {
      const place = path.join(flags.to, names.get(inferenceId) ?? inferenceId);
      const hasResult = await fetchOne(entry, job, state, place, flags.annotate ? drawing : undefined, context);
      if (!hasResult) bad.add(inferenceId);
    }
  });
  return bad.size === 0 ? 0 : 1;
}

/**
 * Returns a file name for each job, by InferenceId. Job files come from other people, so no name may lead out of the
 * folder and no job may overwrite another's result, also on a file system that ignores case.
 * @throws SetupError if a name consists of dots or two jobs share one
 */
function namesOf(jobs: readonly KnownJob[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const { inferenceId } of jobs) {
    const name = inferenceId.replaceAll(/[^\w.-]/g, "_");
    if (/^\.*$/.test(name)) {
      throw new SetupError(
        `InferenceId ${JSON.stringify(inferenceId)} is not a file name: remove that job from the file.`,
      );
    }
    // The result's file and the folder of --annotate.
    for (const taken of [`${name}.json`, name].map((each) => each.toLowerCase())) {
      const owner = owners.get(taken);
      if (owner !== undefined) {
        throw new SetupError(
          `InferenceIds ${JSON.stringify(owner)} and ${JSON.stringify(inferenceId)} have the same file name: fetch them from separate files into separate folders (--to).`,
        );
      }
      owners.set(taken, inferenceId);
    }
    names.set(inferenceId, name);
  }
  return names;
}

/** Shows the videos that are being drawn, by the names that the user gave them. */
class DrawingView {
  readonly #live: Context["live"];
  readonly #active = new Set<string>();

  constructor({ live }: Pick<Context, "live">) {
    this.#live = live;
  }

  /** Shows a video while `work` runs. */
  async during<Result>(video: string, work: () => Promise<Result>): Promise<Result> {
    this.#active.add(video);
    this.#show();
    try {
      return await work();
    } finally {
      this.#active.delete(video);
      this.#show();
    }
  }

  #show(): void {
    const [first, ...others] = this.#active;
    if (first === undefined) return;
    this.#live.show(
      `drawing on ${first}${others.length === 0 ? "" : ` and ${plural(others.length, "other video")}`}`,
      "new step",
    );
  }
}

/**
 * Fetches one result, and draws it if there is a view.
 * @param place path of the job's files: the result's path without its extension
 */
async function fetchOne(
  known: KnownJob,
  job: Job,
  state: JobState,
  place: string,
  drawing: DrawingView | undefined,
  context: Context,
): Promise<boolean> {
  const { stack, live, signal } = context;
  const file = `${place}.json`;
  const end = await endOf(stack, job, state, signal, async (result) => {
    live.show(`fetching ${file}`, "new step");
    await writeResult(file, result);
  });
  let drawn: AnnotatedFiles | undefined;
  if (drawing !== undefined && end.summary !== undefined) {
    makeFolder(place, "--to");
    drawn = await drawing.during(known.video ?? known.inferenceId, () => annotate(stack, job, file, place, signal));
  }
  const { video } = known;
  const label = video === undefined ? file : `${file} of ${video}`;
  const places = drawn === undefined ? [] : [`annotated  ${drawn.movie}`, `animation  ${drawn.animation}`];
  printEnd(context, end.summary === undefined ? labelOf(known) : label, job, end, { video, ...drawn }, places);
  return isGood(end);
}

/** Writes completely or not at all: a full disk or Ctrl-C leaves no partial file. */
async function writeResult(file: string, result: VideoResult): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  makeFolder(path.dirname(file), "--to");
  try {
    await writeFile(draft, `${JSON.stringify(result)}\n`);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new SetupError(
      `Cannot write ${file} (${codeOf(error)}): ${writeRemedy(error, "choose another folder with --to")}.`,
    );
  }
}
