/** A test harness: evaluates expressions of metric math over given series. */

import { evaluateExpression, isArray } from "./metric-math-evaluation.ts";
import type { Expression, LabelledSeries, Series } from "./metric-math-evaluation.ts";
import { parseExpression } from "./metric-math.ts";

/** Parses an expression whose ids are series; those of `metricIds` are metrics. */
export function parsed(text: string, metricIds: readonly string[] = []): Expression {
  return parseExpression(text, { metricIds, shapeOf: () => "series" });
}

/** Evaluates an expression over series by id, whose length it has; the periods are minutes from the epoch. */
export function members(text: string, given: Readonly<Record<string, Series>>, length: number): LabelledSeries[] {
  const value = evaluateExpression(parsed(text, Object.keys(given)), {
    length,
    start: 0,
    period: 60_000,
    valueOf: (id) => given[id] ?? [],
    labelOf: (id) => `label of ${id}`,
    search: () => [],
  });
  return isArray(value) ? [...value.members] : [{ label: "", values: value }];
}

/** Evaluates an expression that yields one series. */
export function evaluated(text: string, given: Readonly<Record<string, Series>>, length: number): Series {
  return members(text, given, length)[0]?.values ?? [];
}
