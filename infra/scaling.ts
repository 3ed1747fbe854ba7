/**
 * From a stack's settings to the scaling of its endpoint: pure functions, without resources. `components/` creates the policies, alarms and
 * scheduled actions from the definitions; a simulation can run the same definitions.
 */
import { hostNamespace, queueMetric, requestMetric, variantDimensions } from "./endpoint-metrics.ts";
import type { MetricQuery, VariantNames } from "./endpoint-metrics.ts";
import type {
  Alarm,
  DerivedSettings,
  Scaling,
  ScalingAlarm,
  ScalingSettings,
  Step,
  StepPolicy,
  WarmWindow,
} from "./scaling-types.ts";

/** Application Auto Scaling API reference, StepScalingPolicyConfiguration. */
const maxSteps = 20;

/** Minutes with a backlog and no instance after which one more instance is requested. */
const retryMinutes = 15;

/**
 * Seconds. An alarm repeats its request each minute while it is in ALARM, and does so for some minutes after an instance serves, because its
 * metrics are delayed. During the cooldown, which starts when the instances serve, the instances that the first request added count as part
 * of the next one (API reference, StepScalingPolicyConfiguration), so a repetition adds none. It is longer than any delay that the tests
 * assume, and no longer than the default of `idleMinutes`: if AWS counted instances that have stopped since, the next burst's start would
 * be refused only until five minutes after the last start.
 */
const startCooldown = 300;

/** Seconds: one period of the metrics. A repeated request for 0 instances does nothing. */
const stopCooldown = 60;

/**
 * Returns the steps of the start from zero for an alarm whose threshold is a backlog of 1: enough instances for the backlog, ceil(backlog /
 * backlogTarget), at most `maxCapacity`. With more instances than steps, a step rounds up to the next of its multiples. Each bound is between
 * two whole numbers, so that no backlog is equal to one. The first step has no lower bound: if the policy gets another value than the
 * backlog, one instance starts.
 */
function computeSteps(maxCapacity: number, backlogTarget: number): Step[] {
  const count = Math.min(maxCapacity, maxSteps);
  const steps: Step[] = [];
  let covered = 0;
  for (let step = 1; step <= count; step += 1) {
    const scalingAdjustment = Math.ceil((step * maxCapacity) / count);
    const largest = step === count ? Infinity : Math.floor(scalingAdjustment * backlogTarget + 1e-9);
    // With a target below 1, a step may contain no whole number.
    if (largest === covered) continue;
    steps.push({
      ...(covered === 0 ? {} : { metricIntervalLowerBound: String(covered - 0.5) }),
      ...(largest === Infinity ? {} : { metricIntervalUpperBound: String(largest - 0.5) }),
      scalingAdjustment,
    });
    covered = largest;
  }
  const [only] = steps;
  // A step must have a bound (API reference, StepAdjustment).
  return only !== undefined && steps.length === 1 ? [{ ...only, metricIntervalLowerBound: "0" }] : steps;
}

/** Computes what depends on the settings' values: 10 of 15 minutes for the default of 5 idle minutes. */
export function derivedSettings({
  maxCapacity,
  backlogTarget,
  idleMinutes,
}: Pick<ScalingSettings, "maxCapacity" | "backlogTarget" | "idleMinutes">): DerivedSettings {
  const stepsFromZero = computeSteps(maxCapacity, backlogTarget);
  return { stepsFromZero, mostlyIdleMinutes: 2 * idleMinutes, mostlyIdleOf: 3 * idleMinutes };
}

function stepPolicy<Steps>(configuration: {
  adjustmentType: "ChangeInCapacity" | "ExactCapacity";
  metricAggregationType: "Average" | "Maximum";
  cooldown: number;
  stepAdjustments: Steps;
}): StepPolicy<Steps> {
  return { policyType: "StepScaling", stepScalingPolicyConfiguration: configuration };
}

/**
 * Stops all instances at a backlog of 0. AWS does not document for each alarm whether a step that ends at the threshold applies to a value
 * equal to it, so the bound is halfway between the backlogs 0 (1 below the threshold) and 1 (at the threshold): with a queued or running
 * video, no step applies.
 */
const toZero = stepPolicy({
  adjustmentType: "ExactCapacity",
  metricAggregationType: "Maximum",
  cooldown: stopCooldown,
  stepAdjustments: [{ metricIntervalUpperBound: "-0.5", scalingAdjustment: 0 }],
});

