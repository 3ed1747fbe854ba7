/** Reports videos that were sent in parts as one job each, to people and as JSON. */
import { codeOf, explain } from "../../lib/errors.ts";
import { ServiceAnswerError } from "../src/errors.ts";
import { plural } from "../src/format.ts";
import { labelOf } from "../src/jobs-file.ts";
import { isInParts, jobStatus, partStatus, percentOf, rangesWithoutRequest } from "../src/parts/jobs-in-parts.ts";
import type { JobInParts, PartWithStatus } from "../src/parts/jobs-in-parts.ts";
import { documentText, holeOf, mergeResults } from "../src/parts/merge.ts";
import type { MergedPiece, PartResult } from "../src/parts/merge.ts";
import type { Part } from "../src/parts/cut-times.ts";
import { missingRanges, rangesText, rangeText } from "../src/parts/ranges.ts";
import { fetchResult, ResultCounter } from "../src/result.ts";
import type { ResultSummary } from "../src/result.ts";
import type { JobWithStatus } from "../src/known-jobs.ts";
import { oneAtATime } from "./job-report.ts";
import type { Session } from "./session.ts";

/** Maximum number of parts whose problems are named. */
const problemsShown = 3;

/** Returns the name of a job in parts, for people. */
export function labelOfParts({ id, video }: JobInParts): string {
  return labelOf({ inferenceId: id, video });
}

/** Prints the status of a job in parts: one line with its percentage, and lines for parts that need an action. */
export function printParts(job: JobInParts, { print }: Pick<Session, "print">): void {
  const completed = job.parts.filter((part) => partStatus(part) === "completed").length;
  const problems = job.parts.filter((part) => !["completed", "pending"].includes(partStatus(part)));
  const others = problems.length - problemsShown;
  const missing = rangesWithoutRequest(job);
  print(
    [
      `${labelOfParts(job)}: ${jobStatus(job)}, ${percentOf(job)} %: ${completed} of ${plural(job.parts.length, "part")} completed`,
      ...problems.slice(0, problemsShown).map((part) => `  ${rangeText(part.part)} ${problemOf(part)}`),
      ...(others > 0 ? [`  and ${plural(others, "other part")}`] : []),
      ...(missing.length > 0
        ? [`  ${rangesText(missing)} is missing in the file: submit --resume --journal FILE sends it`]
        : []),
    ],
    {
      inferenceId: job.id,
      video: job.video,
      status: jobStatus(job),
      percent: percentOf(job),
      parts: job.parts.map((part) => ({
        inferenceId: part.known.inferenceId,
        from: part.part.from,
        to: part.part.to,
        status: partStatus(part),
        ...(part.state?.status === "failed" ? { reason: part.state.reason } : {}),
      })),
    },
  );
}

function problemOf(part: PartWithStatus): string {
  const status = partStatus(part);
  if (part.state?.status === "failed") return `failed: ${part.state.reason}`;
  if (status === "refused") return `was not sent: ${part.known.problem ?? ""}`;
  if (status === "planned" || status === "unknown") return "was not sent: submit --resume sends it";
  return status;
}

/** Result of the merge of a job in parts. */
export interface MergedJob {
  readonly summary?: ResultSummary;
  /** Why there is no merged result, in one line. */
  readonly problem?: string;
}

/**
 * Merges the results of a job in parts into a file. One part is in memory at a time. A job that lacks a part has no
 * merged result, but a problem that names the missing ranges.
 * @param write writes the file's text
 * @throws the SDK's error if a result cannot be read; the errors of `write`
 */
export async function mergeParts(
  { stack, signal }: Session,
  job: JobInParts,
  write: (text: AsyncIterable<string>) => Promise<void>,
): Promise<MergedJob> {
  const late: Part[] = [];
  const results = job.parts.flatMap(({ part: { from, to }, known, state }): readonly PartResult[] => {
    if (known.job === undefined || state?.status !== "completed") return [];
    const accepted = known.job;
    const load = async () => {
      signal.throwIfAborted();
      const result = await fetchResult(stack, accepted, signal);
      const hole = result.truncation?.reason === "deadline" ? holeOf(result, { from, to }) : undefined;
      if (hole !== undefined) late.push(hole);
      return result;
    };
    return [{ part: { from, to }, origin: accepted.outputLocation, load }];
  });
  const missing = missingRanges(results.map(({ part }) => part));
  if (missing.length > 0) {
    const reasons = job.parts.filter((part) => partStatus(part) !== "completed").map(problemOf);
    return {
      problem: `incomplete: ${rangesText(missing)} is missing (${reasons[0] ?? "no request"}). ${remedyOf(job)}`,
    };
  }
  const counter = new ResultCounter();
  try {
    await oneAtATime(async () => {
      await write(documentText(counted(mergeResults(results), counter)));
    });
  } catch (error) {
    if (error instanceof ServiceAnswerError) return { problem: explain(error) };
    if (codeOf(error) === "NoSuchKey") {
      return {
        problem: "completed, but the result of a part no longer exists: S3's lifecycle rules remove results in time",
      };
    }
    throw error;
  }
  return { summary: { ...counter.summary, ...(late.length === 0 ? {} : { unprocessed: late }) } };
}

/** Returns how to get the parts that a job lacks. */
function remedyOf(job: JobInParts): string {
  const status = jobStatus(job);
  if (status === "pending") return "Wait until its parts have ended, and fetch again.";
  if (rangesWithoutRequest(job).length > 0) {
    return `Fetch it by its id (fetch --id ${job.id}), which finds the requests that the file lacks. If one was not sent, send it (submit --resume --journal FILE).`;
  }
  if (status === "planned" || status === "unknown")
    return "Send them (submit --resume --journal FILE), and fetch again.";
  return "Send them again (redrive FILE), and fetch again.";
}

async function* counted(pieces: AsyncIterable<MergedPiece>, counter: ResultCounter): AsyncGenerator<MergedPiece> {
  for await (const piece of pieces) {
    if (piece.kind === "frame") counter.addFrame(piece.frame);
    else counter.addMembers(piece.kind === "header" ? piece.header : piece.ending);
    yield piece;
  }
}

/** Counts jobs by status; a video in parts, and a video that was sent again, count once. */
export function countStatuses(jobs: readonly (JobWithStatus | JobInParts)[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const job of jobs) {
    if (!isInParts(job) && job.known.sentAgainAs !== undefined) continue;
    const status = isInParts(job) ? jobStatus(job) : partStatus(job);
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return counts;
}
