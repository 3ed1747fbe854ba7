/** Queries for metrics and for expressions over them, for GetMetricData and alarms on metric math. */

import { MetricMathError, UnimplementedMetricMathError } from "./metric-math-errors.ts";
import { evaluateExpression, isArray } from "./metric-math-evaluation.ts";
import type { Evaluation, Expression, LabelledSeries, Series, SeriesArray, Shape } from "./metric-math-evaluation.ts";
import { parseExpression } from "./metric-math.ts";
import type { MetricSearch } from "./metric-search.ts";
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
  /** Period of an expression whose metrics give none, ms. */
  readonly period?: number | undefined;
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

/** One series of a query's result. */
export interface QueryResult {
  readonly label: string;
  /** Oldest first. */
  readonly points: readonly Point[];
}

/**
 * Period of an expression without metrics and without a period, ms. It is unconfirmed; the console's graphs have five
 * minutes by default.
 */
const defaultPeriod = 300_000;

/** Maximum number of series that a search finds (user guide, "Search expression limits": of a graph). */
const mostFound = 500;

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

  /** True if an expression searches for metrics. */
  get hasSearch(): boolean {
    return [...this.#expressions.values()].some(({ searches }) => searches.length > 0);
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

  /** Returns the shape of a query's result. */
  shape(id: string): Shape {
    return this.#expressions.get(id)?.shape ?? "series";
  }

  /** Returns the series of a query's result; only those of an array are several. */
  results(id: string, store: MetricStore, range: TimeRange): QueryResult[] {
    const query = this.#byId.get(id);
    if (query !== undefined && typeof query.source !== "string") {
      return [{ label: this.#label(id), points: pointsOf(query.source, store, range) }];
    }
    const period = this.period(id);
    const points = (values: Series): Point[] =>
      values.flatMap((value, index) => {
        return value === undefined ? [] : [{ timestamp: range.start + index * period, value }];
      });
    const value = this.#value(id, store, range, new Map());
    if (!isArray(value)) return [{ label: this.#label(id), points: points(value) }];
    // User guide, "Using metric math": "Expression-Label Metric-Label".
    return value.members.map(({ label, values }) => ({
      label: [query?.label ?? "", label].filter((part) => part !== "").join(" ") || id,
      points: points(values),
    }));
  }

  /** Returns the periods that have a value, oldest first, of a result that is one series. */
  points(id: string, store: MetricStore, range: TimeRange): readonly Point[] {
    return this.results(id, store, range)[0]?.points ?? [];
  }

  /** Returns the label of a query. No API model has CloudWatch's default for an expression; its console shows the id. */
  #label(id: string): string {
    const { label, source = "" } = this.#byId.get(id) ?? {};
    return label ?? (typeof source === "string" ? id : source.metric.name);
  }

  /** Returns every period of a query's result; `known` has the results that other expressions have needed. */
  #value(
    id: string,
    store: MetricStore,
    range: TimeRange,
    known: Map<string, Series | SeriesArray>,
  ): Series | SeriesArray {
    const before = known.get(id);
    if (before !== undefined) return before;
    const period = this.period(id);
    const length = Math.ceil((range.end - range.start) / period);
    const regular = (points: readonly Point[]): Series => {
      const found = new Map(points.map(({ timestamp, value }) => [timestamp, value]));
      return Array.from({ length }, (_, index) => found.get(range.start + index * period));
    };
    const evaluation: Evaluation = {
      length,
      start: range.start,
      period,
      valueOf: (used) => this.#value(used, store, range, known),
      labelOf: (used) => this.#label(used),
      search: (search) =>
        found(search, store).map(({ label, metric }): LabelledSeries => {
          return { label, values: regular(pointsOf({ metric, statistic: search.statistic, period }, store, range)) };
        }),
    };
    const expression = this.#expressions.get(id);
    const value =
      expression === undefined ? regular(this.points(id, store, range)) : evaluateExpression(expression, evaluation);
    known.set(id, value);
    return value;
  }

  /** Parses a query's expression, and finds its period; `path` has the queries that led to it. */
  #check(id: string, path: readonly string[]): number {
    if (path.includes(id)) throw new MetricMathError(`Expression ${id} refers to itself.`);
    const checked = this.#periods.get(id);
    if (checked !== undefined) return checked;
    const query = this.#byId.get(id);
    if (query === undefined)
      throw new MetricMathError(`Expression ${path.at(-1) ?? ""} refers to ${id}, which does not exist.`);
    const { source } = query;
    const period = typeof source === "string" ? this.#checkExpression(query, source, [...path, id]) : source.period;
    this.#periods.set(id, period);
    return period;
  }

  #checkExpression({ id, period }: MetricDataQuery, source: string, path: readonly string[]): number {
    const metrics = this.queries.flatMap((query) => (typeof query.source === "string" ? [] : [query]));
    const expression = parseExpression(source, {
      metricIds: metrics.map((query) => query.id),
      shapeOf: (used) => {
        this.#check(used, path);
        return this.shape(used);
      },
    });
    this.#expressions.set(id, expression);
    const periods = new Set([
      ...expression.references.map((used) => this.#check(used, path)),
      ...expression.searches.flatMap((search) => search.period ?? []),
      ...(period === undefined ? [] : [period]),
    ]);
    if (periods.size > 1) {
      throw new UnimplementedMetricMathError(`metrics of different periods in one expression (${id})`);
    }
    const others = metrics.map(({ source: stat }) => (typeof stat === "string" ? defaultPeriod : stat.period));
    const [own = others.length === 0 ? defaultPeriod : Math.min(...others)] = periods;
    return own;
  }
}

function pointsOf(stat: MetricStat, store: MetricStore, range: TimeRange): Point[] {
  const points = store.query({ ...stat, ...range, withValues: typeof stat.statistic !== "string" });
  return points.flatMap((point) => {
    const value = statisticValue(point, stat.statistic);
    return value === undefined ? [] : [{ timestamp: point.timestamp, value }];
  });
}

/**
 * Returns the metrics that a search finds, with labels: the values of the dimensions, and the name if it differs. That
 * CloudWatch's default labels are the same is unconfirmed.
 */
function found(search: MetricSearch, store: MetricStore): { label: string; metric: MetricId }[] {
  const metrics = store
    .list()
    .filter((metric) => search.matches(metric))
    .slice(0, mostFound);
  const hasOneName = new Set(metrics.map(({ name }) => name)).size === 1;
  return metrics.map((metric) => {
    const values = Object.values(metric.dimensions);
    const parts = hasOneName && values.length > 0 ? values : [...values, metric.name];
    return { metric, label: parts.join(" ") };
  });
}
