/** CloudWatch's metric operations on the state machine's metric store. */

import type {
  CloudWatch,
  Datapoint,
  GetMetricDataInput,
  MetricDataResult,
  StandardUnit,
} from "@aws-sdk/client-cloudwatch";
import type { Clock } from "../../core/clock.ts";
import type { MetricDataQuery, MetricQueries, Point, TimeRange } from "../../core/metric-queries.ts";
import type { Datapoint as PeriodPoint, MetricStore } from "../../core/metrics.ts";
import { extendedStatistic, simpleStatistic, statisticValue } from "../../core/statistics.ts";
import type { ExtendedStatistic } from "../../core/statistics.ts";
import { AwsError } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import { pager } from "../page.ts";
import { invalidParameter, unimplemented, validationError } from "./errors.ts";
import { checkPeriod, dimensionsOf, wireDimensions } from "./identity.ts";
import type { Place } from "./identity.ts";
import { queriesOf } from "./metric-queries.ts";
import { putMetricData } from "./put-metric-data.ts";
import type { WallClockQueries } from "./wall-clock.ts";

/** Source: API reference, ListMetrics. */
const metricsPerPage = 500;
/** Source: API reference, GetMetricData: MaxDatapoints. */
const mostDatapoints = 100_800;
const mostQueries = 500;
/** Source: API reference, GetMetricStatistics. */
const mostStatistics = 1_440;
const threeHours = 3 * 3_600_000;

/**
 * Returns a page of a list.
 * @throws {InvalidNextToken}
 */
export const paged = pager("InvalidNextToken", "The next token is invalid.");

/** Returns the whole periods that a request's times touch, moved by `shift` ms. */
function rangeOf(startTime: Date | undefined, endTime: Date | undefined, period: number, shift: number): TimeRange {
  const [start, end] = [Number(startTime) + shift, Number(endTime) + shift];
  if (start >= end) throw validationError("The parameter StartTime must be less than the parameter EndTime.");
  return { start: Math.floor(start / period) * period, end };
}

/** @throws {AwsError} InvalidParameterValue if there is no such statistic */
function extendedOf(name: string, index: number): ExtendedStatistic {
  const found = extendedStatistic(name);
  if (found === undefined) throw invalidParameter(`ExtendedStatistics.member.${index + 1}`, name);
  return found;
}

/** Returns the statistics that a period has, by name. */
function extendedValues(point: PeriodPoint, statistics: readonly ExtendedStatistic[]): Record<string, number> {
  const values = statistics.flatMap((each) => {
    const value = statisticValue(point, each);
    return value === undefined ? [] : [[each.name, value] as const];
  });
  return Object.fromEntries(values);
}

interface Series {
  readonly id: string;
  readonly label: string;
  readonly points: readonly Point[];
}

