/** The command submit: finds the videos, sends them with a job journal and, on request, waits for their ends. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { usage } from "../../src/arguments.ts";
import { defineCommand, wholeNumber } from "../command-line.ts";
import type { Context } from "../command-line.ts";
import { printDryRun } from "../dry-run.ts";
import { EndCounts } from "../end-counts.ts";
import { checkEndpoint } from "../../src/endpoint.ts";
import { isAbort } from "../../../lib/errors.ts";
import { endOf, isGood, printEnd } from "../job-report.ts";
import { recordedState, recordOf } from "../../src/known-jobs.ts";
import { timeoutWithin } from "../../src/limits.ts";
import { Manifest, readManifest } from "../../src/manifest.ts";
import { defaultFolder } from "../out-folder.ts";
import { findVideos } from "../../src/sources.ts";
import { isS3, resumeAll, submitAll } from "../../src/submit-all.ts";
import type { Outcome, SubmitOptions } from "../../src/submit-all.ts";
import type { Job } from "../../src/submit.ts";
import { UploadView } from "../upload-view.ts";
import { waitForJobs } from "../../src/wait.ts";
import { plural, shellQuoted, unsentLine } from "../../src/format.ts";
import { modelFlags, modelRequestOf } from "./model-flags.ts";
import type { ModelRequest } from "./model-flags.ts";

const flags = {
  ...modelFlags.flags,
  ttl: wholeNumber("ttl", "whole seconds", 60, 21_600),
  timeout: wholeNumber("timeout", "whole seconds", 1, 3600),
  concurrency: wholeNumber("concurrency", "a whole number", 1, 64),
  manifest: z.string().min(1).optional(),
  resume: z.boolean().default(false),
  wait: z.boolean().default(false),
  limit: wholeNumber("limit", "whole seconds", 1, 7 * 24 * 3600),
  "dry-run": z.boolean().default(false),
};

type Flags = z.infer<z.ZodObject<typeof flags>>;

/** Uploads videos and submits each to the endpoint. */
export const submit = defineCommand({
  summary: "upload videos, submit each to the endpoint, print the jobs",
  help: {
    usage: `Usage: npm run submit -- FILE|FOLDER|s3://… … [options]
       npm run submit -- --resume --manifest FILE [options]

Uploads videos and submits each to the endpoint. A folder stands for all videos below it (.avi .flv .m2ts .m4v .mkv
.mov .mp4 .mpeg .mpg .mts .ogv .webm .wmv); an object in S3 is used in place, and s3://BUCKET/PREFIX/ stands for all
videos below it. In folders, links to files are followed and hidden files are skipped; a line counts the skipped ones.
A file is sent once. All are checked before the first is sent; the same bytes are uploaded once. Each step is written
to the job journal before it is made: after Ctrl-C or a crash, --resume sends the jobs that were not accepted yet,
under the same names.

A job journal is as powerful as a command line: it names the files to upload. Resume only journals that you trust.
--resume checks that each file is a video before it sends anything.
`,
    options: `${modelFlags.help}  --ttl SECONDS         maximum time that a job may wait in the queue, 60..21600 (default: 21600)
  --timeout SECONDS     time limit of one run, up to the stack's invocationTimeout (default: the stack's)
  --concurrency N       concurrent videos, 1..64 (default: 8)
  --manifest FILE       job journal (default: a new file in out/)
  --dry-run             print the videos to send, their size and price, and send nothing
  --resume              resume the journal's jobs
  --wait                wait for each job's end, fetch and check its result
  --limit SECONDS       with --wait: stop waiting after this time; the jobs keep running (default: until each has
                        ended or expired)
`,
    end: `With --json a job is printed when it is accepted and, with --wait, again when it has ended.

Exit status: 0 success; 1 a job failed, expired, has not ended, or its result is invalid; 2 wrong usage, a video that cannot
be sent, or something on this machine is missing; 130 interrupted.
`,
  },
  options: {
    ...modelFlags.options,
    ttl: { type: "string" },
    timeout: { type: "string" },
    concurrency: { type: "string" },
    manifest: { type: "string" },
    resume: { type: "boolean" },
    wait: { type: "boolean" },
    limit: { type: "string" },
    "dry-run": { type: "boolean" },
  },
  flags,
  prepare(operands, flags) {
    const { customAttributes, format } = modelRequestOf(flags);
    if (flags.resume) {
      if (flags.manifest === undefined) throw usage("--resume needs --manifest FILE");
      if (operands.length > 0) throw usage("--resume sends the jobs of the job journal: leave out FILE");
      if ([customAttributes, format, flags.ttl, flags.timeout].some((given) => given !== undefined)) {
        const named = [...Object.keys(modelFlags.options), "ttl", "timeout"].map((flag) => `--${flag}`);
        throw usage(`--resume sends jobs as they were planned: leave out ${named.join(", ")}`);
      }
      return resumeFrom(flags.manifest, flags);
    }
    if (operands.length === 0) throw usage("submit needs at least one FILE");
    return (context) => submitVideos(operands, { ...flags, customAttributes, format }, context);
  },
});

