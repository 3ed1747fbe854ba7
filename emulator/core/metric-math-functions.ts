/**
 * The functions of metric math. Source: CloudWatch user guide, "Using metric math", table of functions
 * (awsdocs/amazon-cloudwatch-user-guide, doc_source/using-metric-math.md).
 */

import { at, choose, combination, finite, isArray, isSeries, mapMembers } from "./metric-math-evaluation.ts";
import type { Evaluation, Expression, LabelledSeries, Series, SeriesArray, Value } from "./metric-math-evaluation.ts";
import { MetricMathError } from "./metric-math-errors.ts";
import { calendar, differences, filled, labelledMembers, runningSum } from "./metric-math-series.ts";
import { metricSearch } from "./metric-search.ts";

/** One argument of a function: an expression, a keyword such as REPEAT, or a text. */
export interface Argument {
  readonly expression?: Expression;
  readonly keyword?: string;
  readonly text?: string;
}

/** The queries that an expression can use. */
export interface Scope {
  /** Ids of the queries that are metrics. */
  readonly metricIds: readonly string[];
}

type Build = (args: readonly Argument[], name: string, scope: Scope) => Expression;

/** Functions that need services or models which the emulator does not have. */
export const unimplementedFunctions: readonly string[] = [
  "ANOMALY_DETECTION_BAND",
  "DB_PERF_INSIGHTS",
  "INSIGHT_RULE_METRIC",
  "LAMBDA",
  "SERVICE_QUOTA",
];

/** Aggregations: of the values of one series, or of all series in one period. `length` counts missing values, too. */
const aggregates: Readonly<Record<string, (values: readonly number[], length: number) => number | undefined>> = {
  // "Missing values are treated as 0."
  AVG: (values, length) => (length === 0 ? undefined : sum(values) / length),
  SUM: sum,
  MIN: (values) => finite(values.reduce((least, value) => Math.min(least, value), Infinity)),
  MAX: (values) => finite(values.reduce((most, value) => Math.max(most, value), -Infinity)),
  // Unconfirmed: the guide does not say whether it is that of the population or of a sample.
  STDDEV(values) {
    if (values.length === 0) return undefined;
    const mean = sum(values) / values.length;
    return Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / values.length);
  },
  DATAPOINT_COUNT: (values) => values.length,
};

/** Orders of SORT. */
const orders: ReadonlyMap<string, number> = new Map([
  ["ASC", 1],
  ["DESC", -1],
]);

/** Functions of each value. */
const pointwise: Readonly<Record<string, (value: number) => number>> = {
  ABS: Math.abs,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
  LOG: Math.log,
  LOG10: Math.log10,
};

/** Functions of each series. */
const serieswise: Readonly<Record<string, (values: Series, evaluation: Evaluation) => Series>> = {
  RUNNING_SUM: runningSum,
  DIFF: (values) => differences(values, (change) => change),
  RATE: (values, { period }) => differences(values, (change, periods) => change / ((periods * period) / 1_000)),
  DIFF_TIME: (values, { period }) => differences(values, (_change, periods) => (periods * period) / 1_000),
};

const special: Readonly<Record<string, Build>> = {
  FILL: buildFill,
  IF: buildIf,
  METRICS: buildMetrics,
  PERIOD: buildPeriod,
  SEARCH: (args, name) => labelledMembers(metricSearch(textOf(args, name))),
  SLICE: buildSlice,
  SORT: buildSort,
  FIRST: ofArray((members) => [members[0]]),
  LAST: ofArray((members) => [members.at(-1)]),
  METRIC_COUNT: (args, name) =>
    combination(operandsOf(args, name, [["array"]]), "scalar", ([array]) => membersOf(array).length),
  REMOVE_EMPTY: (args, name) =>
    combination(operandsOf(args, name, [["array"]]), "array", ([array]) => {
      return { members: membersOf(array).filter(({ values }) => existing(values).length > 0) };
    }),
  TIME_SERIES: (args, name) =>
    combination(operandsOf(args, name, [["scalar"]]), "series", ([value], { length }) =>
      Array.from({ length }, () => at(value, 0)),
    ),
};

/**
 * Makes a call of a function; undefined if there is no such function.
 * @throws MetricMathError for wrong arguments
 */
