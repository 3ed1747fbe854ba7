/** Converts PutMetricAlarm's input to the state machine's settings, with the checks that no API model states. */

import type { PutMetricAlarmInput } from "@aws-sdk/client-cloudwatch";
import { comparisons } from "../../core/alarm-evaluation.ts";
import type { Comparison, MissingData } from "../../core/alarm-evaluation.ts";
import type { AlarmSettings, WatchedMetric } from "../../core/alarms.ts";
import type { MetricQueries } from "../../core/metric-queries.ts";
import { extendedStatistic } from "../../core/statistics.ts";
import type { Statistic } from "../../core/statistics.ts";
import { unimplemented, validationError } from "./errors.ts";
import { dimensionsOf } from "./identity.ts";
import type { Place } from "./identity.ts";
import { queriesOf } from "./metric-queries.ts";

const missingData: readonly MissingData[] = ["missing", "ignore", "breaching", "notBreaching"];

/**
 * Maximum evaluation range: a day if the periods are shorter than an hour, else a week (API reference, PutMetricAlarm).
 */
const day = 86_400;

/** Members for kinds of alarms that are not implemented. */
const unknownMembers = [
  "ThresholdMetricId",
  "EvaluationWindow",
  "WarmUpConfiguration",
  "EvaluationCriteria",
  "EvaluationInterval",
  "ActionConfiguration",
] as const satisfies readonly (keyof PutMetricAlarmInput)[];

function required<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw validationError(`The parameter ${name} is required for an alarm on a metric.`);
  return value;
}

/** Members that exclude Metrics (API reference, PutMetricAlarm). */
const metricMembers = [
  "Namespace",
  "MetricName",
  "Dimensions",
  "Period",
  "Unit",
  "Statistic",
  "ExtendedStatistic",
] as const satisfies readonly (keyof PutMetricAlarmInput)[];

/** Maximum number of metrics, and of expressions, in one alarm (API reference, MetricDataQuery). */
const mostQueries = 10;

/** Reads the queries of an alarm on metric math, and the period of the watched one, ms. */
function mathOf(input: PutMetricAlarmInput, place: Place): { watched: MetricQueries; period: number } {
  const { Metrics = [] } = input;
  const excess = metricMembers.filter((member) => input[member] !== undefined);
  if (excess.length > 0) {
    throw validationError(`The parameters ${excess.join(", ")} cannot be specified together with Metrics.`);
  }
  for (const kind of ["MetricStat", "Expression"] as const) {
    if (Metrics.filter((query) => query[kind] !== undefined).length > mostQueries) {
      throw validationError(`Metrics must not have more than ${mostQueries} queries with ${kind}.`);
    }
  }
  const watched = queriesOf(Metrics, place);
  // Observed (RoboFinSystems/robosystems#1131).
  if (watched.hasSearch) throw validationError("SEARCH is not supported on Metric Alarms");
  const [returned, ...others] = watched.queries.filter(({ isReturned }) => isReturned);
  if (returned === undefined || others.length > 0) {
    throw validationError("Exactly one element of the metrics list should return data.");
  }
  // The rule: user guide, "Using metric math", SEARCH. AWS's words are unconfirmed.
  if (watched.shape(returned.id) === "array") {
    throw validationError(`Expression ${returned.id} yields several time series, but an alarm can watch only one.`);
  }
  return { watched, period: watched.period(returned.id) };
}

/** Reads the statistic of an alarm on one metric; AWS's words are unconfirmed. */
function watchedStatistic({ Statistic: simple, ExtendedStatistic: extended }: PutMetricAlarmInput): Statistic {
  if ((simple === undefined) === (extended === undefined)) {
    throw validationError("An alarm on a metric must have either Statistic or ExtendedStatistic, but not both.");
  }
  if (extended === undefined) return required(simple, "Statistic");
  const found = extendedStatistic(extended);
  if (found === undefined) {
    throw validationError(`The value ${extended} for parameter ExtendedStatistic is not supported.`);
  }
  return found;
}

