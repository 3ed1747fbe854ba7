/** The program's scaling on the emulator's state machine, in virtual time. */
import type { PutMetricAlarmInput } from "@aws-sdk/client-cloudwatch";
import { ScalingHarness, resourceId } from "../../emulator/core/scaling-harness.ts";
import type { Assumptions } from "../../emulator/core/assumptions.ts";
import type { LatencyModel } from "../../emulator/core/latency-model.ts";
import type { InvocationRequest } from "../../emulator/core/worker.ts";
import { ruleOf } from "../../emulator/services/application-autoscaling/policy-input.ts";
import { settingsOf } from "../../emulator/services/cloudwatch/alarm-input.ts";
import { defaults } from "../../infra/defaults.ts";
import { idleInstancesAlarm, scalingOf } from "../../infra/scaling.ts";
import type { Alarm, Scaling, ScalingSettings, Step } from "../../infra/scaling-types.ts";

const place = { region: "us-east-1", accountId: "000000000000" };
const variant = { endpointName: "videos", variantName: "main" };

/** Name of the alarm on idle instances. */
export const backstop = "idle-instances";

function wireDimensions(dimensions: Readonly<Record<string, string>> = {}) {
  return Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
}

/** Returns the request that the provider sends for an alarm. */
function putAlarm(AlarmName: string, alarm: Alarm<string, number>, AlarmActions: string[]): PutMetricAlarmInput {
  const { metricQueries, dimensions } = alarm;
  return {
    AlarmName,
    AlarmActions,
    EvaluationPeriods: alarm.evaluationPeriods,
    DatapointsToAlarm: alarm.datapointsToAlarm,
    ComparisonOperator: alarm.comparisonOperator,
    Threshold: alarm.threshold,
    TreatMissingData: alarm.treatMissingData,
    ...(metricQueries === undefined
      ? {
          Namespace: alarm.namespace,
          MetricName: alarm.metricName,
          Dimensions: wireDimensions(dimensions),
          Statistic: alarm.statistic,
          Period: alarm.period,
        }
      : {
          Metrics: metricQueries.map(({ id, expression, returnData = false, metric }) => ({
            Id: id,
            Expression: expression,
            ReturnData: returnData,
            MetricStat: metric && {
              Metric: {
                Namespace: metric.namespace,
                MetricName: metric.metricName,
                Dimensions: wireDimensions(metric.dimensions),
              },
              Period: metric.period,
              Stat: metric.stat,
            },
          })),
        }),
  };
}

/** Returns the rule of a policy, as the emulator's Application Auto Scaling reads it. */
function putPolicy(policy: NonNullable<Scaling<string, number, Step[]>["policies"]["backlog"]>) {
  const common = { PolicyName: "", ServiceNamespace: "sagemaker", ResourceId: resourceId } as const;
  const dimension = { ScalableDimension: "sagemaker:variant:DesiredInstanceCount" } as const;
  if (policy.policyType === "StepScaling") {
    const { adjustmentType, cooldown, metricAggregationType, stepAdjustments } = policy.stepScalingPolicyConfiguration;
    return ruleOf({
      ...common,
      ...dimension,
      PolicyType: policy.policyType,
      StepScalingPolicyConfiguration: {
        AdjustmentType: adjustmentType,
        Cooldown: cooldown,
        MetricAggregationType: metricAggregationType,
        StepAdjustments: stepAdjustments.map((step) => ({
          MetricIntervalLowerBound: numberOf(step.metricIntervalLowerBound),
          MetricIntervalUpperBound: numberOf(step.metricIntervalUpperBound),
          ScalingAdjustment: step.scalingAdjustment,
        })),
      },
    });
  }
  const tracking = policy.targetTrackingScalingPolicyConfiguration;
  const { namespace, metricName, statistic, dimensions } = tracking.customizedMetricSpecification;
  return ruleOf({
    ...common,
    ...dimension,
    PolicyType: policy.policyType,
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: tracking.targetValue,
      ScaleInCooldown: tracking.scaleInCooldown,
      ScaleOutCooldown: tracking.scaleOutCooldown,
      DisableScaleIn: tracking.disableScaleIn,
      CustomizedMetricSpecification: {
        Namespace: namespace,
        MetricName: metricName,
        Statistic: statistic,
        Dimensions: dimensions.map(({ name, value }) => ({ Name: name, Value: value })),
      },
    },
  });
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Conditions of {@link scaledEndpoint}. */
export interface Conditions {
  readonly settings?: Partial<ScalingSettings>;
  readonly assumptions?: Partial<Assumptions>;
  /** @default a start of a minute, and 30 s for a request */
  readonly model?: Partial<LatencyModel<InvocationRequest>>;
  /** Number of instances at the start. @default 0 */
  readonly instances?: number;
}

/** Returns an endpoint with the policies and alarms that the program creates for the settings. */
export async function scaledEndpoint(conditions: Conditions = {}): Promise<ScalingHarness> {
  const settings: ScalingSettings = { ...defaults, ...conditions.settings };
  const { target, policies, alarms } = scalingOf(settings, variant);
  const harness = await new ScalingHarness(conditions.assumptions).deployed(
    conditions.instances ?? 0,
    { min: target.minCapacity, max: target.maxCapacity },
    conditions.model,
  );
  const arns = new Map<string, string>();
  for (const [key, policy] of Object.entries(policies)) {
    arns.set(key, harness.autoscaler.putPolicy(resourceId, key, putPolicy(policy)).arn);
  }
  for (const [key, { runs, alarm }] of Object.entries(alarms)) {
    harness.alarms.put(settingsOf(putAlarm(key, alarm, [arns.get(runs) ?? ""]), place));
  }
  harness.alarms.put(settingsOf(putAlarm(backstop, idleInstancesAlarm(variant, settings.warmWindow), []), place));
  return harness;
}
