/** How a job's end is shown: to people, and as JSON. */
import type { Context } from "./command-line.ts";
import { codeOf, explain, ServiceAnswerError } from "../src/errors.ts";
import { isShortened } from "../src/failure.ts";
import { limiter } from "../src/parallel.ts";
import { fetchResult, summarize } from "../src/result.ts";
import type { ResultSummary, VideoResult } from "../src/result.ts";
import type { Stack } from "../src/stack.ts";
import type { Job } from "../src/submit.ts";
import type { JobState } from "../src/wait.ts";
import { plural } from "../src/format.ts";

/** A job's end: the state and, of a completed job, its result in figures. */
export interface JobEnd {
  readonly state: JobState;
  readonly summary?: ResultSummary;
  /** The result is there but cannot be used. */
  readonly problem?: string;
}

/** A result takes memory several times its size in S3, up to `maxResponseSize`, so this process holds one at a time. */
const oneAtATime = limiter(1);

/**
 * Fetches a completed job's result, checks it, hands it to `use`, and sums it up. Other calls wait meanwhile: what takes long must not
 * be done by `use`.
 */
export async function endOf(
  stack: Stack,
  job: Job,
  state: JobState,
  signal: AbortSignal,
  use?: (result: VideoResult) => Promise<void>,
): Promise<JobEnd> {
  if (state.status !== "completed") return { state };
  try {
    const summary = await oneAtATime(async () => {
      signal.throwIfAborted();
      const result = await fetchResult(stack, job, signal);
      await use?.(result);
      return summarize(result);
    });
    return { state, summary };
  } catch (error) {
    if (codeOf(error) === "NoSuchKey") {
      return {
        state,
        problem: "completed, but its result is not there any more: S3's lifecycle rules remove results in time",
      };
    }
    if (error instanceof ServiceAnswerError) return { state, problem: explain(error) };
    throw error;
  }
}

/** Whether the job has given a result that can be used. */
export function isGood({ state, problem }: JobEnd): boolean {
  return state.status === "completed" && problem === undefined;
}

/** Prints a job's end under a name that says something to people; `added` goes into the JSON form, `notes` are further lines. */
export function printEnd(
  { print }: Pick<Context, "print">,
  name: string,
  job: Job,
  end: JobEnd,
  added: Readonly<Record<string, unknown>> = {},
  notes: readonly string[] = [],
): void {
  const { state, summary, problem } = end;
  const [first = "", ...more] = problem === undefined ? describe(state, summary) : [problem];
  print(
    [
      `${name}: ${first}`,
      ...[...more, ...wholeReason(job, end), ...sentAgain(job, end), ...notes].map((line) => `  ${line}`),
    ],
    {
      ...added,
      ...job,
      status: state.status,
      ...(state.status === "failed" ? { reason: state.reason } : {}),
      ...(problem === undefined ? {} : { problem }),
      ...(summary === undefined ? {} : { result: summary }),
    },
  );
}

/** Where the rest of a shortened reason is. */
function wholeReason({ failureLocation }: Job, { state }: JobEnd): readonly string[] {
  if (state.status !== "failed" || failureLocation === undefined || !isShortened(state.reason)) return [];
  return [`the whole reason: aws s3 cp ${failureLocation} -`];
}

/** The service does not de-duplicate: another run of the same job may have ended otherwise, at places that nobody was told. */
function sentAgain({ attempts }: Job, end: JobEnd): readonly string[] {
  if (isGood(end) || end.state.status === "pending" || attempts === 1) return [];
  return [
    `the call was made ${plural(attempts, "time")}: another run of this job may have a result below the stack's outputLocation`,
  ];
}

/** An end in lines, the first of which goes behind the job's name. */
function describe(state: JobState, summary: ResultSummary | undefined): readonly string[] {
  switch (state.status) {
    case "completed": {
      if (summary === undefined) return [`completed: ${state.outputLocation}`];
      const found = listOf(summary.objects) || "nothing found";
      const minutes = summary.minutes.length > 1 ? summary.minutes : [];
      return [
        `completed: ${plural(summary.frames, "frame")}, ${plural(summary.detections, "detection")}: ${found}`,
        ...minutes.map(({ minute, objects }) => `minute ${minute + 1}: ${listOf(objects) || "nothing found"}`),
        ...(summary.truncated ? ["the result ends before the video does"] : []),
        ...(summary.damagedPackets === 0 ? [] : [`damaged packets passed over: ${summary.damagedPackets}`]),
        ...(summary.notice === null ? [] : [summary.notice]),
      ];
    }
    case "failed":
      return [`failed: ${state.reason}`];
    case "expired":
      return [`expired, presumably: neither a result nor a failure by ${state.deadline.toISOString()} (stack clock)`];
    case "pending":
      return ["pending"];
  }
}

function listOf(objects: Readonly<Record<string, number>>): string {
  return Object.entries(objects)
    .map(([label, count]) => `${label} ${count}`)
    .join(", ");
}
