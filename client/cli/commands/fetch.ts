/** The command fetch: downloads results, one file each, checks them, and draws them on their videos on request. */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { annotate } from "../annotate.ts";
import type { AnnotatedFiles } from "../annotate.ts";
import { DrawingView } from "../drawing-view.ts";
import type { CommandContext } from "../../../lib/command-line.ts";
import { codeOf, UsageError } from "../../../lib/errors.ts";
import { runOnStack } from "../session.ts";
import type { Session } from "../session.ts";
import { writeRemedy } from "../../../lib/remedies.ts";
import { SetupError } from "../../src/errors.ts";
import { describeSummary, endOf, isGood, printEnd, sentAgainNote } from "../job-report.ts";
import { labelOf } from "../../src/jobs-file.ts";
import type { KnownJob } from "../../src/jobs-file.ts";
import type { KnownState } from "../../src/known-jobs.ts";
import { statusOf } from "../../src/known-jobs.ts";
import { makeFolder } from "../out-folder.ts";
import { inParallel } from "../../src/parallel.ts";
import type { Job } from "../../src/submit.ts";
import { groupParts, isInParts, jobStatus } from "../../src/parts/jobs-in-parts.ts";
import type { JobInParts } from "../../src/parts/jobs-in-parts.ts";
import { labelOfParts, mergeParts } from "../parts-report.ts";
import { plural } from "../../src/format.ts";
import { requestsText } from "../request-counts.ts";
import { jobsCommand, jobsOperandOf, knownJobs } from "./jobs-operand.ts";
import type { JobsOperand } from "./jobs-operand.ts";

/** Defines the command. */
export function fetchCommand(context: CommandContext): CommandUnknownOpts {
  return jobsCommand(
    "fetch",
    "Downloads the results of completed jobs, one FOLDER/INFERENCE-ID.json each, checks them against the model's schema, " +
      "and counts objects per class and, for longer videos, per minute. Pass only files of jobs that you trust: they " +
      "name the objects that are read with your credentials.",
  )
    .option("--to <folder>", "folder for the results", "out")
    .option("--annotate", "also download the videos and draw the detections on them", false)
    .addHelpText(
      "after",
      "\nExample:\n  npm run fetch -- jobs.jsonl --to results --annotate\n  npm run fetch -- --id INFERENCE-ID",
    )
    .action(async (operands, flags) => {
      const jobs = jobsOperandOf(operands, flags, context);
      if (jobs === undefined) throw new UsageError("fetch needs a file of jobs, or --id");
      await runOnStack(flags, context, (session) => fetchAll(jobs, flags, session));
    });
}

interface Flags {
  readonly to: string;
  readonly annotate: boolean;
}

async function fetchAll(jobs: JobsOperand, flags: Flags, session: Session): Promise<number> {
  const { stack, live, print, signal } = session;
  const known = await knownJobs(jobs, session);
  if (known.notice !== undefined) live.say(`note: ${known.notice}`);
  live.show(`reading the status of ${requestsText(known.jobs)}`, "new step");
  const bad = new Set<string>();
  const grouped = groupParts(await statusOf(stack, known, signal));
  const names = namesOf(grouped.map((job) => (isInParts(job) ? job.id : job.known.inferenceId)));
  const drawing = new DrawingView(session);
  // Drawing takes one thread for each video; everything else waits for the network.
  const concurrency = flags.annotate ? Math.min(availableParallelism(), grouped.length) : 1;
  await inParallel(grouped, concurrency, async (each) => {
    signal.throwIfAborted();
    if (isInParts(each)) {
      const place = join(flags.to, names.get(each.id) ?? each.id);
      if (!(await fetchParts(each, place, flags.annotate ? drawing : undefined, session))) bad.add(each.id);
      return;
    }
    const { known: entry, state } = each;
    const { inferenceId, video, job } = entry;
    if (job === undefined || state === undefined) {
      bad.add(inferenceId);
      print(`${labelOf(entry)}: was not accepted`, { inferenceId, video, status: "unsent" });
    } else {
      const place = join(flags.to, names.get(inferenceId) ?? inferenceId);
      const hasResult = await fetchOne(entry, job, state, place, flags.annotate ? drawing : undefined, session);
      if (!hasResult && entry.sentAgainAs === undefined) bad.add(inferenceId);
    }
  });
  // A video counts once, by its last job.
  const total = grouped.filter((job) => isInParts(job) || job.known.sentAgainAs === undefined).length;
  live.say(`${total - bad.size} of ${plural(total, "job")} with a result, in ${flags.to}`);
  return bad.size === 0 ? 0 : 1;
}