const retry = stepPolicy({
  adjustmentType: "ChangeInCapacity",
  metricAggregationType: "Average",
  cooldown: startCooldown,
  stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
});

/** Period of the metrics of queue and instances, seconds. */
const period = 60;

const atLeastOne = {
  comparisonOperator: "GreaterThanOrEqualToThreshold",
  threshold: 1,
  treatMissingData: "missing",
} as const;

/**
 * Age of the oldest request, in seconds, from which only the retry asks for instances: AWS may start all or none of several instances, and
 * of two policies the one that asks for more wins, so a shortage in which one instance could start would last as long as both ask.
 */
const retryAge = 60 * (retryMinutes - 1);

function alarmsFromZero<Text, Count>(endpoint: {
  readonly endpointName: Text;
}): {
  fromZero: ScalingAlarm<Text, Count>;
  fromZeroRetry: ScalingAlarm<Text, Count>;
} {
  return {
    fromZero: {
      runs: "fromZero",
      alarm: {
        alarmDescription: "Videos are queued and no instance is running: starts enough for the backlog.",
        metricQueries: [
          {
            id: "waiting",
            expression: `IF((h >= 1) AND (a < ${retryAge}), b, 0)`,
            label: "backlog without an instance",
            returnData: true,
          },
          { id: "h", metric: { ...queueMetric("HasBacklogWithoutCapacity", endpoint), stat: "Average", period } },
          { id: "a", metric: { ...queueMetric("ApproximateAgeOfOldestRequest", endpoint), stat: "Maximum", period } },
          { id: "b", metric: { ...queueMetric("ApproximateBacklogSize", endpoint), stat: "Maximum", period } },
        ],
        evaluationPeriods: 2,
        datapointsToAlarm: 2,
        ...atLeastOne,
      },
    },
    fromZeroRetry: {
      runs: "fromZeroRetry",
      alarm: {
        alarmDescription: `Videos are queued and no instance has started for ${retryMinutes} minutes: starts one more.`,
        ...queueMetric("HasBacklogWithoutCapacity", endpoint),
        statistic: "Average",
        period,
        evaluationPeriods: retryMinutes,
        datapointsToAlarm: retryMinutes,
        ...atLeastOne,
      },
    },
  };
}

function alarmsToZero<Text, Count>(
  endpoint: { readonly endpointName: Text },
  idleMinutes: Count,
  { mostlyIdleMinutes, mostlyIdleOf }: Pick<DerivedSettings<unknown, Count>, "mostlyIdleMinutes" | "mostlyIdleOf">,
) {
  const empty = {
    ...queueMetric("ApproximateBacklogSize", endpoint),
    statistic: "Maximum",
    period,
    comparisonOperator: "LessThanThreshold",
    threshold: 1,
    treatMissingData: "missing",
  } as const;
  return {
    idle: {
      runs: "toZero",
      alarm: {
        alarmDescription:
          "Nothing is queued or running: stops all instances. ALARM is the normal state of an idle endpoint.",
        ...empty,
        evaluationPeriods: idleMinutes,
        datapointsToAlarm: idleMinutes,
      },
    },
    // Short videos every few minutes would keep all instances of a burst.
    mostlyIdle: {
      runs: "toZero",
      alarm: {
        alarmDescription:
          "Nothing was queued or running for most of the time: stops all instances once the backlog is empty. ALARM is the normal state of an idle endpoint.",
        ...empty,
        evaluationPeriods: mostlyIdleOf,
        datapointsToAlarm: mostlyIdleMinutes,
      },
    },
  } as const;
}

/** Returns the scheduled actions that raise the minimum number of instances at the window's start, and lower it at its end. */
function windowActions<Count>({ days, start, end, timeZone, instances }: WarmWindow, minCapacity: Count) {
  const at = (time: string, minimum: Count | number) => ({
    schedule: `cron(${minuteOf(time) % 60} ${Math.floor(minuteOf(time) / 60)} ? * ${days} *)`,
    timezone: timeZone,
    scalableTargetAction: { minCapacity: minimum },
  });
  return { warmStart: at(start, instances), warmEnd: at(end, minCapacity) };
}

/** Returns the scaling for settings whose values are known. */
export function scalingOf(settings: ScalingSettings, variant: VariantNames<string>): Scaling<string, number, Step[]> {
  return scalingWith(settings, variant, derivedSettings(settings));
}

