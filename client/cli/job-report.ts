/** Reports a job's end, to people and as JSON. */
import type { Session } from "./session.ts";
import { codeOf, explain } from "../../lib/errors.ts";
import { ServiceAnswerError } from "../src/errors.ts";
import { isShortened } from "../src/failure.ts";
import { limiter } from "../src/parallel.ts";
import { fetchResult, summarize } from "../src/result.ts";
import type { ResultSummary, VideoResult } from "../src/result.ts";
import type { Stack } from "../src/stack.ts";
import type { Job } from "../src/submit.ts";
import type { KnownJob } from "../src/jobs-file.ts";
import { unreachableRemedy } from "../src/known-jobs.ts";
import type { KnownState } from "../src/known-jobs.ts";
import { unreachableReason } from "../src/s3-objects.ts";
import { plural } from "../src/format.ts";
import { rangesText } from "../src/parts/ranges.ts";

/** A job's end: the state and, for a completed job, the summary of its result. */
export interface JobEnd {
  readonly state: KnownState;
  readonly summary?: ResultSummary;
  /** The result exists but is not usable. */
  readonly problem?: string;
}

/** A result takes memory several times its size in S3, up to `maxResponseSize`, so this process holds one at a time. */
export const oneAtATime = limiter(1);

/**
 * Fetches a completed job's result, checks it, passes it to `use`, and summarises it. Other calls wait meanwhile, so
 * `use` must not take long.
 */
export async function endOf(
  stack: Stack,
  job: Job,
  state: KnownState,
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
        problem: "completed, but its result no longer exists: S3's lifecycle rules remove results in time",
      };
    }
    const unreachable = unreachableReason(error, job.outputLocation, stack.outputs);
    if (unreachable !== undefined)
      return { state, problem: `completed, but its result is unreachable: ${unreachable}; ${unreachableRemedy}` };
    if (error instanceof ServiceAnswerError) return { state, problem: explain(error) };
    throw error;
  }
}

/** Tells whether the job has a usable result. */
export function isGood({ state, problem }: JobEnd): boolean {
  return state.status === "completed" && problem === undefined;
}

/** Prints a job's end under its name for people; `added` is added to the JSON form, `notes` are further lines. */
export function printEnd(
  { print }: Pick<Session, "print">,
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
      ...("reason" in state ? { reason: state.reason } : {}),
      ...(problem === undefined ? {} : { problem }),
      ...(summary === undefined ? {} : { result: summary }),
    },
  );
}

/** Names the job that sends the same video again. */
export function sentAgainNote({ sentAgainAs }: Pick<KnownJob, "sentAgainAs">): readonly string[] {
  return sentAgainAs === undefined ? [] : [`sent again as ${sentAgainAs}`];
}

/** Shows how to read the rest of a shortened reason. */
function wholeReason({ failureLocation }: Job, { state }: JobEnd): readonly string[] {
  if (state.status !== "failed" || failureLocation === undefined || !isShortened(state.reason)) return [];
  return [`the whole reason: aws s3 cp ${failureLocation} -`];
}

/**
 * Warns about repeated calls: the service does not de-duplicate, so another run of the same job may have ended
 * differently, at locations that are unknown.
 */
function sentAgain({ attempts }: Job, end: JobEnd): readonly string[] {
  if (isGood(end) || end.state.status === "pending" || attempts === 1) return [];
  return [
    `the call was made ${plural(attempts, "time")}: another run of this job may have a result below the stack's outputLocation`,
  ];
}

/** Describes a result in lines, the first of which follows the name of its job. */
export function describeSummary(summary: ResultSummary): readonly string[] {
  const found = listOf(summary.objects) || "nothing found";
  const minutes = summary.minutes.length > 1 ? summary.minutes : [];
  return [
    `completed: ${plural(summary.frames, "frame")}, ${plural(summary.detections, "detection")}: ${found}`,
    ...minutes.map(({ minute, objects }) => `minute ${minute + 1}: ${listOf(objects) || "nothing found"}`),
    ...endOfFrames(summary),
    ...(summary.damagedPackets === 0 ? [] : [`damaged packets skipped: ${summary.damagedPackets}`]),
    ...(summary.notice === null ? [] : [summary.notice]),
  ];
}

function endOfFrames({ truncated, unprocessed }: ResultSummary): readonly string[] {
  if (unprocessed !== undefined) {
    return [`not processed within the time limit: ${rangesText(unprocessed)}; submit again with a smaller --part`];
  }
  return truncated ? ["the result ends before the video does"] : [];
}

/** Describes an end in lines, the first of which follows the job's name. */
function describe(state: KnownState, summary: ResultSummary | undefined): readonly string[] {
  switch (state.status) {
    case "completed":
      return summary === undefined ? [`completed: ${state.outputLocation}`] : describeSummary(summary);
    case "failed":
      return [`failed: ${state.reason}`];
    case "expired":
      return [`expired, presumably: neither a result nor a failure by ${state.deadline.toISOString()} (stack clock)`];
    case "unreachable":
      return [`unreachable: ${state.reason}`, unreachableRemedy];
    case "pending":
      return ["pending"];
  }
}

function listOf(objects: Readonly<Record<string, number>>): string {
  return Object.entries(objects)
    .map(([label, count]) => `${label} ${count}`)
    .join(", ");
}
