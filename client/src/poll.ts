/** Polls with growing pauses, reports every second, retries after transient errors, and ends at a limit. */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { explain } from "../../lib/errors.ts";
import { isPassing } from "./errors.ts";

/** Progress of a wait. */
export interface PollProgress<State> {
  /** Real seconds waited so far. */
  readonly waitedSeconds: number;
  /** Last observation; absent before the first one. */
  readonly state?: State;
  /** Problem that currently keeps the service from answering, in one line. */
  readonly problem?: string;
}

/** Options for {@link poll}. */
export interface PollOptions<State> {
  /**
   * Real seconds after which the wait ends with the last observation; {@link poll} has no default, so that no wait is
   * endless.
   */
  readonly limitSeconds?: number | undefined;
  /** Called at once and then every second, also while an answer is slow. */
  readonly onProgress?: ((progress: PollProgress<State>) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Real seconds between observations: the first pause, and the longest one. @default 0.5 and 5 */
  readonly pause?: { readonly first: number; readonly longest: number } | undefined;
  /** Retry budget: real seconds for which transient errors are retried. @default 120 */
  readonly retryBudgetSeconds?: number | undefined;
}

/** Options for {@link retried}. */
export interface RetryOptions {
  /** Real seconds for all tries. */
  readonly limitSeconds: number;
  /** Real seconds for which transient errors are retried, on top of the SDK's tries. */
  readonly retryBudgetSeconds: number;
  readonly signal: AbortSignal | undefined;
  /** Called with the service's problem while the work is retried. */
  readonly onProblem: ((problem: string) => void) | undefined;
}

/**
 * Does some work, and retries it after transient errors, with pauses of 1 s growing to 20 s.
 * @throws as {@link poll}
 */
export async function retried<Result>(
  work: () => Promise<Result>,
  { onProblem, ...options }: RetryOptions,
): Promise<Result> {
  return await poll(work, () => true, {
    ...options,
    pause: { first: 1, longest: 20 },
    onProgress: ({ problem }) => {
      if (problem !== undefined) onProblem?.(problem);
    },
  });
}

/** Real milliseconds between two reports. */
const reportMs = 1_000;

/** Factor by which each pause is longer than the one before. */
const growth = 1.3;

/**
 * Observes until `isEnd` holds or the limit is reached, and returns the last observation.
 * @throws AbortError on the caller's signal; the error of `look` if it is not transient, or outlasts the retry budget
 * or the limit
 */
export async function poll<State>(
  look: () => Promise<State>,
  isEnd: (state: State) => boolean,
  options: PollOptions<State> & { readonly limitSeconds: number },
): Promise<State> {
  const { limitSeconds, onProgress, signal, retryBudgetSeconds = 120 } = options;
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
  const reports = setInterval(report, reportMs);
  try {
    for (let pause = first; ; pause = Math.min(pause * growth, longest)) {
      signal?.throwIfAborted();
      try {
        seen = { state: await look() };
        problem = undefined;
        if (isEnd(seen.state)) return seen.state;
      } catch (error) {
        if (!isPassing(error)) throw error;
        problem = { error, since: problem?.since ?? waited() };
        if (waited() - problem.since >= retryBudgetSeconds) throw error;
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