export function buildCall(name: string, args: readonly Argument[], scope: Scope): Expression | undefined {
  const build = special[name];
  if (build !== undefined) return build(args, name, scope);
  const aggregate = aggregates[name];
  if (aggregate !== undefined) return buildAggregate(args, name, aggregate);
  const [point, series, part] = [pointwise[name], serieswise[name], calendar[name]];
  if (part !== undefined) {
    return combination(operandsOf(args, name, [["series"]]), "series", (_values, { length, start, period }) =>
      Array.from({ length }, (_, index) => part(new Date(start + index * period))),
    );
  }
  const change =
    series ?? (point && ((values: Series) => values.map((each) => (each === undefined ? each : finite(point(each))))));
  if (change === undefined) return undefined;
  const [operand] = operandsOf(args, name, [["series", "array"]]);
  return combination([operand], operand.shape, ([value], evaluation) => onSeries(value, (v) => change(v, evaluation)));
}

function buildAggregate(
  args: readonly Argument[],
  name: string,
  aggregate: (values: readonly number[], length: number) => number | undefined,
): Expression {
  const [operand] = operandsOf(args, name, [["series", "array"]]);
  const shape = operand.shape === "array" ? "series" : "scalar";
  return combination([operand], shape, ([value], { length }) => {
    if (!isArray(value)) return aggregate(existing(value), length);
    return Array.from({ length }, (_, index) => {
      const values = existing(value.members.map((member) => member.values[index]));
      // As with operators: if no series has a value, there is no data point.
      return values.length === 0 ? undefined : aggregate(values, value.members.length);
    });
  });
}

function buildFill(args: readonly Argument[], name: string): Expression {
  const keyword = args[1]?.keyword;
  if (keyword === undefined) {
    const operands = operandsOf(args, name, [
      ["series", "array"],
      ["scalar", "series"],
    ]);
    return combination(operands, operands[0].shape, ([value, filler]) =>
      onSeries(value, (values) => values.map((each, index) => each ?? at(filler, index))),
    );
  }
  if (keyword !== "REPEAT" && keyword !== "LINEAR") throw wrong(name, "a value, a time series, REPEAT or LINEAR");
  const [operand] = operandsOf(args.slice(0, 1).concat(args.slice(2)), name, [["series", "array"]]);
  return combination([operand], operand.shape, ([value]) => onSeries(value, (values) => filled(values, keyword)));
}

function buildIf(args: readonly Argument[], name: string): Expression {
  const single = ["scalar", "series"] as const;
  const [condition, whenTrue, whenFalse] = operandsOf(
    args,
    name,
    args.length === 2 ? [single, single] : [single, single, single],
  );
  if (condition.shape === "scalar" && (whenTrue.shape === "scalar" || whenFalse?.shape === "scalar")) {
    throw new MetricMathError("IF with a number as its condition needs time series as its values.");
  }
  return choose(condition, whenTrue, whenFalse);
}

function buildMetrics(args: readonly Argument[], name: string, { metricIds }: Scope): Expression {
  const [only = { text: "" }, ...others] = args;
  if (only.text === undefined || others.length > 0) throw wrong(name, "at most one text");
  const { text } = only;
  const ids = metricIds.filter((id) => id.includes(text));
  return {
    shape: "array",
    references: ids,
    searches: [],
    evaluate: (evaluation) => ({
      members: ids.map((id) => ({ label: evaluation.labelOf(id), values: seriesOf(evaluation.valueOf(id)) })),
    }),
  };
}

/** "Valid input is metrics, not the results of other expressions." */
function buildPeriod(args: readonly Argument[], name: string, { metricIds }: Scope): Expression {
  const operands = operandsOf(args, name, [["series"]]);
  if (!metricIds.includes(operands[0].id ?? "")) throw wrong(name, "a metric");
  return combination(operands, "scalar", (_values, { period }) => period / 1_000);
}

function buildSlice(args: readonly Argument[], name: string): Expression {
  const bounds = args.length > 2 ? ([["scalar"], ["scalar"]] as const) : ([["scalar"]] as const);
  const operands = operandsOf(args, name, [["array"], ...bounds]);
  return combination(operands, "array", ([array, start, end]) => ({
    members: membersOf(array).slice(at(start, 0) ?? 0, operands.length > 2 ? (at(end, 0) ?? 0) : undefined),
  }));
}