async function submitVideos(
  operands: readonly string[],
  flags: Flags & ModelRequest,
  context: Context,
): Promise<number> {
  const { stack, live, signal } = context;
  const timeoutSeconds = timeoutWithin(stack.outputs, flags.timeout);
  live.show("checking the videos", "new step");
  const { videos, skipped } = await findVideos(stack, operands, signal);
  if (skipped !== undefined) live.say(skipped);
  if (flags["dry-run"]) {
    printDryRun(videos, { jobs: videos.length, timeoutSeconds }, context);
    return 0;
  }
  await checkEndpoint(stack, signal);
  await using manifest = await Manifest.create(flags.manifest ?? newManifest());
  live.say(`job journal ${manifest.file}`);
  const view = new UploadView(videos.map(({ video, bytes }) => [video, isS3(video) ? 0 : bytes] as const));
  return await conclude(manifest, flags, context, (options) =>
    submitAll(
      stack,
      videos.map(({ video, contentType }) => ({
        video,
        contentType,
        ttlSeconds: flags.ttl,
        timeoutSeconds,
        customAttributes: flags.customAttributes,
        format: flags.format,
      })),
      { ...options, manifest, ...viewed(view, options, context) },
    ),
  );
}

function resumeFrom(file: string, flags: Flags) {
  return async (context: Context): Promise<number> => {
    const { stack, live, signal } = context;
    if (flags["dry-run"]) return await dryResume(file, context);
    await using manifest = await Manifest.open(file);
    if (manifest.notice !== undefined) live.say(`note: ${manifest.notice}`);
    await checkEndpoint(stack, signal);
    const open = [...manifest.entries.values()].filter(({ job }) => job === undefined);
    const view = new UploadView(
      open.map(({ planned }) => [planned.file ?? planned.inputLocation ?? "", 0] as const),
      manifest.entries.size - open.length,
    );
    return await conclude(manifest, flags, context, async (options) =>
      open.length === 0 ? [] : await resumeAll(stack, manifest, { ...options, ...viewed(view, options, context) }),
    );
  };
}

/** Prints the jobs that --resume would send. */
async function dryResume(file: string, context: Context): Promise<number> {
  const open = [...(await readManifest(file)).values()].filter(({ job }) => job === undefined);
  const videos = await Promise.all(
    open.map(async ({ planned }) => {
      const video = planned.file ?? planned.inputLocation ?? planned.inferenceId;
      const size = planned.file === undefined ? undefined : await stat(planned.file).catch(() => undefined);
      return { video, bytes: size?.size };
    }),
  );
  const timeoutSeconds = Math.max(0, ...open.map(({ planned }) => planned.timeoutSeconds));
  printDryRun(videos, { jobs: open.length, timeoutSeconds }, context);
  return 0;
}

/** Returns a name for a new journal, by this machine's clock, in out/, which is created if missing. */
function newManifest(): string {
  return path.join(
    defaultFolder(),
    `submit-${new Date().toISOString().replaceAll(/[-:]/g, "").replace(".", "-")}.jsonl`,
  );
}

/** Shows a submission's progress on the live line. */
function viewed(view: UploadView, { onOutcome }: SubmitOptions, { live }: Context): SubmitOptions {
  live.show(view.line, "new step");
  return {
    onProgress: (progress) => {
      view.note(progress);
      live.show(view.line);
    },
    onOutcome: (outcome) => {
      view.end(outcome.video, "job" in outcome ? "accepted" : "refused");
      live.show(view.line);
      onOutcome?.(outcome);
      if (view.isDone) live.say(view.line);
    },
  };
}

