/** A patient wait: looks with growing pauses, reports every second, sits out what passes by itself, ends at a limit. */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { explain, isPassing } from "./errors.ts";

/** What a wait reports while it lasts. */
export interface PollProgress<State> {
  /** Real seconds waited so far. */
  readonly waitedSeconds: number;
  /** What was seen last; absent before the first look has ended. */
  readonly state?: State;
  /** What keeps the service from answering at the moment, in one line. */
  readonly problem?: string;
}

/** How to wait. */
export interface PollOptions<State> {
  /** Real seconds after which the wait ends with what was seen last; {@link poll} itself has no default, so that no wait is endless. */
  readonly limitSeconds?: number | undefined;
  /** Called at once and then every second, also while an answer is slow to come. */
  readonly onProgress?: ((progress: PollProgress<State>) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Real seconds between looks: the first pause, and the longest that they grow to. @default 0.5 and 5 */
  readonly pause?: { readonly first: number; readonly longest: number } | undefined;
  /** Real seconds for which errors that may pass by themselves are sat out. @default 120 */
  readonly patienceSeconds?: number | undefined;
}

/** Real milliseconds between two reports. */
const REPORT_MS = 1_000;

/** How much longer each pause is than the one before. */
const GROWTH = 1.3;

/**
 * Looks until `isEnd` holds for what is seen or the limit is reached, and returns what was seen last.
 * @throws AbortError on the caller's signal; what `look` throws if it is no passing error or outlasts the patience or the limit
 */
export async function poll<State>(
  look: () => Promise<State>,
  isEnd: (state: State) => boolean,
  options: PollOptions<State> & { readonly limitSeconds: number },
): Promise<State> {
  const { limitSeconds, onProgress, signal, patienceSeconds = 120 } = options;
  const { first, longest } = options.pause ?? { first: 0.5, longest: 5 };
  const started = performance.now();
  const waited = (): number => (performance.now() - started) / 1000;
  let seen: { readonly state: State } | undefined;
  let problem: { readonly error: Error; readonly since: number } | undefined;
  const report = (): void => {
    onProgress?.({
      waitedSeconds: waited(),
      ...seen,
      ...(problem === undefined ? {} : { problem: explain(problem.error) }),
    });
  };
  report();
  const reports = setInterval(report, REPORT_MS);
  try {
    for (let pause = first; ; pause = Math.min(pause * GROWTH, longest)) {
      signal?.throwIfAborted();
      try {
        seen = { state: await look() };
        problem = undefined;
        if (isEnd(seen.state)) return seen.state;
      } catch (error) {
        if (!isPassing(error)) throw error;
        problem = { error, since: problem?.since ?? waited() };
        if (waited() - problem.since >= patienceSeconds) throw error;
      }
      const left = limitSeconds - waited();
      if (left <= 0) {
        if (problem !== undefined) throw problem.error;
        if (seen !== undefined) return seen.state;
      }
      await sleep(Math.min(pause, Math.max(left, 0)) * 1000, undefined, signal === undefined ? {} : { signal });
    }
  } finally {
    clearInterval(reports);
  }
}
