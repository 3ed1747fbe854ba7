/** Prices of the stack: an hour with all its instances, and a month with none. */
import { instanceTypes, pricesAsOf, pricesRegion } from "../../policies/instance-types.ts";
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

/** Hours of a month, as in AWS's pricing calculator. */
const monthlyHours = 730;

/** Settings and USD for an instance-hour. */
type Priced = Sizing & { readonly price: number };

/** Returns the price of a month without videos, USD: also of the minimum number of instances, and of a warm window. */
export function atRestMonthly({ price, ...sizing }: Priced): number {
  const { minCapacity, scaleIn, warmWindow } = sizing;
  return fixedMonthly(scaleIn) + price * (minCapacity * monthlyHours + warmHours(minCapacity, warmWindow));
}

/** Returns the price of a month with the maximum number of instances, USD. */
export function atLimitMonthly({ price, maxCapacity, scaleIn }: Priced): number {
  return fixedMonthly(scaleIn) + price * maxCapacity * monthlyHours;
}

/** Returns the price of a month for what does not depend on the instances, USD. */
function fixedMonthly(scaleIn: ScaleIn): number {
  return monthly.key + alarmCount(scaleIn) * monthly.alarm + monthly.dashboard;
}

function alarmCount(scaleIn: ScaleIn): number {
  const { own, targetTracking } = alarmMetrics[scaleIn];
  return own + targetTracking;
}

const weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** Returns the instance-hours of a month that a warm window adds. */
function warmHours(minCapacity: number, window: WarmWindow | undefined): number {
  if (window === undefined) return 0;
  const days = window.days.split(",").map((range) => {
    const [from = NaN, to = from] = range.split("-").map((day) => weekdays.indexOf(day));
    return ((to - from + 7) % 7) + 1;
  });
  const weekly = days.reduce((sum, count) => sum + count, 0) * hoursOf(window);
  return (Math.max(0, window.instances - minCapacity) * weekly * monthlyHours) / (7 * 24);
}

function hoursOf({ start, end }: WarmWindow): number {
  return (minuteOf(end) - minuteOf(start)) / 60;
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
  const count = alarmCount(scaleIn);
  const stays =
    `${usd(fixedMonthly(scaleIn))} a month for a key, ${count} metrics with alarms and a dashboard (the last two are free within an account's first ten and three), ` +
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
  const daily = price === undefined ? "the price" : usd(price * window.instances * hoursOf(window));
  return `, and ${daily} a day of the warm window for ${window.instances} instance(s) from ${window.start} to ${window.end}`;
}
