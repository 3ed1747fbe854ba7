/** Splits a run of `npm start` into its steps, by the progress lines that it prints. */
import { round } from "../../lib/bench.ts";
import { median } from "../../lib/median.ts";

/** Seconds since the run began. */
export interface Reading {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** A part of a run, from the end of the previous step to the end of this one, so that the parts add up to the whole. */
export interface StepTimes extends Reading {
  readonly name: string;
}

/** Name of the part before the first step. */
export const loading = "Loading the command";
/** Name of the part after the last step. */
export const ending = "Ending the command";

/** Records a reading at the end of each step. */
export class StepRecorder {
  readonly #read: () => Reading;
  readonly #steps: StepTimes[] = [];
  #last: Reading = { seconds: 0, cpuSeconds: 0 };
  #line = "";

  /** @param read returns the seconds of the run so far */
  constructor(read: () => Reading) {
    this.#read = read;
  }

  /** Receives the command's standard error, in chunks of any size. */
  write(text: string): void {
    const lines = `${this.#line}${text}`.split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) {
      const ended = /^[✓✗] (.+) \(\d+\.\d s\)$/.exec(line)?.[1];
      if (ended !== undefined) this.#end(ended);
      else if (this.#steps.length === 0 && line.startsWith("… ")) this.#end(loading);
    }
  }

  /** Ends the last part. Returns all of them. */
  finish(): readonly StepTimes[] {
    this.#end(ending);
    return this.#steps;
  }

  #end(name: string): void {
    const now = this.#read();
    const { seconds, cpuSeconds } = this.#last;
    this.#steps.push({ name, seconds: now.seconds - seconds, cpuSeconds: now.cpuSeconds - cpuSeconds });
    this.#last = now;
  }
}

/** Medians of several runs, with the names of the JSON output. */
export interface Figures {
  readonly seconds: number;
  readonly cpu_seconds: number;
  readonly steps: readonly { readonly name: string; readonly seconds: number; readonly cpu_seconds: number }[];
}

/** Seconds of a whole run. */
export function totalOf(run: readonly StepTimes[]): Reading {
  return {
    seconds: run.reduce((sum, step) => sum + step.seconds, 0),
    cpuSeconds: run.reduce((sum, step) => sum + step.cpuSeconds, 0),
  };
}

/** Computes the medians of the runs, in total and for each step. A step that a run lacks counts as 0 s. */
export function figuresOf(runs: readonly (readonly StepTimes[])[]): Figures {
  // The same step may occur twice in a run; a number distinguishes them.
  const numbered = runs.map((run) => {
    const seen = new Map<string, number>();
    return new Map(
      run.map((step) => {
        const number = (seen.get(step.name) ?? 0) + 1;
        seen.set(step.name, number);
        return [number === 1 ? step.name : `${step.name} (${number})`, step] as const;
      }),
    );
  });
  const names = new Set(numbered.toSorted((left, right) => right.size - left.size).flatMap((run) => [...run.keys()]));
  const totals = runs.map(totalOf);
  return {
    seconds: round(median(totals.map(({ seconds }) => seconds))),
    cpu_seconds: round(median(totals.map(({ cpuSeconds }) => cpuSeconds))),
    steps: [...names].map((name) => ({
      name,
      seconds: round(median(numbered.map((run) => run.get(name)?.seconds ?? 0))),
      cpu_seconds: round(median(numbered.map((run) => run.get(name)?.cpuSeconds ?? 0))),
    })),
  };
}

/** Ratio of the old runs to the new ones: the median over pairs of runs that are neighbours in time. */
export function ratiosOf(
  current: readonly (readonly StepTimes[])[],
  old: readonly (readonly StepTimes[])[],
): { ratio: number; cpu_ratio: number } {
  const pairs = old.map((run, index) => [totalOf(run), totalOf(current[index] ?? [])] as const);
  return {
    ratio: round(median(pairs.map(([before, now]) => before.seconds / now.seconds))),
    cpu_ratio: round(median(pairs.map(([before, now]) => before.cpuSeconds / now.cpuSeconds))),
  };
}
