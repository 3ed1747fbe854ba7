/** Reports the outcomes of a submission, to people and as JSON. */
import { plural, unsentLine } from "../src/format.ts";
import type { JobJournal } from "../src/journal.ts";
import type { JournalEntry, PlannedPart } from "../src/journal-lines.ts";
import { unsentStatus } from "../src/known-jobs.ts";
import { rangeText } from "../src/parts/ranges.ts";
import type { Outcome } from "../src/submit-all.ts";
import { requestsText } from "./request-counts.ts";
import type { Session } from "./session.ts";

/**
 * Formats `2 not accepted yet, 1 possibly accepted` for jobs that are not known to be accepted.
 * @param isUnknown true if calls ended without an answer
 */
export function describeUnsent(jobs: readonly JournalEntry[], isUnknown: boolean): string {
  const unknown = isUnknown ? jobs.filter((job) => unsentStatus(job) === "unknown").length : 0;
  const others = jobs.length - unknown;
  return [
    ...(others === 0 ? [] : [`${others} not accepted yet`]),
    ...(unknown === 0 ? [] : [`${unknown} possibly accepted`]),
  ].join(", ");
}

/**
 * Formats `3 of 6 jobs accepted, 1 video not sent`, or `7 of 9 parts of 2 videos accepted, 2 parts not sent`, for all
 * jobs of a submission, including those of earlier processes.
 */
export function sumOf({ entries }: Pick<JobJournal, "entries">): string {
  const refused = [...entries.values()].filter(({ job }) => job === undefined);
  const parts = refused.filter(({ planned }) => planned.part !== undefined).length;
  const videos = refused.length - parts;
  const counts = [...(videos > 0 ? [plural(videos, "video")] : []), ...(parts > 0 ? [plural(parts, "part")] : [])];
  const others = counts.length === 0 ? "" : `, ${counts.join(" and ")} not sent`;
  const all = [...entries.values()].map(({ planned }) => planned);
  return `${entries.size - refused.length} of ${requestsText(all)} accepted${others}`;
}

/** Returns the name of a request for people: its video, with the range of a part. */
export function withRange(video: string, part: PlannedPart | undefined): string {
  return part === undefined ? video : `${video}, ${rangeText(part)}`;
}

/**
 * Prints the outcome of a request.
 * @param part the part of the video that it is for; undefined for a whole video
 */
export function printOutcome({ print }: Pick<Session, "print">, outcome: Outcome, part: PlannedPart | undefined): void {
  const { video, inferenceId } = outcome;
  if ("problem" in outcome) {
    const problem = outcome.problem.message;
    print(unsentLine(withRange(video, part), problem), { video, inferenceId, part, problem });
    return;
  }
  const { job, uploaded } = outcome;
  const already = uploaded?.skipped === true ? " (the same bytes were there already)" : "";
  print([`${withRange(video, part)}: accepted as ${inferenceId}${already}`, `  result    ${job.outputLocation}`], {
    video,
    part,
    ...job,
  });
}
