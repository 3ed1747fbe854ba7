/** How the jobs of a submission ended, as numbers. */
import type { JobEnd } from "./job-report.ts";
import { recordedState } from "../src/known-jobs.ts";
import type { Manifest } from "../src/manifest.ts";
import { plural } from "../src/format.ts";

/** Counts how the accepted jobs of a manifest ended. */
export class EndCounts {
  readonly #total: number;
  /** In the order in which the line names them, whatever ended first. */
  readonly #counts = new Map<string, number>([
    ["completed", 0],
    ["failed", 0],
  ]);

  /** Begins with the ends that the manifest has. */
  constructor({ entries }: Manifest) {
    const accepted = [...entries.values()].filter(({ job }) => job !== undefined);
    this.#total = accepted.length;
    for (const entry of accepted) {
      const state = recordedState(entry);
      if (state !== undefined) this.add({ state });
    }
  }

  add({ state: { status }, problem }: JobEnd): void {
    const end = problem === undefined ? status : "without a usable result";
    this.#counts.set(end, (this.#counts.get(end) ?? 0) + 1);
  }

  /** `3 of 4 jobs ended: 2 completed, 1 failed`. */
  get line(): string {
    const ended = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    const ends = [...this.#counts].flatMap(([end, count]) => (count > 0 ? `${count} ${end}` : [])).join(", ");
    return `${ended} of ${plural(this.#total, "job")} ended${ends === "" ? "" : `: ${ends}`}`;
  }
}
