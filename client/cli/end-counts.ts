/** Counts the ends of a submission's jobs. */
import type { JobEnd } from "./job-report.ts";
import { recordedState } from "../src/known-jobs.ts";
import type { JobJournal } from "../src/journal.ts";
import { requestsText } from "./request-counts.ts";

/** Counts the ends of a journal's accepted jobs. */
export class EndCounts {
  /** Such as `4 jobs`. */
  readonly #total: string;
  /** In the order of the printed line, independent of the order of the ends. */
  readonly #counts = new Map<string, number>([
    ["completed", 0],
    ["failed", 0],
  ]);

  /** Starts with the ends that the journal has. */
  constructor({ entries }: JobJournal) {
    const accepted = [...entries.values()].filter(({ job }) => job !== undefined);
    this.#total = requestsText(accepted.map(({ planned }) => planned));
    for (const entry of accepted) {
      const state = recordedState(entry);
      if (state !== undefined) this.add({ state });
    }
  }

  /** Counts one end. */
  add({ state: { status }, problem }: JobEnd): void {
    const end = problem === undefined ? status : "without a usable result";
    this.#counts.set(end, (this.#counts.get(end) ?? 0) + 1);
  }

  /** Formats `3 of 4 jobs ended: 2 completed, 1 failed`, or `7 of 9 parts of 2 videos ended: 7 completed`. */
  get line(): string {
    const ended = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    const ends = [...this.#counts].flatMap(([end, count]) => (count > 0 ? `${count} ${end}` : [])).join(", ");
    return `${ended} of ${this.#total} ended${ends === "" ? "" : `: ${ends}`}`;
  }
}
