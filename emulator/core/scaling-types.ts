/** Types of Application Auto Scaling: scalable targets, policies, activities, and the capacity that they change. */

import type { StepScaling, TargetTracking } from "./scaling-policy.ts";

/** The resource whose capacity is scaled; `resourceId` is Application Auto Scaling's, `endpoint/E/variant/V`. */
export interface CapacityPort {
  /** Returns the desired number of instances; undefined if there is no such resource. */
  current(resourceId: string): number | undefined;
  /** Resolves when that many are in service; rejects with the reason why the resource refuses or fails. */
  set(resourceId: string, count: number): Promise<void>;
}

/** Suspended kinds of scaling. */
export interface Suspension {
  readonly scaleIn: boolean;
  readonly scaleOut: boolean;
  readonly scheduled: boolean;
}

/** A scalable target, with the limits of its capacity in instances. */
export interface ScalableTarget {
  readonly resourceId: string;
  readonly arn: string;
  readonly min: number;
  readonly max: number;
  readonly suspension: Suspension;
  /** ms since the epoch. */
  readonly createdAt: number;
}

/** A scaling policy of a target. */
export interface ScalingPolicy {
  readonly name: string;
  readonly arn: string;
  readonly resourceId: string;
  readonly rule: StepScaling | TargetTracking;
  /** Names of the alarms that target tracking has created. */
  readonly alarms: readonly string[];
  /** ms since the epoch. */
  readonly createdAt: number;
}

/** Status of a scaling activity. */
export type ActivityStatus = "InProgress" | "Successful" | "Failed";

/** Reason for not scaling (API reference, NotScaledReason). */
export interface NotScaledReason {
  readonly code: "AlreadyAtMaxCapacity" | "AlreadyAtMinCapacity" | "AlreadyAtDesiredCapacity";
  /** The limit that prevents the change, or the current capacity. */
  readonly capacity: number;
}

/** One change of a target's capacity, with AWS's messages. */
export interface ScalingActivity {
  readonly id: string;
  readonly resourceId: string;
  readonly description: string;
  readonly cause: string;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly status: ActivityStatus;
  readonly statusMessage: string | undefined;
  /** Present if the decision was not to scale. */
  readonly notScaled?: NotScaledReason;
}
