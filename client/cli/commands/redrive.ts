/** The command redrive: sends failed and expired jobs again, from the error queue or from a job journal. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Option } from "@commander-js/extra-typings";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { wholeNumber } from "../../../lib/command-line.ts";
import type { CommandContext } from "../../../lib/command-line.ts";
import { UsageError } from "../../../lib/errors.ts";
import { runOnStack, stackCommand } from "../session.ts";
import type { Session } from "../session.ts";
import { checkEndpoint } from "../../src/endpoint.ts";
import { timeoutWithin } from "../../src/limits.ts";
import { headObject, parseS3Uri } from "../../src/s3-objects.ts";
import { JobJournal, readJournal } from "../../src/journal.ts";
import { inParallel } from "../../src/parallel.ts";
import { journalOf, manifestOption } from "../journal-option.ts";
import { followUp } from "../next-commands.ts";
import { defaultFolder } from "../out-folder.ts";
import { describePrice } from "../price.ts";
import { unreachableRemedy } from "../../src/known-jobs.ts";
import { pairJournals, withRedriven } from "../../src/redrive/journal-pair.ts";
import type { RedriveJournal } from "../../src/redrive/resender.ts";
import { defaultJobsPerRun, defaultResends, redriveJournal, redriveQueue } from "../../src/redrive/redrive.ts";
import type { Outcome } from "../../src/redrive/redrive.ts";
import { plural, sizeOf } from "../../src/format.ts";

/** Number of concurrent size requests. */
const sizesAtOnce = 16;

function defineRedrive() {
  return stackCommand(
    "redrive",
    "Sends each failed job again, once, under its name with the suffix .redrive-1, -2, and so on. Without a journal it " +
      "reads the stack's error queue, and deletes or moves a message when its job is handled. With a submission's " +
      "journal it sends the journal's jobs that failed or expired. It skips videos that the model refused. Each job is " +
      "recorded before it is sent: after Ctrl-C or a crash, run the command again.",
  )
    .argument("[jobs]", "job journal of a submission (default: the error queue)")
    .option(
      "--limit <n>",
      "maximum number of jobs to send",
      wholeNumber("a whole number", 1, 100_000),
      defaultJobsPerRun,
    )
    .option(
      "--times <n>",
      "how often one job is sent again, over all runs",
      wholeNumber("a whole number", 1, 1000),
      defaultResends,
    )
    .option("--include-bad-input", "also send videos that the model refused", false)
    .addOption(
      new Option("--delete-bad-input", "delete messages of videos that the model refused")
        .default(false)
        .conflicts("includeBadInput"),
    )
    .option("--dry-run", "print jobs, size and price; send nothing (SQS counts it as a read)", false)
    .option("--journal <file>", "journal for the error queue (default: out/redrive-ENDPOINT.jsonl)")
    .addOption(manifestOption());
}

type Flags = Omit<ReturnType<ReturnType<typeof defineRedrive>["opts"]>, "journal"> & {
  readonly journal: string | undefined;
};

/** Defines the command. */
export function redriveCommand(context: CommandContext): CommandUnknownOpts {
  return defineRedrive()
    .addHelpText("after", "\nExample:\n  npm run redrive -- --stack dev --dry-run")
    .action(async (jobs, given) => {
      const flags = { ...given, journal: journalOf(given, context) };
      if (jobs !== undefined && flags.journal !== undefined) {
        throw new UsageError("The file of jobs is also the job journal: leave out --journal");
      }
      if (jobs !== undefined && flags.deleteBadInput) {
        throw new UsageError("--delete-bad-input deletes messages of the error queue: leave out the file of jobs");
      }
      await runOnStack(flags, context, (session) => run(jobs, flags, session));
    });
}

/** Labels of the outcomes in the summary. */
const counters = {
  sent: "sent again",
  "would-send": "would be sent again",
  "already-sent": "had been sent again already",
  smoke: "deleted (of the smoke test)",
  test: "deleted (SageMaker's test messages, which concern no job)",
  poison: "given up",
  refused: "refused by the service",
  changed: "left out: the video has changed, submit it again",
  "no-input": "without a video's location",
  unreadable: "unreadable",
  "deleted-bad-input": "deleted (bad input)",
  "bad-input": "left out as bad input: --include-bad-input sends them",
  "failed-again": "failed again meanwhile, left for the next run",
  "over-limit": "left over by --limit",
  unreachable: "unreachable",
} as const satisfies Record<Outcome["kind"], string>;

