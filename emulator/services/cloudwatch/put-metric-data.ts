/** PutMetricData: checks the rules that no API model states, and stores values, sets and lists of values. */

import type { MetricDatum, PutMetricDataInput } from "@aws-sdk/client-cloudwatch";
import type { Clock } from "../../core/clock.ts";
import type { MetricDatum as StoredDatum, MetricSink, StatisticSet } from "../../core/metric-types.ts";
import { AwsError } from "../../wire/service.ts";
import { invalidParameter, invalidValue, unimplemented } from "./errors.ts";
import { dimensionsOf } from "./identity.ts";

// All limits: API reference, PutMetricData and MetricDatum.
const mostData = 1_000;
const mostValues = 150;
const longestPast = 14 * 86_400_000;
const longestFuture = 2 * 3_600_000;
const greatest = 2 ** 360;

/** Returns the handler of PutMetricData. */
export function putMetricData(metrics: MetricSink, clock: Clock): (input: PutMetricDataInput) => object {
  return (input) => {
    const { Namespace = "", MetricData = [] } = input;
    if (input.EntityMetricData !== undefined) throw unimplemented("EntityMetricData in PutMetricData");
    if (Namespace.startsWith("AWS/")) throw invalidParameter("Namespace", Namespace);
    if (MetricData.length === 0) {
      throw new AwsError("MissingParameter", "The parameter MetricData is required.");
    }
    if (MetricData.length > mostData) {
      throw invalidValue(`The collection MetricData must not have a size greater than ${mostData}.`);
    }
    const data = MetricData.flatMap((datum, index) => read(Namespace, datum, `MetricData.member.${index + 1}`, clock));
    for (const datum of data) metrics.put(datum);
    return {};
  };
}

function read(namespace: string, datum: MetricDatum, where: string, clock: Clock): StoredDatum[] {
  const { MetricName: name = "", Unit: unit = "None", StorageResolution: resolution = 60 } = datum;
  if (resolution !== 1 && resolution !== 60) throw invalidParameter(`${where}.StorageResolution`, String(resolution));
  const timestamp = datum.Timestamp?.getTime() ?? clock.now();
  if (timestamp < clock.now() - longestPast || timestamp > clock.now() + longestFuture) {
    throw invalidValue(
      `The parameter ${where}.Timestamp must specify a time within the past two weeks and at most two hours in the future.`,
    );
  }
  const grain = resolution * 1_000;
  return valuesOf(datum, where).map((value) => ({
    namespace,
    name,
    unit,
    value,
    dimensions: dimensionsOf(datum.Dimensions),
    timestamp: Math.floor(timestamp / grain) * grain,
  }));
}

function valuesOf(datum: MetricDatum, where: string): (number | StatisticSet)[] {
  const { Value, StatisticValues, Values, Counts } = datum;
  const given = [Value, StatisticValues, Values].filter((member) => member !== undefined).length;
  if (given === 0) {
    throw new AwsError(
      "MissingParameter",
      `At least one of the parameters ${where}.Value, Values or StatisticValues must be specified.`,
    );
  }
  if (given > 1) {
    throw new AwsError(
      "InvalidParameterCombination",
      `The parameters ${where}.Value, Values and StatisticValues are mutually exclusive and you have specified more than one.`,
    );
  }
  const check = (value: number | undefined, member: string): number => {
    if (value === undefined || !Number.isFinite(value) || Math.abs(value) > greatest) {
      throw invalidParameter(`${where}.${member}`, String(value));
    }
    return value;
  };
  if (Value !== undefined) return [check(Value, "Value")];
  if (StatisticValues !== undefined) {
    const sampleCount = check(StatisticValues.SampleCount, "StatisticValues.SampleCount");
    const minimum = check(StatisticValues.Minimum, "StatisticValues.Minimum");
    const maximum = check(StatisticValues.Maximum, "StatisticValues.Maximum");
    if (sampleCount <= 0) throw invalidParameter(`${where}.StatisticValues.SampleCount`, String(sampleCount));
    if (minimum > maximum) throw invalidParameter(`${where}.StatisticValues.Minimum`, String(minimum));
    return [{ sampleCount, minimum, maximum, sum: check(StatisticValues.Sum, "StatisticValues.Sum") }];
  }
  const values = Values ?? [];
  if (values.length > mostValues || (Counts !== undefined && Counts.length !== values.length)) {
    throw invalidValue(`The parameters ${where}.Values and Counts must have the same size, at most ${mostValues}.`);
  }
  return values.map((member, index) => {
    const value = check(member, `Values.member.${index + 1}`);
    const sampleCount = check(Counts?.[index] ?? 1, `Counts.member.${index + 1}`);
    if (sampleCount <= 0) throw invalidParameter(`${where}.Counts.member.${index + 1}`, String(sampleCount));
    return { sampleCount, sum: value * sampleCount, minimum: value, maximum: value };
  });
}