/** Returns the scaling for settings whose values may be outputs, with what is computed from them. */
export function scalingWith<Text, Count, Steps>(
  settings: ScalingSettings<Count>,
  variant: VariantNames<Text>,
  derived: DerivedSettings<Steps, Count>,
): Scaling<Text, Count, Steps> {
  const { minCapacity, maxCapacity, scaleIn, warmWindow } = settings;
  const stopsIdle = scaleIn === "idle";
  const { dimensions, ...backlog } = queueMetric("ApproximateBacklogSizePerInstance", variant);
  return {
    target: { minCapacity, maxCapacity },
    policies: {
      backlog: {
        policyType: "TargetTrackingScaling",
        targetTrackingScalingPolicyConfiguration: {
          targetValue: settings.backlogTarget,
          scaleInCooldown: settings.scaleInCooldown,
          scaleOutCooldown: settings.scaleOutCooldown,
          disableScaleIn: stopsIdle,
          customizedMetricSpecification: {
            ...backlog,
            dimensions: Object.entries(dimensions).map(([name, value]) => ({ name, value })),
            statistic: "Average",
          },
        },
      },
      // Adds to zero instances. An exact number, repeated late, would stop instances that target tracking has added meanwhile.
      fromZero: stepPolicy({
        adjustmentType: "ChangeInCapacity",
        metricAggregationType: "Maximum",
        cooldown: startCooldown,
        stepAdjustments: derived.stepsFromZero,
      }),
      fromZeroRetry: retry,
      ...(stopsIdle ? { toZero } : {}),
    },
    alarms: {
      ...alarmsFromZero<Text, Count>(variant),
      ...(stopsIdle ? alarmsToZero(variant, settings.idleMinutes, derived) : {}),
    },
    scheduledActions: warmWindow === undefined ? {} : windowActions(warmWindow, minCapacity),
  };
}

/** Minutes with instances and without a video after which operations are told. */
const backstopMinutes = 60;

/** Period of the metrics of the backstop, seconds. */
const backstopPeriod = 300;

/**
 * Returns the alarm on instances that keep running without a video, in case scaling to zero does not work on AWS as documented. Each instance
 * publishes one sample of its CPU utilization a minute (SageMaker developer guide, "Monitor SageMaker AI with CloudWatch"). Without data,
 * the metrics of the queue count as 0, and that of the instances as none. With a warm window, the alarm waits longer by the window's length.
 */
export function idleInstancesAlarm<Text>(variant: VariantNames<Text>, warmWindow?: WarmWindow): Alarm<Text, number> {
  const metric = (id: string, { stat, ...of }: Omit<NonNullable<MetricQuery<Text>["metric"]>, "period">) => ({
    id,
    metric: { ...of, stat, period: backstopPeriod },
  });
  const minutes = backstopMinutes + (warmWindow === undefined ? 0 : lengthOf(warmWindow));
  const periods = Math.ceil((60 * minutes) / backstopPeriod);
  return {
    alarmDescription: `Instances are running, and for ${minutes} minutes no video was queued or running. Read "Instances that do not stop" in the operations page.`,
    metricQueries: [
      {
        id: "idle",
        expression:
          "IF((instances >= 1) AND ((FILL(backlog, 0) + FILL(counted, 0) + FILL(countedAsDocumented, 0)) < 1), 1, 0)",
        label: "instances without a video",
        returnData: true,
      },
      metric("instances", {
        namespace: hostNamespace,
        metricName: "CPUUtilization",
        dimensions: variantDimensions(variant),
        stat: "SampleCount",
      }),
      metric("backlog", { ...queueMetric("ApproximateBacklogSize", variant), stat: "Maximum" }),
      metric("counted", { ...requestMetric("InvocationsProcessed", variant), stat: "Sum" }),
      // The developer guide ("Monitor asynchronous endpoint") spells it so; only one of the two has data.
      metric("countedAsDocumented", { ...requestMetric("InvocationsProcesssed", variant), stat: "Sum" }),
    ],
    evaluationPeriods: periods,
    datapointsToAlarm: periods,
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    threshold: 1,
    treatMissingData: "notBreaching",
  };
}

function lengthOf({ start, end }: WarmWindow): number {
  return minuteOf(end) - minuteOf(start);
}

/** Returns the minute of the day of a time `HH:MM`. */
export function minuteOf(time: string): number {
  const [hour = 0, minute = 0] = time.split(":").map(Number);
  return 60 * hour + minute;
}