/** Outcomes that need no further action. */
const done: readonly Outcome["kind"][] = ["sent", "would-send", "already-sent", "smoke", "test", "deleted-bad-input"];

async function run(jobs: string | undefined, flags: Flags, session: Session): Promise<number> {
  const { stack, live, signal } = session;
  await checkEndpoint(stack, signal);
  const name = `redrive-${stack.outputs.endpointName}.jsonl`;
  const shared = join("out", name);
  const isShared = jobs !== undefined && resolve(jobs) === resolve(shared);
  // Otherwise the records of the jobs have what other runs have sent.
  const hasRecords = stack.outputs.jobsLocation !== undefined;
  if (!hasRecords && flags.journal !== undefined && resolve(flags.journal) !== resolve(shared)) {
    live.say(
      `note: this run does not see the jobs that other runs have recorded in ${shared}, and may send one of them a second time: leave out --journal, unless you share ${flags.journal} with others`,
    );
  }
  // The error queue still has the jobs that a cut plan lacks.
  const acceptIncomplete = jobs === undefined;
  if (flags.dryRun) {
    const file = jobs ?? flags.journal ?? shared;
    const isThere = jobs !== undefined || existsSync(file);
    if (!isThere && flags.journal !== undefined) await JobJournal.checkNew(flags.journal);
    const entries = isThere ? await readJournal(file, { acceptIncomplete }) : new Map<string, never>();
    const known =
      jobs !== undefined && !isShared && existsSync(shared)
        ? withRedriven(entries, await readJournal(shared, { acceptIncomplete: true }))
        : entries;
    return await redriveFrom(jobs, { entries: known }, isThere ? file : undefined, flags, session);
  }
  const file = jobs ?? flags.journal ?? join(defaultFolder(), name);
  await using journal =
    jobs === undefined ? await JobJournal.openOrCreate(file, { acceptIncomplete }) : await JobJournal.open(file);
  if (journal.notice !== undefined) live.say(`note: ${journal.notice}`);
  if (jobs === undefined || isShared) return await redriveFrom(jobs, journal, file, flags, session);
  // A redrive of the error queue must recognise the jobs that this one sends, and the other way round.
  await using endpoints = await JobJournal.openOrCreate(join(defaultFolder(), name), { acceptIncomplete: true });
  return await redriveFrom(jobs, await pairJournals(journal, endpoints), file, flags, session);
}

async function redriveFrom(
  jobs: string | undefined,
  journal: RedriveJournal,
  file: string | undefined,
  flags: Flags,
  session: Session,
): Promise<number> {
  const { stack, live, print, signal } = session;
  const outcomes: Outcome[] = [];
  const from = jobs ?? "the error queue";
  live.show(`reading ${from}`, "new step");
  const dryRun = flags.dryRun;
  const options = {
    limit: flags.limit,
    times: flags.times,
    includeBadInput: flags.includeBadInput,
    deleteBadInput: flags.deleteBadInput,
    signal,
    onNotice: (notice: string): void => {
      live.say(`note: ${notice}`);
    },
    onOutcome: (outcome: Outcome): void => {
      outcomes.push(outcome);
      const line = describe(outcome, dryRun);
      if (line !== undefined) live.say(line);
      live.show(`reading ${from}: ${summaryOf(outcomes, dryRun, jobs)}`);
    },
  };
  const report = (estimate?: string): void => {
    const last = lastDeliveries(outcomes);
    const lines = [summaryOf(outcomes, dryRun, jobs), ...[last, estimate].filter((line) => line !== undefined)];
    // A new journal has no file until a job is planned.
    const isThere = file !== undefined && existsSync(file);
    if (isThere) lines.push(`job journal ${file}`);
    const path = isThere ? resolve(file) : undefined;
    // `manifest` is the old name of `journal`.
    print(lines, { ...countsOf(outcomes), estimate, journal: path, manifest: path, jobs: outcomes });
  };
  try {
    if (jobs === undefined) await redriveQueue(stack, journal, options);
    else await redriveJournal(stack, journal, options);
  } catch (error) {
    // Report the work done until an error, too.
    if (outcomes.length > 0) report();
    throw error;
  }
  report(dryRun ? await estimateOf(outcomes, session) : undefined);
  if (file !== undefined && outcomes.some(({ kind }) => kind === "sent")) live.say(followUp(file));
  return outcomes.every(({ kind }) => done.includes(kind)) ? 0 : 1;
}

