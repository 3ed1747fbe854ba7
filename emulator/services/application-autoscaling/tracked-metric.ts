/** The metric of a target-tracking policy, or its metric math, on the wire and in the autoscaler. */

import { isDeepStrictEqual } from "node:util";
import type {
  CustomizedMetricSpecification,
  TargetTrackingMetric,
  TargetTrackingMetricDataQuery as WireQuery,
} from "@aws-sdk/client-application-auto-scaling";
import type { WatchedMetric } from "../../core/alarms.ts";
import { MetricMathError, UnimplementedMetricMathError } from "../../core/metric-math-errors.ts";
import { MetricQueries } from "../../core/metric-queries.ts";
import type { MetricDataQuery, MetricStat } from "../../core/metric-queries.ts";
import type { MetricId } from "../../core/metric-types.ts";
import { sameDimensions } from "../../core/metrics.ts";
import { statisticName, statisticOfName } from "../../core/statistics.ts";
import { validationException } from "../../wire/service.ts";
import { refuse } from "../unsupported.ts";

type Tracked = WatchedMetric | MetricQueries;

/** Period of a policy's metrics, ms: its queries have no member for it, and its alarms have a minute. */
const period = 60_000;

/** Members that exclude Metrics (API reference, CustomizedMetricSpecification). */
const singleMembers = ["MetricName", "Namespace", "Dimensions", "Statistic", "Unit"] as const;

/**
 * Converts the specification.
 * @throws {AwsError} ValidationException for an invalid one, or for metric math that the emulator leaves out
 */
export function trackedMetric(specification: CustomizedMetricSpecification): Tracked {
  const { Namespace, MetricName, Statistic, Unit, Metrics } = specification;
  if (Metrics !== undefined) {
    const excess = singleMembers.filter((member) => specification[member] !== undefined);
    if (excess.length > 0) throw validationException(`${excess.join(", ")} cannot be specified together with Metrics`);
    return queriesOf(Metrics);
  }
  if (Namespace === undefined || MetricName === undefined || Statistic === undefined) {
    throw validationException("CustomizedMetricSpecification must have MetricName, Namespace and Statistic");
  }
  return { metric: metricOf(specification), statistic: Statistic, unit: Unit };
}

function metricOf({ Namespace = "", MetricName = "", Dimensions = [] }: TargetTrackingMetric): MetricId {
  const dimensions = Object.fromEntries(Dimensions.map(({ Name = "", Value = "" }) => [Name, Value]));
  return { namespace: Namespace, name: MetricName, dimensions };
}

/** AWS's words for all these refusals are unconfirmed. */
function queriesOf(wire: readonly WireQuery[]): MetricQueries {
  if (new Set(wire.map(({ Id }) => Id)).size < wire.length) {
    throw validationException("The Id of each query in Metrics must be unique");
  }
  const queries = tracked(wire.map(queryOf));
  const [returned, ...others] = queries.queries.filter(({ isReturned }) => isReturned);
  if (returned === undefined || others.length > 0) {
    throw validationException("Exactly one query in Metrics must have ReturnData true");
  }
  if (queries.hasSearch) throw validationException("SEARCH is not supported in CustomizedMetricSpecification");
  if (queries.shape(returned.id) === "array") {
    throw validationException(`Expression ${returned.id} must yield a single time series`);
  }
  return queries;
}

function tracked(queries: readonly MetricDataQuery[]): MetricQueries {
  try {
    return new MetricQueries(queries);
  } catch (error) {
    if (error instanceof MetricMathError) throw validationException(error.message);
    if (error instanceof UnimplementedMetricMathError) return refuse(error.message);
    throw error;
  }
}

function queryOf({ Id: id = "", Label: label, ReturnData, MetricStat: stat, Expression }: WireQuery): MetricDataQuery {
  // API reference, TargetTrackingMetricDataQuery: Id.
  if (!/^[a-z][A-Za-z0-9_]*$/.test(id)) {
    throw validationException(`The Id '${id}' must begin with a small letter and have only letters, digits and _`);
  }
  if ((stat === undefined) === (Expression === undefined)) {
    throw validationException(`Query ${id} must have either MetricStat or Expression`);
  }
  const source = stat === undefined ? (Expression ?? "") : statOf(stat);
  return { id, label, isReturned: ReturnData ?? true, source };
}

function statOf({ Metric = {}, Stat = "", Unit: unit }: NonNullable<WireQuery["MetricStat"]>): MetricStat {
  const statistic = statisticOfName(Stat);
  if (statistic === undefined) throw validationException(`The value ${Stat} for Stat is not supported`);
  if (Metric.Namespace === undefined || Metric.MetricName === undefined) {
    throw validationException("The Metric of a MetricStat must have Namespace and MetricName");
  }
  return { metric: metricOf(Metric), statistic, period, unit };
}

function wireMetric({ namespace, name, dimensions }: MetricId): TargetTrackingMetric {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  return { Namespace: namespace, MetricName: name, Dimensions };
}

/** Formats the specification as DescribeScalingPolicies does. */
export function wireTrackedMetric(watched: Tracked): CustomizedMetricSpecification {
  if (!(watched instanceof MetricQueries)) {
    const { metric, statistic, unit } = watched;
    // Extended statistics need Metrics: this member has the five simple ones.
    return { ...wireMetric(metric), Statistic: typeof statistic === "string" ? statistic : undefined, Unit: unit };
  }
  return {
    Metrics: watched.queries.map(({ id, label, isReturned, source }): WireQuery => {
      const named = { Id: id, Label: label, ReturnData: isReturned };
      if (typeof source === "string") return { ...named, Expression: source };
      const { metric, statistic, unit } = source;
      return { ...named, MetricStat: { Metric: wireMetric(metric), Stat: statisticName(statistic), Unit: unit } };
    }),
  };
}

/** Tells whether two policies track the same metric, with any statistic, or the same queries. */
export function tracksTheSame(left: Tracked, right: Tracked): boolean {
  if (left instanceof MetricQueries || right instanceof MetricQueries) {
    return left instanceof MetricQueries && right instanceof MetricQueries
      ? isDeepStrictEqual(left.queries, right.queries)
      : false;
  }
  const [one, other] = [left.metric, right.metric];
  return (
    one.namespace === other.namespace && one.name === other.name && sameDimensions(one.dimensions, other.dimensions)
  );
}
