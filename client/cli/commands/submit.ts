/** The command submit: finds the videos, sends them with a job journal and, on request, waits for their ends. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { wholeNumber } from "../../../lib/command-line.ts";
import type { CommandContext } from "../../../lib/command-line.ts";
import { runOnStack } from "../session.ts";
import type { Session } from "../session.ts";
import { describeJobsCost } from "../cost.ts";
import { describePrice } from "../price.ts";
import { printDryRun } from "../dry-run.ts";
import { cutAll, partMinutes } from "../cut-videos.ts";
import { EndCounts } from "../end-counts.ts";
import { checkEndpoint } from "../../src/endpoint.ts";
import { UsageError } from "../../../lib/errors.ts";
import { isPassing } from "../../src/errors.ts";
import { endOf, isGood, printEnd } from "../job-report.ts";
import type { JobEnd } from "../job-report.ts";
import { reachableState, recordedState, recordOf } from "../../src/known-jobs.ts";
import { timeoutWithin } from "../../src/limits.ts";
import { customAttributesOf } from "../../src/model-options.ts";
import { ownerOf } from "../../src/job-record.ts";
import type { JournalEntries, PlannedJob, PlannedPart } from "../../src/journal-lines.ts";
import { bucketOf } from "../../src/s3-objects.ts";
import { JobJournal, readJournal } from "../../src/journal.ts";
import { journalOf, manifestOption } from "../journal-option.ts";
import { followUp } from "../next-commands.ts";
import { defaultFolder } from "../out-folder.ts";
import { findVideos } from "../../src/find-videos.ts";
import { isS3, resumeAll, submitAll } from "../../src/submit-all.ts";
import type { Outcome, SubmitOptions } from "../../src/submit-all.ts";
import type { Job } from "../../src/submit.ts";
import { nounOf, requestsText } from "../request-counts.ts";
import { describeUnsent, printOutcome, sumOf, withRange } from "../submit-report.ts";
import { UploadView } from "../upload-view.ts";
import { waitForJobs } from "../../src/wait.ts";
import { plural, shellQuoted } from "../../src/format.ts";
import { modelCommand } from "./model-options.ts";

function defineSubmit() {
  return modelCommand(
    "submit",
    "Uploads videos and submits each to the endpoint. Checks all before the first is sent. Records each step in the job " +
      "journal before it is made: after Ctrl-C or a crash, --resume sends the jobs that were not accepted yet. A journal " +
      "names the files to upload, so resume only journals that you trust.",
  )
    .argument("[videos...]", "files, folders, objects (s3://BUCKET/KEY) and prefixes (s3://BUCKET/PREFIX/)")
    .option("--journal <file>", "job journal (default: a new file in out/)")
    .addOption(manifestOption())
    .option("--resume", "resume the journal's jobs", false)
    .option(
      "--part <minutes>",
      "length of the parts into which long videos are cut (default: about ten minutes of processing)",
      partMinutes,
    )
    .option("--wait", "wait for each job's end, fetch and check its result", false)
    .option(
      "--limit <seconds>",
      "with --wait: stop waiting after this time; the jobs keep running",
      wholeNumber("whole seconds", 1, 7 * 24 * 3600),
    );
}

type Flags = Omit<ReturnType<ReturnType<typeof defineSubmit>["opts"]>, "journal"> & {
  readonly journal: string | undefined;
};

/** Defines the command. */
export function submitCommand(context: CommandContext): CommandUnknownOpts {
  return defineSubmit()
    .addHelpText("after", "\nExample:\n  npm run submit -- clips/ s3://BUCKET/PREFIX/ --journal jobs.jsonl --wait")
    .action(async (videos, given) => {
      const flags = { ...given, journal: journalOf(given, context) };
      if (videos.includes("")) throw new UsageError("FILE is empty: give the path of a video");
      if (flags.limit !== undefined && !flags.wait) throw new UsageError("--limit needs --wait");
      if (!flags.resume && videos.length === 0) throw new UsageError("submit needs at least one FILE");
      const file = flags.resume ? resumedFile(videos, flags) : undefined;
      await runOnStack(flags, context, (session) =>
        file === undefined ? submitVideos(videos, flags, session) : resumeFrom(file, flags, session),
      );
    });
}

/**
 * Returns the journal of --resume.
 * @throws UsageError if there is none, or if there are options that the journal's jobs have already
 */
function resumedFile(videos: readonly string[], flags: Flags): string {
  const { journal, fps, score, sampling, masks, maxSide, format, encoding, ttl, timeout, part } = flags;
  if (journal === undefined) throw new UsageError("--resume needs --journal FILE");
  if (videos.length > 0) throw new UsageError("--resume sends the jobs of the job journal: leave out FILE");
  const planned = { fps, score, sampling, masks, "max-side": maxSide, format, encoding, ttl, timeout, part };
  const given = Object.entries(planned).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [`--${name}`],
  );
  if (given.length === 0) return journal;
  throw new UsageError(`--resume sends jobs as they were planned: leave out ${given.join(", ")}`);
}