/** Submits, prints each outcome and, with --wait, each end; also waits for jobs that the journal had before. */
async function conclude(
  manifest: Manifest,
  flags: Flags,
  context: Context,
  submitting: (options: SubmitOptions) => Promise<readonly Outcome[]>,
): Promise<number> {
  const { live, signal } = context;
  const onOutcome = (outcome: Outcome): void => {
    printOutcome(context, outcome);
  };
  let outcomes: readonly Outcome[];
  try {
    outcomes = await submitting({ concurrency: flags.concurrency, signal, onOutcome });
  } catch (error) {
    const left = [...manifest.entries.values()].filter(({ job }) => job === undefined).length;
    const file = shellQuoted(manifest.file);
    if (left > 0) live.say(`${left} not accepted yet; resume: npm run submit -- --resume --manifest ${file}`);
    if (isAbort(error)) live.say(`follow the others: npm run status -- ${file}`);
    throw error;
  }
  const refused = outcomes.some((outcome) => "problem" in outcome);
  live.say(outcomes.length === 0 ? `already complete: ${sumOf(manifest)}` : sumOf(manifest));
  if (!flags.wait) {
    // The path is meant to be typed into a shell.
    const file = shellQuoted(manifest.file);
    live.say(`follow them: npm run status -- ${file}; then get the results: npm run fetch -- ${file}`);
    return refused ? 2 : 0;
  }
  let good: boolean;
  try {
    good = await waitForEnds(manifest, flags.limit, context);
  } catch (error) {
    if (isAbort(error)) live.say(`follow them: npm run status -- ${shellQuoted(manifest.file)}`);
    throw error;
  }
  if (refused) return 2;
  return good ? 0 : 1;
}

/**
 * Formats `3 of 4 jobs accepted, 1 video not sent`, for all jobs of a submission, including those of earlier processes.
 */
function sumOf({ entries }: Manifest): string {
  const accepted = [...entries.values()].filter(({ job }) => job !== undefined).length;
  const refused = entries.size - accepted;
  const others = refused === 0 ? "" : `, ${plural(refused, "video")} not sent`;
  return `${accepted} of ${plural(entries.size, "job")} accepted${others}`;
}

function printOutcome({ print }: Context, outcome: Outcome): void {
  const { video, inferenceId } = outcome;
  if ("problem" in outcome) {
    const problem = outcome.problem.message;
    print(unsentLine(video, problem), { video, inferenceId, problem });
    return;
  }
  const { job, uploaded } = outcome;
  const already = uploaded?.skipped === true ? " (the same bytes were there already)" : "";
  print([`${video}: accepted as ${inferenceId}${already}`, `  result    ${job.outputLocation}`], { video, ...job });
}

/** Waits for the ends of all accepted jobs of a journal; returns whether all have succeeded. */
async function waitForEnds(manifest: Manifest, limitSeconds: number | undefined, context: Context): Promise<boolean> {
  const { stack, live, signal } = context;
  const entries = [...manifest.entries.values()];
  const videoOf = ({ inferenceId }: Job): string => {
    const planned = manifest.entries.get(inferenceId)?.planned;
    return planned?.file ?? planned?.inputLocation ?? inferenceId;
  };
  const ended = entries.map(recordedState);
  let good = entries.every(({ job }, index) => job !== undefined && ended[index]?.status !== "failed");
  const waiting = entries.flatMap(({ job }, index) => (job === undefined || ended[index] !== undefined ? [] : [job]));
  const counts = new EndCounts(manifest);
  live.show(counts.line, "new step");
  const pending = await waitForJobs(
    stack,
    waiting,
    async (job, state) => {
      const end = await endOf(stack, job, state, signal);
      manifest.note({ event: "ended", inferenceId: job.inferenceId, ...recordOf(state) });
      good &&= isGood(end);
      counts.add(end);
      printEnd(context, videoOf(job), job, end, { video: videoOf(job) });
    },
    {
      signal,
      limitSeconds,
      onProgress: ({ problem }) => {
        live.show(`${counts.line}${problem === undefined ? "" : `; retrying: ${problem}`}`);
      },
    },
  );
  live.say(counts.line);
  for (const job of pending)
    printEnd(context, videoOf(job), job, { state: { status: "pending" } }, { video: videoOf(job) });
  if (pending.length > 0) live.say(`follow them later: npm run status -- ${shellQuoted(manifest.file)}`);
  return good && pending.length === 0;
}
