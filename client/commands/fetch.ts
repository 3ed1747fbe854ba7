/** The command fetch: brings results down, one file each, checked; draws them on their videos if wanted. */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { annotate } from "../annotate.ts";
import type { AnnotatedFiles } from "../annotate.ts";
import { defineCommand, usage } from "../command-line.ts";
import type { Context } from "../command-line.ts";
import { codeOf, SetupError } from "../errors.ts";
import { endOf, isGood, printEnd } from "../job-report.ts";
import { labelOf, readJobs } from "../jobs-file.ts";
import type { KnownJob } from "../jobs-file.ts";
import { standingOf } from "../known-jobs.ts";
import type { VideoResult } from "../result.ts";
import type { Job } from "../submit.ts";
import type { JobState } from "../wait.ts";
import { plural } from "../words.ts";
import { jobsFileOf, jobsFlags } from "./jobs-flags.ts";

/** Fetches results. */
export const fetch = defineCommand({
  summary: "bring results down, checked against the model's schema",
  help: {
    usage: `Usage: npm run fetch -- FILE [options]

Brings the results of completed jobs down, FOLDER/INFERENCE-ID.json each, checked against model/result.schema.json, and sums
them up: objects per class and, for longer videos, per minute. FILE is a submission's manifest, or what submit --json
printed; - is standard input.
`,
    options: `${jobsFlags.help}  --to FOLDER           where results go (default: out)
  --annotate            bring the videos down, too, and draw what was found on them: annotated.mp4 and annotated.gif in
                        FOLDER/INFERENCE-ID/
`,
    end: `Exit status: 0 all well; 1 a job has no result, or a wrong one; 2 wrong usage, or something on this machine is missing;
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
  live.show(`looking for the ends of ${plural(known.jobs.length, "job")}`, "new step");
  let good = true;
  for (const { known: entry, state } of await standingOf(stack, known, signal)) {
    const { inferenceId, video, job } = entry;
    if (job === undefined || state === undefined) {
      good = false;
      print(`${labelOf(entry)}: was not accepted`, { inferenceId, video, status: "unsent" });
    } else {
      good = (await fetchOne(entry, job, state, flags, context)) && good;
    }
  }
  return good ? 0 : 1;
}

async function fetchOne(known: KnownJob, job: Job, state: JobState, flags: Flags, context: Context): Promise<boolean> {
  const { stack, live, signal } = context;
  const name = job.inferenceId.replaceAll(/[^\w.-]/g, "_");
  const file = path.join(flags.to, `${name}.json`);
  let drawn: AnnotatedFiles | undefined;
  const end = await endOf(stack, job, state, signal, async (result) => {
    live.show(`fetching ${file}`, "new step");
    await writeResult(file, result);
    if (!flags.annotate) return;
    live.show(`drawing ${job.inputLocation}`, "new step");
    const folder = path.join(flags.to, name);
    await mkdir(folder, { recursive: true });
    drawn = await annotate(stack, job, file, folder, signal);
  });
  const { video } = known;
  const place = video === undefined ? file : `${file} of ${video}`;
  printEnd(context, end.summary === undefined ? labelOf(known) : place, job, end, { video, ...drawn });
  return isGood(end);
}

/** Whole or not at all: a full disk or Ctrl-C leaves no half file. */
async function writeResult(file: string, result: VideoResult): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(draft, `${JSON.stringify(result)}\n`);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new SetupError(`Cannot write ${file} (${codeOf(error)}): make room, or give another folder with --to.`);
  }
}
