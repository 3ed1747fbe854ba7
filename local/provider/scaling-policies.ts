/** The two kinds of scaling policy: in steps from an alarm, and tracking a metric's target. */
import type {
  AdjustmentType,
  MetricAggregationType,
  MetricStatistic,
  MetricType,
  StepScalingPolicyConfiguration,
  TargetTrackingMetricDataQuery,
  TargetTrackingScalingPolicyConfiguration,
} from "@aws-sdk/client-application-auto-scaling";
import { block, decimal, flag, list, number, set, text } from "./properties.ts";
import type { Inputs } from "./properties.ts";

/** The property `stepScalingPolicyConfiguration`. */
export const stepScaling = block({
  adjustmentType: text(),
  cooldown: number(),
  metricAggregationType: text({ computed: true }),
  minAdjustmentMagnitude: number(),
  stepAdjustments: set(
    block({
      metricIntervalLowerBound: decimal(),
      metricIntervalUpperBound: decimal(),
      scalingAdjustment: number({ required: true }),
    }),
  ),
});

const dimensions = set(block({ name: text({ required: true }), value: text({ required: true }) }));

/** The property `targetTrackingScalingPolicyConfiguration`. */
export const targetTracking = block({
  customizedMetricSpecification: block({
    dimensions,
    metricName: text(),
    metrics: list(
      block({
        id: text({ required: true }),
        expression: text(),
        label: text(),
        metricStat: block({
          metric: block(
            { dimensions, metricName: text({ required: true }), namespace: text({ required: true }) },
            { required: true },
          ),
          stat: text({ required: true }),
          unit: text(),
        }),
        returnData: flag({ default: true }),
      }),
    ),
    namespace: text(),
    statistic: text(),
    unit: text(),
  }),
  disableScaleIn: flag({ default: false }),
  predefinedMetricSpecification: block({ predefinedMetricType: text({ required: true }), resourceLabel: text() }),
  scaleInCooldown: number(),
  scaleOutCooldown: number(),
  targetValue: number({ required: true }),
});

interface Held {
  step: typeof stepScaling;
  tracking: typeof targetTracking;
}
type Step = NonNullable<Inputs<Held>["step"]>;
type Tracking = NonNullable<Inputs<Held>["tracking"]>;
type Query = NonNullable<NonNullable<Tracking["customizedMetricSpecification"]>["metrics"]>[number];

const bound = (text: string | undefined): number | undefined =>
  text === undefined || text === "" ? undefined : Number(text);
const boundText = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));

/** As AWS wants it. An unset cooldown is sent as 0, as the official provider does. */
export function toStep(given: Step): StepScalingPolicyConfiguration {
  return {
    AdjustmentType: given.adjustmentType as AdjustmentType,
    Cooldown: given.cooldown ?? 0,
    MetricAggregationType: given.metricAggregationType as MetricAggregationType,
    MinAdjustmentMagnitude: given.minAdjustmentMagnitude,
    StepAdjustments: given.stepAdjustments?.map((one) => ({
      MetricIntervalLowerBound: bound(one.metricIntervalLowerBound),
      MetricIntervalUpperBound: bound(one.metricIntervalUpperBound),
      ScalingAdjustment: one.scalingAdjustment,
    })),
  };
}

/** As the program writes it. */
export function fromStep(got: StepScalingPolicyConfiguration) {
  return {
    adjustmentType: got.AdjustmentType,
    cooldown: got.Cooldown,
    metricAggregationType: got.MetricAggregationType,
    minAdjustmentMagnitude: got.MinAdjustmentMagnitude,
    stepAdjustments: got.StepAdjustments?.map((one) => ({
      metricIntervalLowerBound: boundText(one.MetricIntervalLowerBound),
      metricIntervalUpperBound: boundText(one.MetricIntervalUpperBound),
      scalingAdjustment: one.ScalingAdjustment,
    })),
  };
}

interface Dimension {
  readonly name: string;
  readonly value: string;
}

function toDimensions(given: readonly Dimension[] | undefined) {
  return given?.map(({ name, value }) => ({ Name: name, Value: value }));
}

function fromDimensions(got: readonly { Name: string | undefined; Value: string | undefined }[] | undefined) {
  return got?.map(({ Name, Value }) => ({ name: Name, value: Value }));
}

function toQuery({ id, expression, label, metricStat: stat, returnData }: Query): TargetTrackingMetricDataQuery {
  return {
    Id: id,
    Expression: expression,
    Label: label,
    MetricStat: stat && {
      Metric: {
        MetricName: stat.metric.metricName,
        Namespace: stat.metric.namespace,
        Dimensions: toDimensions(stat.metric.dimensions),
      },
      Stat: stat.stat,
      Unit: stat.unit,
    },
    ReturnData: returnData,
  };
}

function fromQuery({ Id, Expression, Label, MetricStat: stat, ReturnData }: TargetTrackingMetricDataQuery) {
  return {
    id: Id,
    expression: Expression,
    label: Label,
    metricStat: stat && {
      metric: stat.Metric && {
        metricName: stat.Metric.MetricName,
        namespace: stat.Metric.Namespace,
        dimensions: fromDimensions(stat.Metric.Dimensions),
      },
      stat: stat.Stat,
      unit: stat.Unit,
    },
    returnData: ReturnData ?? true,
  };
}

/** As AWS wants it. Unset cooldowns are sent as 0, as the official provider does. */
export function toTracking(given: Tracking): TargetTrackingScalingPolicyConfiguration {
  const { customizedMetricSpecification: custom, predefinedMetricSpecification: predefined } = given;
  return {
    TargetValue: given.targetValue,
    DisableScaleIn: given.disableScaleIn,
    ScaleInCooldown: given.scaleInCooldown ?? 0,
    ScaleOutCooldown: given.scaleOutCooldown ?? 0,
    CustomizedMetricSpecification: custom && {
      MetricName: custom.metricName,
      Namespace: custom.namespace,
      Dimensions: toDimensions(custom.dimensions),
      Statistic: custom.statistic as MetricStatistic,
      Unit: custom.unit,
      Metrics: custom.metrics?.map(toQuery),
    },
    PredefinedMetricSpecification: predefined && {
      PredefinedMetricType: predefined.predefinedMetricType as MetricType,
      ResourceLabel: predefined.resourceLabel,
    },
  };
}

/** As the program writes it. */
export function fromTracking(got: TargetTrackingScalingPolicyConfiguration) {
  const { CustomizedMetricSpecification: custom, PredefinedMetricSpecification: predefined } = got;
  return {
    targetValue: got.TargetValue,
    disableScaleIn: got.DisableScaleIn ?? false,
    scaleInCooldown: got.ScaleInCooldown,
    scaleOutCooldown: got.ScaleOutCooldown,
    customizedMetricSpecification: custom && {
      metricName: custom.MetricName,
      namespace: custom.Namespace,
      dimensions: fromDimensions(custom.Dimensions),
      statistic: custom.Statistic,
      unit: custom.Unit,
      metrics: custom.Metrics?.map(fromQuery),
    },
    predefinedMetricSpecification: predefined && {
      predefinedMetricType: predefined.PredefinedMetricType,
      resourceLabel: predefined.ResourceLabel,
    },
  };
}