async function submitVideos(operands: readonly string[], flags: Flags, session: Session): Promise<number> {
  const { stack, live, signal } = session;
  const timeoutSeconds = timeoutWithin(stack.outputs, flags.timeout);
  const customAttributes = customAttributesOf(flags);
  live.show("checking the videos", "new step");
  const { videos, skipped } = await findVideos(stack, operands, signal);
  if (skipped !== undefined) live.say(skipped);
  if (!flags.dryRun) await checkEndpoint(stack, signal);
  const cut = await cutAll(videos, flags, timeoutSeconds, session);
  if (flags.dryRun) {
    if (flags.journal !== undefined) await JobJournal.checkNew(flags.journal);
    const dryVideos = cut.map(({ video, bytes, requests }) => ({ video, bytes, parts: partsIn(requests) }));
    printDryRun(dryVideos, { jobs: videos.length, timeoutSeconds }, session);
    return 0;
  }
  const requests = cut.flatMap(({ requests: all, ...found }) => all.map((request) => ({ ...found, ...request })));
  await using journal = await JobJournal.create(flags.journal ?? newJournal());
  live.say(`job journal ${journal.file}`);
  const view = new UploadView(requests.map(({ video, bytes }) => [video, isS3(video) ? 0 : bytes] as const));
  return await conclude(journal, flags, session, (options) =>
    submitAll(
      stack,
      requests.map(({ video, contentType, inferenceId, part }) => ({
        video,
        contentType,
        inferenceId,
        part,
        ttlSeconds: flags.ttl,
        timeoutSeconds,
        customAttributes,
        format: flags.format,
      })),
      { ...options, journal, ...viewed(view, options, session) },
    ),
  );
}

async function resumeFrom(file: string, flags: Flags, session: Session): Promise<number> {
  const { stack, live, signal } = session;
  if (flags.dryRun) return await dryResume(file, session);
  await using journal = await JobJournal.open(file);
  if (journal.notice !== undefined) live.say(`note: ${journal.notice}`);
  await checkEndpoint(stack, signal);
  noteOtherDeployment(journal.entries, session);
  const open = [...journal.entries.values()].filter(({ job }) => job === undefined);
  const view = new UploadView(
    open.map(({ planned }) => [planned.file ?? planned.inputLocation ?? "", 0] as const),
    journal.entries.size - open.length,
  );
  return await conclude(journal, flags, session, (options) =>
    resumeAll(stack, journal, { ...options, ...(open.length === 0 ? {} : viewed(view, options, session)) }),
  );
}

/** Tells about jobs of a journal that another deployment of the stack accepted, with the same endpoint's name. */
function noteOtherDeployment(entries: JournalEntries, { stack, live }: Session): void {
  const others = [...entries.values()].flatMap(({ job }) =>
    job !== undefined && isElsewhere(job, stack) ? [job] : [],
  );
  if (others.length === 0) return;
  const buckets = [...new Set(others.map(({ outputLocation }) => bucketOf(outputLocation)))].join(", ");
  live.say(
    `note: another deployment accepted ${others.length} of ${requestsText([...entries.values()].map(({ planned }) => planned))}: the results are in ${buckets}, and this stack's ` +
      `are in ${bucketOf(stack.outputs.outputLocation)}. If that bucket no longer exists, submit the videos again with another --journal.`,
  );
}

/** Tells whether a job's result is in a bucket that is not the stack's. */
function isElsewhere({ outputLocation }: Job, { outputs }: Session["stack"]): boolean {
  return bucketOf(outputLocation) !== bucketOf(outputs.outputLocation);
}

/** Prints the jobs that --resume would send. */
async function dryResume(file: string, session: Session): Promise<number> {
  const entries = await readJournal(file);
  noteOtherDeployment(entries, session);
  const open = [...entries.values()].flatMap(({ job, planned }) => (job === undefined ? [planned] : []));
  const jobs = [...Map.groupBy(open, ownerOf).values()];
  const videos = await Promise.all(
    jobs.map(async (requests) => {
      const [{ file, inputLocation, inferenceId } = { inferenceId: "" }] = requests;
      const size = file === undefined ? undefined : await stat(file).catch(() => undefined);
      return { video: file ?? inputLocation ?? inferenceId, bytes: size?.size, parts: partsIn(requests) };
    }),
  );
  const timeoutSeconds = Math.max(0, ...open.map((planned) => planned.timeoutSeconds));
  printDryRun(videos, { jobs: jobs.length, timeoutSeconds }, session);
  return 0;
}

function partsIn(requests: readonly Pick<PlannedJob, "part">[]): readonly PlannedPart[] {
  return requests.flatMap(({ part }) => part ?? []);
}

/** Returns a name for a new journal, by this machine's clock, in out/, which is created if missing. */
function newJournal(): string {
  return join(defaultFolder(), `submit-${new Date().toISOString().replaceAll(/[-:]/g, "").replace(".", "-")}.jsonl`);
}

