/**
 * Evaluates an alarm's datapoints as CloudWatch does: thresholds, M out of N, missing data, and the reason in
 * CloudWatch's format.
 */

/** Comparison operators that need no anomaly model, with their names in reasons. */
export const comparisons = {
  GreaterThanOrEqualToThreshold: { words: "greater than or equal to", breaches: (value, limit) => value >= limit },
  GreaterThanThreshold: { words: "greater than", breaches: (value, limit) => value > limit },
  LessThanThreshold: { words: "less than", breaches: (value, limit) => value < limit },
  LessThanOrEqualToThreshold: { words: "less than or equal to", breaches: (value, limit) => value <= limit },
} as const satisfies Record<string, { words: string; breaches: (value: number, limit: number) => boolean }>;

/** Comparison operator of an alarm. */
export type Comparison = keyof typeof comparisons;

/** Treatment of periods without data. */
export type MissingData = "missing" | "ignore" | "breaching" | "notBreaching";

/** State of an alarm. */
export type AlarmStateValue = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/** Rule of an alarm. */
export interface AlarmRule {
  /** Length of one datapoint's period, ms, a multiple of a minute. */
  readonly period: number;
  /** N: number of evaluated datapoints. */
  readonly evaluationPeriods: number;
  /** M: number of datapoints that must breach. @default evaluationPeriods */
  readonly datapointsToAlarm?: number | undefined;
  readonly threshold: number;
  readonly comparison: Comparison;
  readonly treatMissingData: MissingData;
  /** The state is kept while an evaluated period has fewer data points. @default 0 */
  readonly minSampleCount?: number | undefined;
}

/** One period of the evaluation range; `value` is undefined if there was no data. */
export interface EvaluatedPeriod {
  readonly timestamp: number;
  readonly value: number | undefined;
  /** Absent for the result of an expression. */
  readonly sampleCount?: number;
}

/** Outcome of one evaluation; without a `state` the current one is kept. */
export interface Evaluation {
  readonly state: AlarmStateValue | undefined;
  /** Formatted when it is read. */
  readonly reason: string;
  /** The newest evaluated datapoint. */
  readonly value: number | undefined;
  /** The evaluated datapoints, newest first. */
  readonly looked: readonly EvaluatedPeriod[];
}

/**
 * Number of periods beyond N that are read to find N datapoints if some are missing. The user guide's examples ("How
 * alarm state is evaluated when data is missing") have 5 for N = 3 and give no rule.
 */
const furtherPeriods = 2;

/** Returns the number of periods that an evaluation of the rule reads. */
export function evaluationRange(rule: AlarmRule): number {
  return rule.evaluationPeriods + furtherPeriods;
}

/**
 * Evaluates the periods of the evaluation range, oldest first, by the user guide's rules ("Using Amazon CloudWatch
 * alarms", evaluating an alarm and missing data): the N newest datapoints count, even with gaps between them; missing
 * ones are filled according to `treatMissingData`.
 */
export function evaluate(rule: AlarmRule, range: readonly EvaluatedPeriod[]): Evaluation {
  const { evaluationPeriods, datapointsToAlarm = evaluationPeriods, treatMissingData } = rule;
  const existing = range
    .map((period, index) => ({ period, value: period.value, age: range.length - index }))
    .filter((point): point is { period: EvaluatedPeriod; value: number; age: number } => point.value !== undefined)
    .slice(-evaluationPeriods);
  const breaching = existing.filter(({ value }) => comparisons[rule.comparison].breaches(value, rule.threshold));
  const missing = evaluationPeriods - existing.length;
  const looked = existing.map(({ period }) => period).reverse();
  const value = looked[0]?.value;
  const result = (state: AlarmStateValue | undefined): Evaluation => {
    return {
      state,
      get reason() {
        return reasonFor(rule, state, looked, breaching.length, missing);
      },
      value,
      looked,
    };
  };

  const { minSampleCount = 0 } = rule;
  if (looked.some(({ sampleCount = 0 }) => sampleCount < minSampleCount)) return result(undefined);
  if (missing === 0) return result(breaching.length >= datapointsToAlarm ? "ALARM" : "OK");
  switch (treatMissingData) {
    case "breaching":
      return result(breaching.length + missing >= datapointsToAlarm ? "ALARM" : "OK");
    case "notBreaching":
      return result(breaching.length >= datapointsToAlarm ? "ALARM" : "OK");
    case "ignore":
    case "missing": {
      if (breaching.length >= datapointsToAlarm) return result("ALARM");
      if (breaching.length < existing.length) return result("OK");
      if (treatMissingData === "ignore") return result(undefined);
      if (existing.length === 0) return result("INSUFFICIENT_DATA");
      // All available datapoints breach: an alarm if the oldest is at least M periods old, else the state is kept.
      const oldest = existing[0]?.age ?? 0;
      return result(oldest >= datapointsToAlarm ? "ALARM" : undefined);
    }
  }
}

