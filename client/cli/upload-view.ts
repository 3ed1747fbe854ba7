/** One line about a submission under way: number of submitted videos, a bar for the bytes, and the current activity. */
import { basename } from "node:path";
import type { SubmissionProgress } from "../src/submit-all.ts";
import { sizeOf } from "../src/format.ts";

/** Characters of a full bar. */
const bar = 20;

/** Follows a submission's progress. */
export class UploadView {
  readonly #sizes: ReadonlyMap<string, number>;
  /** Bytes uploaded, by video. */
  readonly #loaded = new Map<string, number>();
  readonly #active = new Map<string, string>();
  readonly #total: number;
  #accepted: number;
  #refused = 0;

  /**
   * @param videos with the bytes to upload, 0 for objects that are already in S3; two jobs may have the same video
   * @param acceptedBefore jobs of the same submission that an earlier process submitted
   */
  constructor(videos: Iterable<readonly [video: string, bytes: number]>, acceptedBefore = 0) {
    const each = [...videos];
    this.#total = each.length + acceptedBefore;
    this.#accepted = acceptedBefore;
    this.#sizes = new Map(each);
  }

  /** Records the current activity of a video. */
  note(progress: SubmissionProgress): void {
    const { video, step } = progress;
    if (step === "uploading") this.#loaded.set(video, progress.loaded);
    this.#active.set(video, `${basename(video)} ${describeStep(progress)}`);
  }

  /** Records that a video was accepted or refused. */
  end(video: string, end: "accepted" | "refused"): void {
    this.#active.delete(video);
    this.#loaded.set(video, this.#sizes.get(video) ?? 0);
    if (end === "accepted") this.#accepted += 1;
    else this.#refused += 1;
  }

  /** Tells whether each video was accepted or refused. */
  get isDone(): boolean {
    return this.#accepted + this.#refused === this.#total;
  }

  /** Formats `3 of 20 submitted; █████░░░░░░░░░░░░░░░ 25 % of 1.2 GB; a.mp4 uploading 12 % and 3 more`. */
  get line(): string {
    const refused = this.#refused === 0 ? "" : `, ${this.#refused} not sent`;
    const parts = [`${this.#accepted} of ${this.#total} submitted${refused}`];
    const total = sum(this.#sizes.values());
    if (total > 0) {
      const share = sum(this.#loaded.values()) / total;
      const full = Math.floor(share * bar);
      parts.push(`${"█".repeat(full)}${"░".repeat(bar - full)} ${Math.floor(100 * share)} % of ${sizeOf(total)}`);
    }
    const [first, ...others] = this.#active.values();
    if (first !== undefined) parts.push(others.length === 0 ? first : `${first} and ${others.length} more`);
    return parts.join("; ");
  }
}

function describeStep(progress: SubmissionProgress): string {
  switch (progress.step) {
    case "hashing":
    case "uploading":
      return `${progress.step} ${Math.floor((100 * progress.loaded) / progress.total)} %`;
    case "invoking":
      return "invoking";
    case "retrying":
      return `retrying: ${progress.problem}`;
  }
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
