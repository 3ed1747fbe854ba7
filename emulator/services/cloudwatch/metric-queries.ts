/**
 * MetricDataQuery on the wire and in the state machine: the checks that no API model states, and the format of answers.
 */

import type { MetricDataQuery as WireQuery, StandardUnit } from "@aws-sdk/client-cloudwatch";
import { MetricMathError, UnimplementedMetricMathError } from "../../core/metric-math-errors.ts";
import { MetricQueries } from "../../core/metric-queries.ts";
import type { MetricDataQuery, MetricStat } from "../../core/metric-queries.ts";
import { statisticName } from "../../core/statistics.ts";
import { unimplemented, validationError } from "./errors.ts";
import { checkPeriod, dimensionsOf, statisticOf, wireDimensions } from "./identity.ts";
import type { Place } from "./identity.ts";

function statOf(id: string, stat: NonNullable<WireQuery["MetricStat"]>): MetricStat {
  const { Metric: metric, Period: period = 0, Stat = "", Unit: unit } = stat;
  if (metric?.Namespace === undefined || metric.MetricName === undefined) {
    throw validationError(`The metric of query ${id} must have Namespace and MetricName.`);
  }
  checkPeriod(period);
  return {
    metric: { namespace: metric.Namespace, name: metric.MetricName, dimensions: dimensionsOf(metric.Dimensions) },
    statistic: statisticOf(Stat),
    period: period * 1_000,
    unit,
  };
}

function queryOf(query: WireQuery, place: Place): MetricDataQuery {
  const { Id: id = "", MetricStat: stat, Expression: expression, Label: label, Period: period } = query;
  // API reference, MetricDataQuery: Id.
  if (!/^[a-z][A-Za-z0-9_]*$/.test(id)) {
    throw validationError(
      `The id '${id}' must begin with a small letter and have only letters, digits and underscores.`,
    );
  }
  if ((stat === undefined) === (expression === undefined)) {
    throw validationError(`Query ${id} must have either MetricStat or Expression.`);
  }
  if (query.AccountId !== undefined && query.AccountId !== place.accountId) {
    throw unimplemented("metrics of other accounts");
  }
  if (label?.includes("${") === true) throw unimplemented("dynamic labels");
  if (period !== undefined && stat !== undefined) throw unimplemented(`Period next to the metric of query ${id}`);
  if (period !== undefined) checkPeriod(period);
  return {
    id,
    label,
    // API reference, MetricDataQuery: ReturnData.
    isReturned: query.ReturnData ?? true,
    source: stat === undefined ? (expression ?? "") : statOf(id, stat),
    period: period === undefined ? undefined : period * 1_000,
  };
}

/**
 * Converts the queries of a request.
 * @throws {AwsError} ValidationError for an invalid query; the refusal by name of a feature that the emulator leaves out
 */
export function queriesOf(queries: readonly WireQuery[], place: Place): MetricQueries {
  if (new Set(queries.map(({ Id }) => Id)).size < queries.length) {
    throw validationError("The values for parameter id in MetricDataQueries are not unique.");
  }
  const read = queries.map((query) => queryOf(query, place));
  try {
    return new MetricQueries(read);
  } catch (error) {
    if (error instanceof MetricMathError) throw validationError(error.message);
    if (error instanceof UnimplementedMetricMathError) throw unimplemented(error.message);
    throw error;
  }
}

/** Formats the queries as they were given. */
export function wireQueries({ queries }: MetricQueries): WireQuery[] {
  return queries.map(({ id, label, isReturned, source, period }) => ({
    Id: id,
    Label: label,
    ReturnData: isReturned,
    Period: period === undefined ? undefined : period / 1_000,
    ...(typeof source === "string"
      ? { Expression: source }
      : {
          MetricStat: {
            Metric: {
              Namespace: source.metric.namespace,
              MetricName: source.metric.name,
              Dimensions: wireDimensions(source.metric.dimensions),
            },
            Period: source.period / 1_000,
            Stat: statisticName(source.statistic),
            // Units come from requests that the API model has checked.
            Unit: source.unit as StandardUnit | undefined,
          },
        }),
  }));
}
