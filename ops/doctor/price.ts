/** Prices of the stack: an hour with all its instances, and a month with none. */
import { instanceTypes, pricesAsOf, pricesRegion } from "../../policies/instance-prices.ts";
import { findingsOf } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { minuteOf } from "../../infra/scaling.ts";
import type { ScaleIn, WarmWindow } from "../../infra/scaling-types.ts";

/** USD; us-east-1, collected with the pack's prices, from AWS's pages on KMS, CloudWatch and S3. */
const monthly = { key: 1, alarm: 0.1, dashboard: 3, storedGigabyte: 0.023 } as const;

/**
 * Number of metrics with alarms, by which CloudWatch bills (pricing page: an alarm on an expression costs as much as one on each of its
 * metrics): those of the stack's alarms, and of those that AWS creates for target tracking, one for each direction that it scales in.
 */
export const alarmMetrics = {
  idle: { own: 17, targetTracking: 1 },
  tracking: { own: 15, targetTracking: 2 },
} as const;

const usd = (amount: number): string => `${amount.toFixed(2)} USD`;
const basis = `prices of ${pricesRegion}, ${pricesAsOf}`;

/** Settings that determine the price. */
export interface Sizing {
  readonly instanceType: string;
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly scaleIn: ScaleIn;
  /** @default none */
  readonly warmWindow?: WarmWindow | undefined;
}

/** Returns two findings: with the maximum number of instances, and at rest. */
export function priceFindings(sizing: Sizing): Finding[] {
  const { instanceType, maxCapacity } = sizing;
  const price = instanceTypes.get(instanceType)?.price;
  const { ok, unchecked } = findingsOf("price");
  const atLimit =
    price === undefined
      ? unchecked(
          `the policy pack has no price for ${instanceType}`,
          "Look it up on AWS's pricing page, and add it to hourly-cost-limit's prices in the pack's config.",
        )
      : ok(`${usd(price * maxCapacity)} an hour at the limit: ${maxCapacity} ${instanceType} at ${price} (${basis})`);
  return [atLimit, resting(sizing, price)];
}

function resting({ minCapacity, scaleIn, warmWindow }: Sizing, price: number | undefined): Finding {
  const { own, targetTracking } = alarmMetrics[scaleIn];
  const count = own + targetTracking;
  const fixed = monthly.key + count * monthly.alarm + monthly.dashboard;
  const stays =
    `${usd(fixed)} a month for a key, ${count} metrics with alarms and a dashboard (the last two are free within an account's first ten and three), ` +
    `and ${monthly.storedGigabyte} a month for each GB of stored videos and results${warmth(warmWindow, price)}`;
  const { ok, warning } = findingsOf("at rest");
  if (minCapacity === 0) return ok(`no instance; ${stays} (${basis})`);
  const hourly = price === undefined ? "the price" : usd(price * minCapacity);
  return warning(
    `${hourly} an hour for a minCapacity of ${minCapacity}; ${stays} (${basis})`,
    "Set minCapacity to 0: the policy pack refuses more.",
  );
}

/** Describes the price of a warm window. */
function warmth(window: WarmWindow | undefined, price: number | undefined): string {
  if (window === undefined) return "";
  const hours = (minuteOf(window.end) - minuteOf(window.start)) / 60;
  const daily = price === undefined ? "the price" : usd(price * window.instances * hours);
  return `, and ${daily} a day of the warm window for ${window.instances} instance(s) from ${window.start} to ${window.end}`;
}
