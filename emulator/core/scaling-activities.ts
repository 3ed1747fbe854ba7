/** Scaling activities, and decisions not to scale. */

import type { NotScaledReason, ScalableTarget, ScalingActivity } from "./scaling-types.ts";

/**
 * Returns the reason why a wanted capacity does not change the current one; undefined if no code of the API reference
 * (NotScaledReason) describes it, such as a cooldown or a suspension of that direction; for no change, of both.
 */
export function notScaledReason(
  wanted: number,
  current: number,
  { min, max, suspension: { scaleIn, scaleOut } }: Pick<ScalableTarget, "min" | "max" | "suspension">,
): NotScaledReason | undefined {
  const isSuspended = wanted > current ? scaleOut : wanted < current ? scaleIn : scaleIn && scaleOut;
  if (isSuspended) return undefined;
  if (wanted === current) return { code: "AlreadyAtDesiredCapacity", capacity: current };
  if (wanted > current) return current >= max ? { code: "AlreadyAtMaxCapacity", capacity: max } : undefined;
  return current <= min ? { code: "AlreadyAtMinCapacity", capacity: min } : undefined;
}

/** Returns the cause of an activity that an alarm has started. */
export function causeOf(alarmName: string, policyName: string): string {
  return `monitor alarm ${alarmName} in state ALARM triggered policy ${policyName}`;
}

/** The activities of all resources, and the decisions not to scale. */
export class ScalingActivities {
  /** Oldest first. */
  readonly #activities: ScalingActivity[] = [];

  /** Returns the activities, newest first; with `includeNotScaled` also the decisions not to scale. */
  list({ includeNotScaled = false } = {}): ScalingActivity[] {
    return this.#activities.filter(({ notScaled }) => includeNotScaled || notScaled === undefined).reverse();
  }

  add(activity: ScalingActivity): void {
    this.#activities.push(activity);
  }

  /** Changes an activity; no effect if it has been forgotten. */
  replace(activity: ScalingActivity, changed: ScalingActivity): void {
    const index = this.#activities.indexOf(activity);
    if (index >= 0) this.#activities[index] = changed;
  }

  /**
   * Adds a decision not to scale, in the form of the user guide's example ("Including not scaled activities"), unless it
   * was added since the last change of the resource's capacity: an alarm repeats its action each minute, and it is
   * unconfirmed if AWS records each of these decisions.
   */
  addNotScaled(
    notScaled: NotScaledReason,
    decision: Pick<ScalingActivity, "id" | "resourceId" | "cause" | "startedAt">,
  ): void {
    const own = this.#activities.filter(({ resourceId }) => resourceId === decision.resourceId);
    const since = own.slice(own.findLastIndex((activity) => activity.notScaled === undefined) + 1);
    if (since.some(({ cause, notScaled: known }) => cause === decision.cause && known?.code === notScaled.code)) return;
    this.add({
      ...decision,
      description: "Attempting to scale due to alarm triggered",
      endedAt: undefined,
      status: "Failed",
      statusMessage: undefined,
      notScaled,
    });
  }

  /** Removes activities that are older than six weeks (API reference, DescribeScalingActivities). */
  forgetOld(now: number): void {
    const kept = this.#activities.findIndex(({ startedAt }) => startedAt >= now - activityAge);
    this.#activities.splice(0, Math.max(0, kept));
  }
}

const activityAge = 42 * 86_400_000;