/** Warns about messages that the next read moves to the dead-letter queue; undefined if there are none. */
function lastDeliveries(outcomes: readonly Outcome[]): string | undefined {
  const last = outcomes.filter(
    (outcome) => "deliveries" in outcome && outcome.deliveries.count >= outcome.deliveries.max,
  ).length;
  if (last === 0) return undefined;
  return `the next read moves ${plural(last, "message")} to the dead-letter queue: send or delete ${last === 1 ? "it" : "them"} with the next run`;
}

/** Describes size and price of the jobs to send. */
async function estimateOf(outcomes: readonly Outcome[], { stack, signal }: Session): Promise<string> {
  const places = outcomes.flatMap((outcome) => (outcome.kind === "would-send" ? [outcome.inputLocation] : []));
  let bytes = 0;
  let unknown = 0;
  await inParallel(places, sizesAtOnce, async (place) => {
    const head = await headObject(stack.s3, parseS3Uri(place), { signal });
    if (typeof head === "object") bytes += head.bytes;
    else unknown += 1;
  });
  const others = unknown === 0 ? "" : `, and ${plural(unknown, "video")} whose size cannot be read`;
  const price = describePrice(stack.outputs, { jobs: places.length, timeoutSeconds: timeoutWithin(stack.outputs) });
  return `nothing was sent; size ${sizeOf(bytes)}${others}; ${price}`;
}

function countsOf(outcomes: readonly Outcome[]): Readonly<Record<string, number>> {
  const kinds = Object.keys(counters);
  return Object.fromEntries(kinds.map((kind) => [kind, outcomes.filter((outcome) => outcome.kind === kind).length]));
}

function summaryOf(outcomes: readonly Outcome[], dryRun: boolean, jobs: string | undefined): string {
  const parts = Object.entries(countsOf(outcomes)).filter(([, count]) => count > 0);
  if (parts.length === 0) return "no job to send again";
  const labels = parts.map(([kind, count]) => {
    // A journal has no messages to delete.
    const also = kind === "bad-input" && jobs === undefined ? "; --delete-bad-input deletes their messages" : "";
    return `${count} ${counters[kind as Outcome["kind"]]}${also}`;
  });
  return labels.map((each) => (dryRun ? each.replace(" deleted ", " would be deleted ") : each)).join(", ");
}

function describe(outcome: Outcome, dryRun: boolean): string | undefined {
  if (!("inferenceId" in outcome)) return undefined;
  const { inferenceId, reason } = outcome;
  const { deliveries } = outcome;
  const read = deliveries === undefined ? "" : `; read ${deliveries.count} of ${plural(deliveries.max, "time")}`;
  const why = `${reason === undefined ? "" : ` (${reason})`}${read}`;
  switch (outcome.kind) {
    case "sent":
      return `${inferenceId}: sent again as ${outcome.sentAs}${why}`;
    case "would-send":
      return `${inferenceId}: would be sent again as ${outcome.sentAs}${why}`;
    case "bad-input":
      return `${inferenceId}: left out, the model refused its video${why}`;
    case "deleted-bad-input":
      return `${inferenceId}: ${dryRun ? "would be deleted" : "deleted"}, the model refused its video${why}`;
    case "poison":
      return `${inferenceId}: given up after ${plural(outcome.times, "time")}${why}`;
    case "refused":
      return `${inferenceId}: refused by the service: ${outcome.problem}`;
    case "changed":
      return `${inferenceId}: ${dryRun ? "would be left out" : "left out"}. ${outcome.problem}`;
    case "no-input":
      return `${inferenceId}: neither its message nor the job journal has the location of its video`;
    case "unreachable":
      return `${inferenceId}: unreachable${why}; ${unreachableRemedy}`;
    case "already-sent":
    case "failed-again":
    case "over-limit":
      return undefined;
  }
}