/**
 * Returns a file name for each job, by InferenceId. Job files come from other people, so no name may lead out of the
 * folder and no job may overwrite another's result, also on a file system that ignores case.
 * @throws SetupError if a name consists of dots or two jobs share one
 */
function namesOf(ids: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const inferenceId of ids) {
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

/**
 * Fetches one result, and draws it if there is a view.
 * @param place path of the job's files: the result's path without its extension
 */
async function fetchOne(
  known: KnownJob,
  job: Job,
  state: KnownState,
  place: string,
  drawing: DrawingView | undefined,
  session: Session,
): Promise<boolean> {
  const { stack, live, signal } = session;
  const file = `${place}.json`;
  const end = await endOf(stack, job, state, signal, async (result) => {
    live.show(`fetching ${file}`, "new step");
    await writeResult(file, [`${JSON.stringify(result)}\n`]);
  });
  let drawn: AnnotatedFiles | undefined;
  if (drawing !== undefined && end.summary !== undefined) {
    makeFolder(place, "--to");
    const name = known.video ?? known.inferenceId;
    drawn = await drawing.during(name, (onProgress) => annotate(stack, job, file, place, { signal, onProgress }));
  }
  const { video } = known;
  const label = video === undefined ? file : `${file} of ${video}`;
  const places =
    drawn === undefined ? sentAgainNote(known) : [`annotated  ${drawn.movie}`, `animation  ${drawn.animation}`];
  printEnd(session, end.summary === undefined ? labelOf(known) : label, job, end, { video, ...drawn }, places);
  return isGood(end);
}

/** Merges the results of a video's parts to one file, and draws it if there is a view. */
async function fetchParts(
  job: JobInParts,
  place: string,
  drawing: DrawingView | undefined,
  session: Session,
): Promise<boolean> {
  const { stack, live, print, signal } = session;
  const file = `${place}.json`;
  live.show(`merging ${file}`, "new step");
  const { summary, problem } = await mergeParts(session, job, (text) => writeResult(file, text));
  const common = { inferenceId: job.id, video: job.video, status: jobStatus(job) };
  if (summary === undefined) {
    print(`${labelOfParts(job)}: ${problem ?? ""}`, { ...common, problem });
    return false;
  }
  const [first] = job.parts.flatMap(({ known }) => known.job ?? []);
  let drawn: AnnotatedFiles | undefined;
  if (drawing !== undefined && first !== undefined) {
    makeFolder(place, "--to");
    const name = job.video ?? job.id;
    drawn = await drawing.during(name, (onProgress) => annotate(stack, first, file, place, { signal, onProgress }));
  }
  const [head = "", ...lines] = describeSummary(summary);
  const places = drawn === undefined ? [] : [`annotated  ${drawn.movie}`, `animation  ${drawn.animation}`];
  print([`${file} of ${labelOfParts(job)}: ${head}`, ...[...lines, ...places].map((line) => `  ${line}`)], {
    ...common,
    ...drawn,
    result: summary,
  });
  return true;
}

/**
 * Writes completely or not at all: a full disk or Ctrl-C leaves no partial file.
 * @throws SetupError if the file cannot be written; the errors of `text`
 */
async function writeResult(file: string, text: Iterable<string> | AsyncIterable<string>): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  makeFolder(dirname(file), "--to");
  let failure: { readonly error: unknown } | undefined;
  const source = async function* (): AsyncGenerator<string> {
    try {
      yield* text;
    } catch (error) {
      failure = { error };
      throw error;
    }
  };
  try {
    await pipeline(Readable.from(source()), createWriteStream(draft));
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    if (failure !== undefined) throw failure.error;
    throw new SetupError(
      `Cannot write ${file} (${codeOf(error)}): ${writeRemedy(error, "choose another folder with --to")}.`,
    );
  }
}