/** Reads the member that only percentiles use. */
function lowSampleCountOf(value: string | undefined): AlarmSettings["lowSampleCount"] {
  if (value === undefined || value === "evaluate" || value === "ignore") return value;
  throw validationError(`The value ${value} for parameter EvaluateLowSampleCountPercentile is not supported.`);
}

/** Reads the metric of any other alarm, and its period, ms. */
function metricOf(input: PutMetricAlarmInput): { watched: WatchedMetric; period: number } {
  return {
    watched: {
      metric: {
        namespace: required(input.Namespace, "Namespace"),
        name: required(input.MetricName, "MetricName"),
        dimensions: dimensionsOf(input.Dimensions),
      },
      statistic: watchedStatistic(input),
      unit: input.Unit,
    },
    period: required(input.Period, "Period") * 1_000,
  };
}

/**
 * Converts the request to an alarm's settings.
 * @throws {AwsError} ValidationError for an invalid alarm; the refusal by name of a feature that the emulator leaves out
 */
export function settingsOf(input: PutMetricAlarmInput, place: Place): AlarmSettings {
  for (const member of unknownMembers) {
    if (input[member] !== undefined) throw unimplemented(`${member} in PutMetricAlarm`);
  }
  const evaluationPeriods = required(input.EvaluationPeriods, "EvaluationPeriods");
  const datapointsToAlarm = input.DatapointsToAlarm;
  if (datapointsToAlarm !== undefined && datapointsToAlarm > evaluationPeriods) {
    throw validationError("DatapointsToAlarm must be less than or equal to EvaluationPeriods.");
  }
  const { watched, period } = input.Metrics === undefined ? metricOf(input) : mathOf(input, place);
  checkPeriods(period / 1_000, evaluationPeriods);
  return {
    name: input.AlarmName ?? "",
    description: input.AlarmDescription,
    watched,
    period,
    evaluationPeriods,
    datapointsToAlarm,
    threshold: required(input.Threshold, "Threshold"),
    comparison: comparisonOf(required(input.ComparisonOperator, "ComparisonOperator")),
    lowSampleCount: lowSampleCountOf(input.EvaluateLowSampleCountPercentile),
    treatMissingData: missingDataOf(input.TreatMissingData ?? "missing"),
    actionsEnabled: input.ActionsEnabled ?? true,
    actions: {
      OK: actionsOf(input.OKActions),
      ALARM: actionsOf(input.AlarmActions),
      INSUFFICIENT_DATA: actionsOf(input.InsufficientDataActions),
    },
  };
}

function checkPeriods(period: number, evaluationPeriods: number): void {
  if ([10, 20, 30].includes(period)) throw unimplemented(`alarms with a period of ${period} seconds`);
  if (period === 0 || period % 60 !== 0) throw validationError("Period must be 10, 20, 30 or a multiple of 60.");
  const [limit, words] = period < 3_600 ? [day, "a day"] : [7 * day, "a week"];
  if (period * evaluationPeriods > limit) {
    throw validationError(
      `Metrics cannot be checked across more than ${words} (EvaluationPeriods * Period must be <= ${limit}).`,
    );
  }
}

function comparisonOf(operator: string): Comparison {
  const found = (Object.keys(comparisons) as Comparison[]).find((comparison) => comparison === operator);
  if (found === undefined) throw unimplemented(`anomaly detection (the comparison operator ${operator})`);
  return found;
}

function missingDataOf(value: string): MissingData {
  const found = missingData.find((treatment) => treatment === value);
  if (found === undefined) throw validationError(`The value ${value} for parameter TreatMissingData is not supported.`);
  return found;
}

function actionsOf(actions: readonly string[] = []): readonly string[] {
  for (const action of actions) {
    const [prefix, , service] = action.split(":");
    if (prefix !== "arn") throw validationError(`Invalid arn syntax: ${action}`);
    if (service !== "sns" && service !== "autoscaling")
      throw unimplemented(`alarm actions of ${String(service)} (${action})`);
  }
  return actions;
}