/**
 * Tells whether an alarm keeps its state at this evaluation and at all later ones, if the newest period repeats.
 * @param range the periods of the evaluation range, oldest first
 */
export function remains(state: AlarmStateValue, rule: AlarmRule, range: readonly EvaluatedPeriod[]): boolean {
  const newest = range.at(-1) ?? { timestamp: 0, value: undefined };
  const later = [...range, ...range.map(() => newest)];
  // Once the range has only periods like the newest, further ones change nothing.
  const differing = range.findLastIndex(
    ({ value, sampleCount }) => value !== newest.value || sampleCount !== newest.sampleCount,
  );
  return range.slice(0, differing + 2).every((_, passed) => {
    return (evaluate(rule, later.slice(passed, passed + range.length)).state ?? state) === state;
  });
}

/** Formats a moment as in CloudWatch's reasons: `21/11/26 16:04:00`. */
function stamp(timestamp: number): string {
  return new Date(timestamp).toISOString().replace(/^\d\d(\d\d)-(\d\d)-(\d\d)T(.{8}).*$/, "$3/$2/$1 $4");
}

/** Formats a number as in CloudWatch's reasons: `5.0`, not `5`. */
function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}

function reasonFor(
  rule: AlarmRule,
  state: AlarmStateValue | undefined,
  looked: readonly EvaluatedPeriod[],
  breaching: number,
  missing: number,
): string {
  const { evaluationPeriods, datapointsToAlarm = evaluationPeriods, treatMissingData } = rule;
  if (state === undefined || state === "INSUFFICIENT_DATA") {
    return `Insufficient Data: ${count(missing, "datapoint")} ${missing === 1 ? "was" : "were"} unknown.`;
  }
  const filler = treatMissingData === "breaching" ? "Breaching" : "NonBreaching";
  const filled = `${count(missing, "missing datapoint")} ${missing === 1 ? "was" : "were"} treated as [${filler}]`;
  if (looked.length === 0) {
    return `Threshold Crossed: no datapoints were received for ${count(missing, "period")} and ${filled}.`;
  }
  const isFilled = missing > 0 && (treatMissingData === "breaching" || treatMissingData === "notBreaching");
  const points = looked.map(({ timestamp, value = 0 }) => `${decimal(value)} (${stamp(timestamp)})`).join(", ");
  const relation = `${comparisons[rule.comparison].words} the threshold (${decimal(rule.threshold)})`;
  const suffix = isFilled ? ` and ${filled}` : "";
  if (state === "OK" && breaching === 0) {
    const verb = looked.length === 1 ? "was not" : "were not";
    return `Threshold Crossed: ${count(looked.length, "datapoint")} [${points}] ${verb} ${relation}${suffix}.`;
  }
  const minimum = state === "ALARM" ? datapointsToAlarm : evaluationPeriods - datapointsToAlarm + 1;
  const transition = state === "ALARM" ? "OK -> ALARM" : "ALARM -> OK";
  const hits = state === "ALARM" ? breaching : looked.length - breaching;
  const verb = `${hits === 1 ? "was" : "were"}${state === "OK" ? " not" : ""}`;
  const share = `${hits} out of the last ${count(evaluationPeriods, "datapoint")}`;
  return `Threshold Crossed: ${share} [${points}] ${verb} ${relation}${suffix} (minimum ${count(minimum, "datapoint")} for ${transition} transition).`;
}