function buildSort(args: readonly Argument[], name: string): Expression {
  const [array, by, order, ...limit] = args;
  const aggregate = aggregates[["AVG", "MIN", "MAX", "SUM"].find((each) => each === by?.keyword) ?? ""];
  const sign = orders.get(order?.keyword ?? "");
  if (array === undefined || aggregate === undefined || sign === undefined) {
    throw wrong(name, "an array, AVG, MIN, MAX or SUM, and ASC or DESC");
  }
  const operands = operandsOf([array, ...limit], name, limit.length > 0 ? [["array"], ["scalar"]] : [["array"]]);
  return combination(operands, "array", ([value, most]) => {
    const ranked = membersOf(value).map((member) => {
      const key = aggregate(existing(member.values), member.values.length);
      return { member, isEmpty: existing(member.values).length === 0, key: key ?? 0 };
    });
    // AWS does not document the order of series without data: here they are last.
    ranked.sort((left, right) => Number(left.isEmpty) - Number(right.isEmpty) || sign * (left.key - right.key));
    const members = ranked.map(({ member }) => member);
    return { members: limit.length > 0 ? members.slice(0, at(most, 0) ?? 0) : members };
  });
}

/** Makes an array of series and of the members of arrays. */
export function arrayOf(members: readonly Expression[]): Expression {
  return combination(members, "array", (values, evaluation) => ({
    members: values.flatMap((value, index): readonly LabelledSeries[] => {
      if (isArray(value)) return value.members;
      const id = members[index]?.id;
      return [{ label: id === undefined ? "" : evaluation.labelOf(id), values: isSeries(value) ? value : [] }];
    }),
  }));
}

function ofArray(pick: (members: readonly LabelledSeries[]) => readonly (LabelledSeries | undefined)[]): Build {
  return (args, name) =>
    combination(operandsOf(args, name, [["array"]]), "series", ([array], { length }) => {
      const [picked] = pick(membersOf(array));
      return picked?.values ?? Array.from({ length }, () => undefined);
    });
}

type Operands<Shapes extends readonly unknown[]> = { readonly [Index in keyof Shapes]: Expression };

/** Returns the arguments as expressions of the allowed shapes, one for each list of shapes. */
function operandsOf<const Shapes extends readonly (readonly Expression["shape"][])[]>(
  args: readonly Argument[],
  name: string,
  shapes: Shapes,
): Operands<Shapes> {
  const words = { scalar: "a number", series: "a time series", array: "an array of time series" } as const;
  const expected = shapes.map((allowed) => allowed.map((shape) => words[shape]).join(" or ")).join(", then ");
  const operands = args.map(({ expression }) => expression);
  const fits =
    operands.length === shapes.length &&
    operands.every((operand, index) => operand !== undefined && shapes[index]?.includes(operand.shape) === true);
  if (!fits) throw wrong(name, expected);
  return operands as unknown as Operands<Shapes>;
}

function textOf(args: readonly Argument[], name: string) {
  const [expression, statistic, period, ...others] = args;
  const seconds = period?.expression?.constant;
  const isPeriod = period === undefined || (seconds !== undefined && seconds > 0);
  if (expression?.text === undefined || statistic?.text === undefined || !isPeriod || others.length > 0) {
    throw wrong(name, "a search expression and a statistic in quotes, and a period in seconds");
  }
  return { text: expression.text, statistic: statistic.text, seconds };
}

function wrong(name: string, expected: string): MetricMathError {
  return new MetricMathError(`${name} takes ${expected}.`);
}

function onSeries(value: Value, change: (values: Series) => Series): Value {
  return isArray(value) ? mapMembers(value, change) : isSeries(value) ? change(value) : value;
}

function membersOf(value: Value): readonly LabelledSeries[] {
  return isArray(value) ? value.members : [];
}

function seriesOf(value: Series | SeriesArray): Series {
  return isArray(value) ? [] : value;
}

function existing(value: Value): readonly number[] {
  return isSeries(value) ? value.filter((each) => each !== undefined) : [];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