/** Returns the handlers of the operations that read metrics. */
export function metricHandlers(metrics: MetricStore, clock: Clock, wallClock: WallClockQueries, place: Place) {
  const seriesOf = (query: MetricDataQuery, queries: MetricQueries, input: GetMetricDataInput): Series[] => {
    const { id, source } = query;
    const period = queries.period(id);
    const shift = wallClock.shift(input.EndTime, period);
    const range = rangeOf(input.StartTime, input.EndTime, period, shift);
    if (typeof source === "string" && (range.end - range.start) / period > mostDatapoints) {
      throw unimplemented(`expressions over more than ${mostDatapoints.toLocaleString("en-US")} periods`);
    }
    return queries.results(id, metrics, range).map(({ label, points }) => {
      const shifted = points.map(({ timestamp, value }) => ({ timestamp: timestamp - shift, value }));
      return { id, label, points: input.ScanBy === "TimestampAscending" ? shifted : shifted.reverse() };
    });
  };

  return {
    PutMetricData: putMetricData(metrics, clock),

    GetMetricData(input) {
      const { MetricDataQueries: queries = [], MaxDatapoints = mostDatapoints, NextToken } = input;
      if (queries.length > mostQueries) {
        throw validationError(`The collection MetricDataQueries must not have a size greater than ${mostQueries}.`);
      }
      const read = queriesOf(queries, place);
      const returned = read.queries.filter(({ isReturned }) => isReturned);
      const series = returned.flatMap((query) => seriesOf(query, read, input));
      const all = series.flatMap((each) => each.points.map((point) => ({ each, point })));
      const { items, nextToken } = paged(all, Math.min(MaxDatapoints, mostDatapoints), NextToken);
      const results = series.map((each): MetricDataResult => {
        const { id, label, points } = each;
        const shown = items.filter((item) => item.each === each).map(({ point }) => point);
        const last = points.at(-1);
        const isWhole = last === undefined || nextToken === undefined || shown.includes(last);
        return {
          Id: id,
          Label: label,
          Timestamps: shown.map(({ timestamp }) => new Date(timestamp)),
          Values: shown.map(({ value }) => value),
          StatusCode: isWhole ? "Complete" : "PartialData",
        };
      });
      return { MetricDataResults: results, Messages: [], NextToken: nextToken };
    },

    GetMetricStatistics(input) {
      const { Namespace = "", MetricName = "", Period = 0, Statistics, ExtendedStatistics, Unit } = input;
      if (Statistics !== undefined && ExtendedStatistics !== undefined) {
        // The rule: API reference, GetMetricStatistics. AWS's words are unconfirmed.
        throw new AwsError(
          "InvalidParameterCombination",
          "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.",
        );
      }
      if (Statistics === undefined && ExtendedStatistics === undefined) {
        throw new AwsError(
          "InvalidParameterCombination",
          "At least one of Statistics and ExtendedStatistics must be specified.",
        );
      }
      const extended = ExtendedStatistics?.map(extendedOf) ?? [];
      checkPeriod(Period);
      const period = Period * 1_000;
      const shift = wallClock.shift(input.EndTime, period);
      const range = rangeOf(input.StartTime, input.EndTime, period, shift);
      const requested = Math.ceil((range.end - range.start) / period);
      if (requested > mostStatistics) {
        throw new AwsError(
          "InvalidParameterCombination",
          `You have requested up to ${requested.toLocaleString("en-US")} datapoints, which exceeds the limit of ${mostStatistics.toLocaleString("en-US")}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`,
        );
      }
      const metric = { namespace: Namespace, name: MetricName, dimensions: dimensionsOf(input.Dimensions) };
      const units = metrics.units(metric).filter((unit) => Unit === undefined || unit === Unit);
      const withValues = extended.length > 0;
      const datapoints = units.flatMap((unit) =>
        metrics.query({ metric, period, unit, withValues, ...range }).flatMap((point): Datapoint[] => {
          // Units come from the service's metrics and from requests that the API model has checked.
          const datapoint: Datapoint = { Timestamp: new Date(point.timestamp - shift), Unit: unit as StandardUnit };
          for (const name of Statistics ?? []) datapoint[name] = simpleStatistic(point, name);
          if (!withValues) return [datapoint];
          const values = extendedValues(point, extended);
          return Object.keys(values).length === 0 ? [] : [{ ...datapoint, ExtendedStatistics: values }];
        }),
      );
      return { Label: MetricName, Datapoints: datapoints };
    },

    ListMetrics(input) {
      const { Namespace, MetricName, Dimensions: filters = [], RecentlyActive, NextToken } = input;
      if (input.IncludeLinkedAccounts === true || input.OwningAccount !== undefined) {
        throw unimplemented("metrics of other accounts");
      }
      const since = RecentlyActive === undefined ? -Infinity : clock.now() - threeHours;
      const found = metrics
        .list()
        .filter(({ namespace }) => Namespace === undefined || namespace === Namespace)
        .filter(({ name }) => MetricName === undefined || name === MetricName)
        .filter(({ dimensions }) =>
          filters.every(({ Name = "", Value }) => {
            const value = Object.hasOwn(dimensions, Name) ? dimensions[Name] : undefined;
            return value !== undefined && (Value === undefined || Value === value);
          }),
        )
        .filter((metric) => (metrics.newest(metric) ?? -Infinity) >= since);
      const { items, nextToken } = paged(found, metricsPerPage, NextToken);
      return {
        Metrics: items.map(({ namespace, name, dimensions }) => ({
          Namespace: namespace,
          MetricName: name,
          Dimensions: wireDimensions(dimensions),
        })),
        NextToken: nextToken,
      };
    },
  } satisfies Handlers<CloudWatch>;
}
