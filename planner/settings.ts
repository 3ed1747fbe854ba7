/** Settings of a plan: those of a stack that matter for waits and cost, and what the stack does not set. */

import type { StackConfig } from "../infra/config.ts";
import type { ScalingSettings } from "../infra/scaling-types.ts";
import { InvalidInputError } from "../lib/errors.ts";
import { instanceTypes } from "../policies/instance-types.ts";

/** Settings of a plan. */
export interface PlanSettings extends ScalingSettings {
  readonly instanceType: string;
  /** Number of videos that an instance processes concurrently. */
  readonly maxConcurrency: number;
  /** Maximum processing time of one video, seconds. */
  readonly invocationTimeout: number;
  /** Maximum time of a video in the queue, seconds. */
  readonly timeToLive: number;
  /** Time from the request of an instance until it accepts videos, minutes. */
  readonly startMinutes: number;
  /** USD for an instance-hour. */
  readonly price: number;
}

/** Settings that a stack does not have. */
export interface FurtherSettings {
  /** Seconds. @default 6 hours, SageMaker's own */
  readonly timeToLive?: number | undefined;
  /** Minutes. @default 4 */
  readonly startMinutes?: number | undefined;
  /** USD for an instance-hour. @default the known price of the type */
  readonly price?: number | undefined;
}

/** SageMaker runtime API reference, InvokeEndpointAsync, RequestTTLSeconds. Seconds. */
const defaultTimeToLive = 21_600;

/** Minutes: an instance with a GPU, its image of 10 GB, and the model. Measure your own with `burst`. */
const defaultStartMinutes = 4;

/**
 * Returns the settings of a plan for a stack.
 * @throws InvalidInputError if no price is known for the instance type
 */
export function planSettings(
  stack: Omit<ScalingSettings, "warmWindow"> &
    Pick<StackConfig, "instanceType" | "maxConcurrency" | "invocationTimeout" | "warmWindow">,
  further: FurtherSettings = {},
): PlanSettings {
  const { instanceType, maxConcurrency, invocationTimeout } = stack;
  const { minCapacity, maxCapacity, backlogTarget, scaleInCooldown, scaleOutCooldown } = stack;
  const { scaleIn, idleMinutes, warmWindow } = stack;
  return {
    ...{ minCapacity, maxCapacity, backlogTarget, scaleInCooldown, scaleOutCooldown, scaleIn, idleMinutes, warmWindow },
    ...{ instanceType, maxConcurrency, invocationTimeout },
    timeToLive: further.timeToLive ?? defaultTimeToLive,
    startMinutes: further.startMinutes ?? defaultStartMinutes,
    price: further.price ?? priceOf(instanceType),
  };
}

function priceOf(type: string): number {
  const known = instanceTypes.get(type)?.price;
  if (known !== undefined) return known;
  throw new InvalidInputError(`No price is known for ${type}.`, {
    hint: `set another type with --instance, such as ml.g4dn.xlarge, or the price with --price, in USD an hour`,
  });
}
