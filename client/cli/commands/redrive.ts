/** The command redrive: sends failed and expired jobs again, from the error queue or from a job journal. */
import { existsSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { usage } from "../../src/arguments.ts";
import { defineCommand, wholeNumber } from "../command-line.ts";
import type { Context } from "../command-line.ts";
import { checkEndpoint } from "../../src/endpoint.ts";
import { timeoutWithin } from "../../src/limits.ts";
import { headObject, parseS3Uri } from "../../src/location.ts";
import { Manifest, readManifest } from "../../src/manifest.ts";
import { inParallel } from "../../src/parallel.ts";
import { defaultFolder } from "../out-folder.ts";
import { describePrice } from "../price.ts";
import type { Ledger } from "../../src/redrive/resender.ts";
import { redriveManifest, redriveQueue } from "../../src/redrive/redrive.ts";
import type { Outcome } from "../../src/redrive/redrive.ts";
import { plural, sizeOf } from "../../src/format.ts";

/** Default number of jobs that one run sends: no run is endless, even if jobs keep failing. */
const DEFAULT_LIMIT = 1000;
/** Number of concurrent size requests. */
const SIZES_AT_ONCE = 16;

/** Default number of times that one job is sent again. */
const DEFAULT_TIMES = 3;

const flags = {
  limit: wholeNumber("limit", "a whole number", 1, 100_000),
  times: wholeNumber("times", "a whole number", 1, 1000),
  manifest: z.string().min(1).optional(),
  "include-bad-input": z.boolean().default(false),
  "delete-bad-input": z.boolean().default(false),
  "dry-run": z.boolean().default(false),
};

type Flags = z.infer<z.ZodObject<typeof flags>>;

/** Sends failed jobs again. */
export const redrive = defineCommand({
  summary: "send failed and expired jobs again, from the error queue or a job journal",
  help: {
    usage: `Usage: npm run redrive -- [JOBS] [options]

Sends each failed job again, once, under its name with the suffix .redrive-1, -2, … Without JOBS it reads the failures
from the stack's error queue. It deletes a message once its job is sent, and moves it to the dead-letter queue once its
job has been sent again --times times, or if it is not readable. It deletes messages of the smoke test's jobs and
SageMaker's tests of the topic. With JOBS, a submission's job journal, it sends the journal's jobs that failed or,
presumably, expired. A job whose video the model refused (status 4xx) would fail again: it is left out, and its message
stays in the queue. SQS counts each read of a message that stays, dry runs included, and moves it to the dead-letter
queue after the fifth. The output has the count; --delete-bad-input deletes such messages instead.

Each job is written to a job journal before it is sent, so that none is sent twice: after Ctrl-C or a crash, run it
again. A message does not have a job's options and time limits. To keep them, and to combine both ways of redriving, pass the
submission's job journal with --manifest.
`,
    options: `  --limit N             maximum number of jobs to send (default: ${DEFAULT_LIMIT})
  --times N             maximum number of times that one job is sent again, over all runs (default: ${DEFAULT_TIMES})
  --include-bad-input   also send videos that the model refused
  --delete-bad-input    delete the messages of the error queue whose videos the model refused, after printing each
  --dry-run             print the jobs to send or delete, their size and price, and do neither; SQS counts it as a read
  --manifest FILE       for the error queue: journal of the jobs sent again (default: out/redrive-ENDPOINT.jsonl)
`,
    end: `With --json the report is printed as one JSON object.

Exit status: 0 all jobs were sent again or deleted; 1 some were given up, refused, or left for another run; 2
wrong usage, or something is missing; 130 interrupted.
`,
  },
  options: {
    limit: { type: "string" },
    times: { type: "string" },
    manifest: { type: "string" },
    "include-bad-input": { type: "boolean" },
    "delete-bad-input": { type: "boolean" },
    "dry-run": { type: "boolean" },
  },
  flags,
  prepare(operands, given) {
    const [jobs, ...more] = operands;
    if (more.length > 0) throw usage("redrive takes one file of jobs");
    if (jobs !== undefined && given.manifest !== undefined) {
      throw usage("JOBS is also the job journal: leave out --manifest");
    }
    if (given["delete-bad-input"] && given["include-bad-input"]) {
      throw usage("Use either --include-bad-input or --delete-bad-input, not both");
    }
    if (given["delete-bad-input"] && jobs !== undefined) {
      throw usage("--delete-bad-input deletes messages of the error queue: leave out JOBS");
    }
    return (context) => run(jobs, given, context);
  },
});

/** Labels of the outcomes in the summary. */
const counters = {
  sent: "sent again",
  "would-send": "would be sent again",
  "already-sent": "had been sent again already",
  smoke: "deleted (of the smoke test)",
  test: "deleted (test of the topic)",
  poison: "given up",
  refused: "refused by the service",
  "no-input": "without a video's location",
  unreadable: "unreadable",
  "deleted-bad-input": "deleted (bad input)",
  "bad-input": "left out as bad input (--include-bad-input sends, --delete-bad-input deletes them)",
  "failed-again": "failed again meanwhile, left for the next run",
  "over-limit": "left over by --limit",
} as const satisfies Record<Outcome["kind"], string>;

/** Outcomes that need no further action. */
const done: readonly Outcome["kind"][] = ["sent", "would-send", "already-sent", "smoke", "test", "deleted-bad-input"];

async function run(jobs: string | undefined, given: Flags, context: Context): Promise<number> {
  const { stack, live, signal } = context;
  await checkEndpoint(stack, signal);
  const name = `redrive-${stack.outputs.endpointName}.jsonl`;
  // The error queue still has the jobs that a cut plan lacks.
  const acceptIncomplete = jobs === undefined;
  if (given["dry-run"]) {
    const file = jobs ?? given.manifest ?? path.join("out", name);
    const isThere = jobs !== undefined || existsSync(file);
    const entries = isThere ? await readManifest(file, { acceptIncomplete }) : new Map<string, never>();
    return await redriveFrom(jobs, { entries }, isThere ? file : undefined, given, context);
  }
  const file = jobs ?? given.manifest ?? path.join(defaultFolder(), name);
  const isNew = jobs === undefined && !existsSync(file);
  await using manifest = isNew ? await Manifest.create(file) : await Manifest.open(file, { acceptIncomplete });
  if (manifest.notice !== undefined) live.say(`note: ${manifest.notice}`);
  return await redriveFrom(jobs, manifest, file, given, context);
}

async function redriveFrom(
  jobs: string | undefined,
  ledger: Ledger,
  file: string | undefined,
  given: Flags,
  context: Context,
): Promise<number> {
  const { stack, live, print, signal } = context;
  const outcomes: Outcome[] = [];
  const from = jobs ?? "the error queue";
  live.show(`reading ${from}`, "new step");
  const dryRun = given["dry-run"];
  const options = {
    limit: given.limit ?? DEFAULT_LIMIT,
    times: given.times ?? DEFAULT_TIMES,
    includeBadInput: given["include-bad-input"],
    deleteBadInput: given["delete-bad-input"],
    signal,
    onOutcome: (outcome: Outcome): void => {
      outcomes.push(outcome);
      const line = describe(outcome);
      if (line !== undefined) live.say(line);
      live.show(`reading ${from}: ${summaryOf(outcomes, dryRun)}`);
    },
  };
  const report = (estimate?: string): void => {
    const last = lastDeliveries(outcomes);
    const lines = [summaryOf(outcomes, dryRun), ...[last, estimate].filter((line) => line !== undefined)];
    // A new journal has no file until a job is planned.
    const isThere = file !== undefined && existsSync(file);
    if (isThere) lines.push(`job journal ${file}`);
    const manifest = isThere ? path.resolve(file) : undefined;
    print(lines, { ...countsOf(outcomes), estimate, manifest, jobs: outcomes });
  };
  try {
    if (jobs === undefined) await redriveQueue(stack, ledger, options);
    else await redriveManifest(stack, ledger, options);
  } catch (error) {
    // Report the work done until an error, too.
    if (outcomes.length > 0) report();
    throw error;
  }
  report(dryRun ? await estimateOf(outcomes, context) : undefined);
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
async function estimateOf(outcomes: readonly Outcome[], { stack, signal }: Context): Promise<string> {
  const places = outcomes.flatMap((outcome) => (outcome.kind === "would-send" ? [outcome.inputLocation] : []));
  let bytes = 0;
  let unknown = 0;
  await inParallel(places, SIZES_AT_ONCE, async (place) => {
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

function summaryOf(outcomes: readonly Outcome[], dryRun: boolean): string {
  const parts = Object.entries(countsOf(outcomes)).filter(([, count]) => count > 0);
  if (parts.length === 0) return "no job to send again";
  const said = parts.map(([kind, count]) => `${count} ${counters[kind as Outcome["kind"]]}`);
  return said.map((each) => (dryRun ? each.replace(" deleted ", " would be deleted ") : each)).join(", ");
}

function describe(outcome: Outcome): string | undefined {
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
      return `${inferenceId}: deleted, the model refused its video${why}`;
    case "poison":
      return `${inferenceId}: given up after ${plural(outcome.times, "time")}${why}`;
    case "refused":
      return `${inferenceId}: refused by the service: ${outcome.problem}`;
    case "no-input":
      return `${inferenceId}: neither its message nor the job journal has the location of its video`;
    case "already-sent":
    case "failed-again":
    case "over-limit":
      return undefined;
  }
}
