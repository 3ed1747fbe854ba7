/** Types of the scaling: settings, and the definitions of policies, alarms and scheduled actions with the names of Pulumi's arguments. */
import type { MetricQuery } from "./endpoint-metrics.ts";

/** How instances stop: when nothing is queued or running, or by target tracking, which also stops instances that run videos. */
export type ScaleIn = "idle" | "tracking";

/** Hours of a day with a minimum number of instances. */
export interface WarmWindow {
  /** Days of the week in cron's form: `MON-FRI`, `SAT,SUN`. */
  readonly days: string;
  /** Time of day, `HH:MM`. */
  readonly start: string;
  /** Time of the same day, `HH:MM`, after the start. */
  readonly end: string;
  /** IANA name of the time zone. */
  readonly timeZone: string;
  /** Minimum number of instances in the window. */
  readonly instances: number;
}

/** Settings of the scaling. `Count` is a number, or in a program the output that has it. */
export interface ScalingSettings<Count = number> {
  /** Minimum number of instances. */
  readonly minCapacity: Count;
  /** Maximum number of instances. */
  readonly maxCapacity: Count;
  /** Target of queued and running invocations per instance. */
  readonly backlogTarget: Count;
  /** Seconds between two scale-ins of target tracking. */
  readonly scaleInCooldown: Count;
  /** Seconds between two scale-outs of target tracking. */
  readonly scaleOutCooldown: Count;
  readonly scaleIn: ScaleIn;
  /** Consecutive idle minutes until instances stop. */
  readonly idleMinutes: Count;
  /** @default none */
  readonly warmWindow?: WarmWindow | undefined;
}

/** One step of a step policy. Bounds are relative to the alarm's threshold. */
export interface Step {
  readonly metricIntervalLowerBound?: string;
  readonly metricIntervalUpperBound?: string;
  readonly scalingAdjustment: number;
}

/** A scaling policy that alarms run. */
export interface StepPolicy<Steps = Step[]> {
  readonly policyType: "StepScaling";
  readonly stepScalingPolicyConfiguration: {
    readonly adjustmentType: "ChangeInCapacity" | "ExactCapacity";
    readonly metricAggregationType: "Average" | "Maximum";
    /** Seconds. */
    readonly cooldown: number;
    readonly stepAdjustments: Steps;
  };
}

/** A scaling policy that follows a metric. */
export interface TrackingPolicy<Text, Count> {
  readonly policyType: "TargetTrackingScaling";
  readonly targetTrackingScalingPolicyConfiguration: {
    readonly targetValue: Count;
    /** Seconds. */
    readonly scaleInCooldown: Count;
    /** Seconds. */
    readonly scaleOutCooldown: Count;
    readonly disableScaleIn: boolean;
    readonly customizedMetricSpecification: {
      readonly namespace: string;
      readonly metricName: string;
      readonly statistic: "Average";
      readonly dimensions: { readonly name: string; readonly value: Text }[];
    };
  };
}

/** An alarm, without its actions. */
export interface Alarm<Text, Count> {
  readonly alarmDescription: string;
  /** The watched metric; absent if the alarm has queries. */
  readonly namespace?: string;
  readonly metricName?: string;
  readonly dimensions?: Record<string, Text>;
  readonly statistic?: "Average" | "Maximum";
  /** Seconds. */
  readonly period?: number;
  /** Metric math; absent if the alarm watches one metric. */
  readonly metricQueries?: MetricQuery<Text>[];
  readonly evaluationPeriods: Count | number;
  readonly datapointsToAlarm: Count | number;
  readonly comparisonOperator: "GreaterThanOrEqualToThreshold" | "LessThanThreshold";
  readonly threshold: number;
  readonly treatMissingData: "missing" | "notBreaching";
}

/** A change of the minimum number of instances at times of a cron expression. */
export interface ScheduledAction<Count> {
  /** Application Auto Scaling's cron expression: minutes, hours, day of the month, month, day of the week, year. */
  readonly schedule: string;
  readonly timezone: string;
  readonly scalableTargetAction: { readonly minCapacity: Count | number };
}

/** Key of a scaling policy. */
export type PolicyKey = "backlog" | "fromZero" | "fromZeroRetry" | "toZero";
/** Key of an alarm that runs a scaling policy. */
export type ScalingAlarmKey = "fromZero" | "fromZeroRetry" | "idle" | "mostlyIdle";
/** Key of a scheduled action. */
export type ScheduledActionKey = "warmStart" | "warmEnd";

type Policy<Text, Count, Steps> = StepPolicy<Steps | Step[]> | TrackingPolicy<Text, Count>;

/** An alarm, and the policy that it runs. */
export interface ScalingAlarm<Text, Count> {
  readonly runs: PolicyKey;
  readonly alarm: Alarm<Text, Count>;
}

/** The scaling of an endpoint's variant. */
export interface Scaling<Text, Count, Steps> {
  /** Limits of the number of instances. */
  readonly target: { readonly minCapacity: Count; readonly maxCapacity: Count };
  readonly policies: Readonly<Partial<Record<PolicyKey, Policy<Text, Count, Steps>>>>;
  readonly alarms: Readonly<Partial<Record<ScalingAlarmKey, ScalingAlarm<Text, Count>>>>;
  /** Changes of the limits. */
  readonly scheduledActions: Readonly<Partial<Record<ScheduledActionKey, ScheduledAction<Count>>>>;
}

/** Parts of the scaling that are computed from settings. */
export interface DerivedSettings<Steps = Step[], Count = number> {
  readonly stepsFromZero: Steps;
  /** Idle minutes, of the last `mostlyIdleOf`, until instances stop. */
  readonly mostlyIdleMinutes: Count;
  readonly mostlyIdleOf: Count;
}
