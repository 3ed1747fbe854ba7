/** Converts names between CloudWatch's wire format and the state machine: dimensions, ARNs, periods, statistics. */

import type { Dimension } from "@aws-sdk/client-cloudwatch";
import type { Dimensions } from "../../core/metric-types.ts";
import { statisticOfName } from "../../core/statistics.ts";
import type { Statistic } from "../../core/statistics.ts";
import { validationError } from "./errors.ts";

/** Account and region of a service's resources. */
export interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** Converts dimensions from the wire format. */
export function dimensionsOf(list: readonly Dimension[] = []): Dimensions {
  return Object.fromEntries(list.map(({ Name = "", Value = "" }) => [Name, Value]));
}

/** Converts dimensions to the wire format. */
export function wireDimensions(dimensions: Dimensions): Dimension[] {
  return Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
}

/** Returns the ARN of an alarm. */
export function alarmArn({ region, accountId }: Place, name: string): string {
  return `arn:aws:cloudwatch:${region}:${accountId}:alarm:${name}`;
}

/** Returns the ARN of a dashboard; it has no region. */
export function dashboardArn({ accountId }: Place, name: string): string {
  return `arn:aws:cloudwatch::${accountId}:dashboard/${name}`;
}

/**
 * Returns the statistic of a metric query. AWS's words for a wrong one are unconfirmed.
 * @throws {AwsError} ValidationError if there is no such statistic
 */
export function statisticOf(name: string): Statistic {
  const found = statisticOfName(name);
  if (found === undefined) throw validationError(`The value ${name} for parameter Stat is not supported.`);
  return found;
}

/**
 * Checks that metrics can be read with this period, s.
 * @throws {AwsError} ValidationError if they cannot
 */
export function checkPeriod(period: number): void {
  if (period % 60 === 0 || [1, 5, 10, 20, 30].includes(period)) return;
  throw validationError("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
}
