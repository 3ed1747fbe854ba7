/** Searches for the settings that are cheapest within a deadline, or fastest within a budget, and compares settings. */

import type { ScaleIn } from "../infra/scaling-types.ts";
import { UserError } from "../lib/errors.ts";
import type { Load } from "./load.ts";
import { plan } from "./plan.ts";
import type { PlanResult } from "./plan.ts";
import type { PlanSettings } from "./settings.ts";

/** Settings that a search changes. */
export interface Candidate {
  readonly maxCapacity: number;
  readonly backlogTarget: number;
  readonly scaleIn: ScaleIn;
}

/** A candidate with its plan. */
export interface Evaluated {
  readonly candidate: Candidate;
  readonly result: PlanResult;
}

/** Limits of a search; one of them is given. */
export interface Limits {
  /** Maximum time until the last video has ended, minutes. */
  readonly deadline?: number | undefined;
  /** Maximum price of the instances, USD. */
  readonly budget?: number | undefined;
}

const counts = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20];
const targets = [2, 5];
const modes: readonly ScaleIn[] = ["idle", "tracking"];

function distinct(values: readonly number[]): number[] {
  return [...new Set(values)].sort((left, right) => left - right);
}

async function evaluate(settings: PlanSettings, load: Load, candidates: readonly Candidate[], signal?: AbortSignal) {
  const evaluated: Evaluated[] = [];
  for (const candidate of candidates) {
    signal?.throwIfAborted();
    evaluated.push({ candidate, result: await plan({ ...settings, ...candidate }, load) });
  }
  return evaluated;
}

/** Plans each number of instances with both ways to stop them; the stack's own number is one of them. */
export async function compare(settings: PlanSettings, load: Load, signal?: AbortSignal): Promise<Evaluated[]> {
  const { backlogTarget } = settings;
  const candidates = distinct([...counts, settings.maxCapacity]).flatMap((maxCapacity) => {
    return modes.map((scaleIn) => ({ maxCapacity, backlogTarget, scaleIn }));
  });
  return await evaluate(settings, load, candidates, signal);
}

/** Returns the cheaper one of the ways to stop the stack's number of instances; `idle` if the prices are equal. */
export function recommend({ maxCapacity }: PlanSettings, evaluated: readonly Evaluated[]): Evaluated | undefined {
  const own = evaluated.filter(({ candidate }) => candidate.maxCapacity === maxCapacity);
  return own.toSorted((left, right) => left.result.usd - right.result.usd)[0];
}

/**
 * Returns the cheapest settings within a deadline, or the fastest within a budget.
 * @throws UserError if no settings are within the limits; names the best ones
 */
export async function search(
  settings: PlanSettings,
  load: Load,
  { deadline = Infinity, budget = Infinity }: Limits,
  signal?: AbortSignal,
): Promise<Evaluated> {
  const candidates = distinct([...counts, settings.maxCapacity]).flatMap((maxCapacity) =>
    distinct([...targets, settings.backlogTarget]).flatMap((backlogTarget) => {
      return modes.map((scaleIn) => ({ maxCapacity, backlogTarget, scaleIn }));
    }),
  );
  const evaluated = await evaluate(settings, load, candidates, signal);
  const complete = evaluated.filter(({ result }) => result.expired === 0);
  const byCost = complete.toSorted((left, right) => {
    return left.result.usd - right.result.usd || left.result.drain_minutes - right.result.drain_minutes;
  });
  const byTime = complete.toSorted((left, right) => {
    return left.result.drain_minutes - right.result.drain_minutes || left.result.usd - right.result.usd;
  });
  const isWithin = ({ result }: Evaluated): boolean => result.drain_minutes <= deadline && result.usd <= budget;
  const found = (budget === Infinity ? byCost : byTime).find(isWithin);
  if (found !== undefined) return found;
  const [fastest] = byTime;
  const [cheapest] = byCost;
  if (fastest === undefined || cheapest === undefined) {
    throw new UserError(`With up to ${counts.at(-1) ?? 0} instances, videos expire in the queue.`, {
      hint: "send fewer videos at once, or keep them longer in the queue with --ttl",
    });
  }
  throw new UserError(
    `No settings are within the limits: the fastest ones take ${fastest.result.drain_minutes.toFixed(1)} minutes and ${fastest.result.usd.toFixed(2)} USD, the cheapest ones ${cheapest.result.drain_minutes.toFixed(1)} minutes and ${cheapest.result.usd.toFixed(2)} USD.`,
    { hint: "raise --deadline or --budget, or choose another instance type" },
  );
}