/** Shows a submission's progress on the live line. */
function viewed(view: UploadView, { onOutcome }: SubmitOptions, { live }: Session): SubmitOptions {
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
  journal: JobJournal,
  flags: Flags,
  session: Session,
  submitting: (options: SubmitOptions) => Promise<readonly Outcome[]>,
): Promise<number> {
  const { live, signal } = session;
  const onOutcome = (outcome: Outcome): void => {
    printOutcome(session, outcome, journal.entries.get(outcome.inferenceId)?.planned.part);
  };
  const onNotice = (notice: string): void => {
    live.say(`note: ${notice}`);
  };
  let outcomes: readonly Outcome[];
  try {
    outcomes = await submitting({ concurrency: flags.concurrency, signal, onOutcome, onNotice });
  } catch (error) {
    const left = [...journal.entries.values()].filter(({ job }) => job === undefined);
    const file = shellQuoted(journal.file);
    const isUnknown = signal.aborted || isPassing(error);
    if (left.length > 0)
      live.say(`${describeUnsent(left, isUnknown)}; resume: npm run submit -- --resume --journal ${file}`);
    const accepted = [...journal.entries.values()].flatMap(({ job, planned }) => (job === undefined ? [] : [planned]));
    if (accepted.length > 0) {
      const noun = `accepted ${nounOf(accepted)}`;
      const running = plural(accepted.length, `${noun} keeps`, `${noun}s keep`);
      live.say(`${running} running; follow: npm run status -- ${file}`);
    }
    throw error;
  }
  const refused = outcomes.some((outcome) => "problem" in outcome);
  live.say(outcomes.length === 0 ? `already complete: ${sumOf(journal)}` : sumOf(journal));
  if (!flags.wait) {
    sayPrice(journal, session);
    live.say(followUp(journal.file));
    return refused ? 2 : 0;
  }
  let good: boolean;
  try {
    good = await waitForEnds(journal, flags.limit, session);
  } catch (error) {
    if (signal.aborted)
      live.say(`accepted jobs keep running; follow them: npm run status -- ${shellQuoted(journal.file)}`);
    throw error;
  }
  if (refused) return 2;
  return good ? 0 : 1;
}

/** Prints an upper bound of the price of all accepted jobs of a journal. */
function sayPrice({ entries }: JobJournal, { stack, live }: Session): void {
  const accepted = [...entries.values()].filter(({ job }) => job !== undefined);
  if (accepted.length === 0) return;
  const timeoutSeconds = Math.max(...accepted.map(({ planned }) => planned.timeoutSeconds));
  const noun = nounOf(accepted.map(({ planned }) => planned));
  live.say(`cost: ${describePrice(stack.outputs, { jobs: accepted.length, noun, timeoutSeconds })}`);
}

/** Waits for the ends of all accepted jobs of a journal; returns whether all have succeeded. */
async function waitForEnds(journal: JobJournal, limitSeconds: number | undefined, session: Session): Promise<boolean> {
  const { stack, live, signal } = session;
  const entries = [...journal.entries.values()];
  const printEndOf = (job: Job, end: JobEnd): void => {
    const planned = journal.entries.get(job.inferenceId)?.planned;
    const video = planned?.file ?? planned?.inputLocation ?? job.inferenceId;
    printEnd(session, withRange(video, planned?.part), job, end, { video, part: planned?.part });
  };
  const ended = entries.map(recordedState);
  let good = entries.every(({ job }, index) => job !== undefined && ended[index]?.status !== "failed");
  const accepted = entries.flatMap(({ job }, index) => (job === undefined || ended[index] !== undefined ? [] : [job]));
  const counts = new EndCounts(journal);
  const seconds = new Map<string, number>();
  const waiting: Job[] = [];
  for (const job of accepted) {
    const state = isElsewhere(job, stack) ? await reachableState(stack, job, signal) : undefined;
    if (state?.status !== "unreachable") {
      waiting.push(job);
      continue;
    }
    good = false;
    counts.add({ state });
    printEndOf(job, { state });
  }
  live.show(counts.line, "new step");
  const pending = await waitForJobs(
    stack,
    waiting,
    async (job, state) => {
      const end = await endOf(stack, job, state, signal, ({ timing }) => {
        seconds.set(job.inferenceId, timing.total_seconds);
        return Promise.resolve();
      });
      journal.note({ event: "ended", inferenceId: job.inferenceId, ...recordOf(state) });
      good &&= isGood(end);
      counts.add(end);
      printEndOf(job, end);
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
  const spent = entries.flatMap(({ job, planned: { timeoutSeconds, part } }) => {
    return job === undefined ? [] : { seconds: seconds.get(job.inferenceId), timeoutSeconds, part };
  });
  if (spent.length > 0) live.say(`cost: ${describeJobsCost(stack.outputs, spent, nounOf(spent))}`);
  for (const job of pending) printEndOf(job, { state: { status: "pending" } });
  if (pending.length > 0) live.say(`follow them later: npm run status -- ${shellQuoted(journal.file)}`);
  return good && pending.length === 0;
}
