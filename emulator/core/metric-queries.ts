/** Queries for metrics and for expressions over them, for GetMetricData and alarms on metric math. */

import { evaluateExpression } from "./metric-math-evaluation.ts";
import type { Expression, Series } from "./metric-math-evaluation.ts";
import { MetricMathError, parseExpression, UnimplementedMetricMathError } from "./metric-math.ts";
import type { MetricId } from "./metric-types.ts";
import type { MetricStore } from "./metrics.ts";
import { statisticValue } from "./statistics.ts";
import type { Statistic } from "./statistics.ts";

/** A statistic of one metric. */
export interface MetricStat {
  readonly metric: MetricId;
  readonly statistic: Statistic;
  /** ms. */
  readonly period: number;
  /** Only data with this unit. */
  readonly unit?: string | undefined;
}

/** One query: a metric, or an expression over other queries. */
export interface MetricDataQuery {
  readonly id: string;
  readonly label?: string | undefined;
  /** True if the result is returned; false if it is only part of an expression. */
  readonly isReturned: boolean;
  readonly source: MetricStat | string;
}

/** Consecutive periods from `start` up to (not including) `end`, ms since the epoch. */
export interface TimeRange {
  readonly start: number;
  readonly end: number;
}

/** One period's value; `timestamp` is the start of the period, ms since the epoch. */
export interface Point {
  readonly timestamp: number;
  readonly value: number;
}

/** Queries that refer to one another by id. */
export class MetricQueries {
  readonly queries: readonly MetricDataQuery[];
  readonly #byId: ReadonlyMap<string, MetricDataQuery>;
  readonly #expressions = new Map<string, Expression>();
  readonly #periods = new Map<string, number>();

  /**
   * @throws MetricMathError if an expression is invalid, or refers to itself or to a missing query
   * @throws UnimplementedMetricMathError if a part of an expression is not implemented
   */
  constructor(queries: readonly MetricDataQuery[]) {
    this.queries = queries;
    this.#byId = new Map(queries.map((query) => [query.id, query]));
    for (const { id } of queries) this.#check(id, []);
  }

  /**
   * Returns the period of a query's result, ms.
   * @throws {RangeError} for an unknown query
   */
  period(id: string): number {
    const period = this.#periods.get(id);
    if (period === undefined) throw new RangeError(`There is no query ${id}.`);
    return period;
  }

  /** Returns the periods of a query's result that have a value, oldest first. */
  points(id: string, store: MetricStore, range: TimeRange): Point[] {
    const source = this.#byId.get(id)?.source;
    if (source !== undefined && typeof source !== "string") return pointsOf(source, store, range);
    const period = this.period(id);
    return this.#series(id, store, range, new Map()).flatMap((value, index) => {
      return value === undefined ? [] : [{ timestamp: range.start + index * period, value }];
    });
  }

  /** Returns every period of a query's result; `known` has the results that other expressions have needed. */
  #series(id: string, store: MetricStore, range: TimeRange, known: Map<string, Series>): Series {
    const before = known.get(id);
    if (before !== undefined) return before;
    const period = this.period(id);
    const length = Math.ceil((range.end - range.start) / period);
    const expression = this.#expressions.get(id);
    let series: Series;
    if (expression === undefined) {
      const found = new Map(this.points(id, store, range).map(({ timestamp, value }) => [timestamp, value]));
      series = Array.from({ length }, (_, index) => found.get(range.start + index * period));
    } else series = evaluateExpression(expression, length, (used) => this.#series(used, store, range, known));
    known.set(id, series);
    return series;
  }

  /** Parses a query's expression, and finds its period; `path` has the queries that led to it. */
  #check(id: string, path: readonly string[]): number {
    if (path.includes(id)) throw new MetricMathError(`Expression ${id} refers to itself.`);
    const checked = this.#periods.get(id);
    if (checked !== undefined) return checked;
    const source = this.#byId.get(id)?.source;
    if (source === undefined)
      throw new MetricMathError(`Expression ${path.at(-1) ?? ""} refers to ${id}, which does not exist.`);
    let period: number;
    if (typeof source === "string") {
      const expression = parseExpression(source);
      this.#expressions.set(id, expression);
      const periods = new Set(expression.references.map((used) => this.#check(used, [...path, id])));
      if (periods.size > 1) {
        throw new UnimplementedMetricMathError(`metrics of different periods in one expression (${id})`);
      }
      [period = 0] = periods;
    } else ({ period } = source);
    this.#periods.set(id, period);
    return period;
  }
}

function pointsOf(stat: MetricStat, store: MetricStore, range: TimeRange): Point[] {
  const points = store.query({ ...stat, ...range, withValues: typeof stat.statistic !== "string" });
  return points.flatMap((point) => {
    const value = statisticValue(point, stat.statistic);
    return value === undefined ? [] : [{ timestamp: point.timestamp, value }];
  });
}
