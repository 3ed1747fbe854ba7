/** Counts requests for people: a video in parts is one video, and its requests are parts. */
import { plural } from "../src/format.ts";
import type { PlannedPart } from "../src/journal-lines.ts";

/** A request for a video, or for a part of one. */
export interface CountedRequest {
  readonly part?: Pick<PlannedPart, "job"> | undefined;
}

/** Noun for requests: `job` for whole videos, `part` for parts, `request` if there are both. */
export type RequestNoun = "job" | "part" | "request";

/** Returns the noun for requests. */
export function nounOf(requests: readonly CountedRequest[]): RequestNoun {
  const parts = requests.filter(({ part }) => part !== undefined).length;
  if (parts === 0) return "job";
  return parts === requests.length ? "part" : "request";
}

/** Formats `4 jobs`, `9 parts of 2 videos`, or `10 requests for 3 videos` if only some are parts. */
export function requestsText(requests: readonly CountedRequest[]): string {
  const noun = nounOf(requests);
  const count = plural(requests.length, noun);
  return noun === "job" ? count : `${count} ${noun === "part" ? "of" : "for"} ${plural(videosOf(requests), "video")}`;
}

/** Formats `4 jobs`, `2 videos in 9 parts`, or `3 videos in 10 requests` if only some are parts. */
export function videosText(requests: readonly CountedRequest[]): string {
  const noun = nounOf(requests);
  if (noun === "job") return plural(requests.length, noun);
  return `${plural(videosOf(requests), "video")} in ${plural(requests.length, noun)}`;
}

function videosOf(requests: readonly CountedRequest[]): number {
  const jobs = new Set(requests.flatMap(({ part }) => part?.job ?? []));
  return jobs.size + requests.filter(({ part }) => part === undefined).length;
}
