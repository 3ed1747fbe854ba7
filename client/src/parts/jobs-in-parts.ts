/** Groups the requests of videos that were sent in parts, and states what is missing of each. */
import type { PlannedPart } from "../journal-lines.ts";
import { unsentStatus } from "../known-jobs.ts";
import type { JobWithStatus, KnownState } from "../known-jobs.ts";
import type { Part } from "./cut-times.ts";
import { missingRanges } from "./ranges.ts";

/** The request of a part that counts: the completed one, or else the last one. */
export interface PartWithStatus extends JobWithStatus {
  readonly part: PlannedPart;
}

/** Status of a part or of a job: of its request, or of a request that is not known to be accepted. */
export type PartStatus = KnownState["status"] | ReturnType<typeof unsentStatus>;

/** A video that was sent in parts. */
export interface JobInParts {
  /** Job id. */
  readonly id: string;
  readonly video: string | undefined;
  /** In order of time. */
  readonly parts: readonly PartWithStatus[];
}

/** Groups requests by their jobs, in order of the first request of each. Requests for whole videos are not changed. */
export function groupParts(requests: readonly JobWithStatus[]): readonly (JobWithStatus | JobInParts)[] {
  const groups = new Map<string, PartWithStatus[]>();
  const order: (JobWithStatus | string)[] = [];
  for (const request of requests) {
    const { part } = request.known;
    if (part === undefined) {
      order.push(request);
      continue;
    }
    const group = groups.get(part.job);
    if (group === undefined) {
      groups.set(part.job, [{ ...request, part }]);
      order.push(part.job);
    } else group.push({ ...request, part });
  }
  return order.map((each) => (typeof each === "string" ? jobOf(each, groups.get(each) ?? []) : each));
}

function jobOf(id: string, requests: readonly PartWithStatus[]): JobInParts {
  const parts = [...Map.groupBy(requests, ({ part }) => part.from).values()].flatMap((attempts) => {
    const counts = attempts.find(({ state }) => state?.status === "completed") ?? attempts.at(-1);
    return counts === undefined ? [] : [counts];
  });
  return {
    id,
    video: requests.find(({ known }) => known.video !== undefined)?.known.video,
    parts: parts.sort((one, other) => one.part.from - other.part.from),
  };
}

/** Tells a video in parts from a request for a whole video. */
export function isInParts(job: JobWithStatus | JobInParts): job is JobInParts {
  return "parts" in job;
}

/** Returns the status of a part. */
export function partStatus({ known, state }: JobWithStatus): PartStatus {
  return state?.status ?? unsentStatus(known);
}

/** Order in which the status of one part is that of the job. */
const precedence: readonly PartStatus[] = [
  "pending",
  "planned",
  "unknown",
  "refused",
  "unreachable",
  "expired",
  "failed",
  "completed",
];

/**
 * Returns the ranges for which there is no request: the output of a submission that was interrupted lacks those of its
 * last parts.
 */
export function rangesWithoutRequest({ parts }: JobInParts): readonly Part[] {
  return missingRanges(parts.map(({ part }) => part));
}

/**
 * Returns the status of a job: `completed` if all parts are, `pending` while one is, or else what one lacks. A range
 * without a request is `unknown`.
 */
export function jobStatus(job: JobInParts): PartStatus {
  const statuses = new Set(job.parts.map(partStatus));
  if (rangesWithoutRequest(job).length > 0) statuses.add("unknown");
  return precedence.find((status) => statuses.has(status)) ?? "planned";
}

/** Returns the percentage of completed parts, rounded down. A range without a request counts as a part. */
export function percentOf(job: JobInParts): number {
  const completed = job.parts.filter((part) => partStatus(part) === "completed").length;
  return Math.floor((100 * completed) / (job.parts.length + rangesWithoutRequest(job).length));
}
