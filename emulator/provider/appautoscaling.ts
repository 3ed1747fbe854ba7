/** Application Auto Scaling: scalable targets, their policies and their scheduled actions. */
import type * as appautoscaling from "@pulumi/aws/appautoscaling/index.js";
import { put } from "./crud.ts";
import { ProviderError } from "./errors.ts";
import type { Properties } from "./mapping.ts";
import { blockField, booleanField, decimalField, listField, numberField, setField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import type { Identity } from "./row.ts";
import { isRecord } from "./values.ts";

const common = { service: "appautoscaling", notFoundCodes: ["ObjectNotFoundException"] } as const;

const targetName = {
  resourceId: stringField({ required: true, forceNew: true }),
  scalableDimension: stringField({ required: true, forceNew: true }),
  serviceNamespace: stringField({ required: true, forceNew: true }),
};

/**
 * Parses a target and its policy or action, if any: from the last state or, for an import, from
 * `NAMESPACE/RESOURCE/DIMENSION[/NAME]`.
 */
function keyOf(id: string, { resourceId, scalableDimension, serviceNamespace, name = id }: Properties): Properties {
  if (resourceId !== undefined) return { resourceId, scalableDimension, serviceNamespace, name };
  const form =
    /^(?<serviceNamespace>[^/]+)\/(?<resourceId>.+)\/(?<scalableDimension>\w[\w-]*:[\w-]+:\w+)(?:\/(?<name>.+))?$/;
  const { groups } = form.exec(id) ?? {};
  if (groups === undefined) {
    throw new ProviderError(
      `${id} is not the id of a scalable target: use sagemaker/endpoint/E/variant/V/sagemaker:variant:DesiredInstanceCount (and /NAME for a policy or an action)`,
    );
  }
  return { ...groups };
}

/** The id is only one property: the rest of the name is in the state. */
const identity = (property: string): Identity => ({ idOf: (inputs) => String(inputs[property]), keyOf });

/** Minimum and maximum number of instances of an endpoint's variant. */
export const target = put({
  ...common,
  token: "aws:appautoscaling/target:Target",
  fields: {
    ...targetName,
    minCapacity: numberField({ required: true }),
    maxCapacity: numberField({ required: true }),
  } satisfies FieldsOf<appautoscaling.TargetArgs>,
  outputs: { arn: stringField({ member: "ScalableTargetARN" }) },
  identity: identity("resourceId"),
  tags: { set: "TagResource", remove: "UntagResource", list: "ListTagsForResource" },
  put: "RegisterScalableTarget",
  retryCodes: [{ code: "ValidationException", says: "Unable to assume IAM role" }],
  read: [{ operation: "DescribeScalableTargets", at: "ScalableTargets" }],
  derive: ({ ResourceId }) => ({ id: ResourceId }),
  delete: { operation: "DeregisterScalableTarget", awaited: true },
});

/** A rule that scales a target by steps or by a metric's target value. */
export const policy = put({
  ...common,
  token: "aws:appautoscaling/policy:Policy",
  fields: {
    name: stringField({ autoName: { max: 255 }, forceNew: true, member: "PolicyName" }),
    ...targetName,
    policyType: stringField({ default: "StepScaling" }),
    // The official provider sends an unset cooldown as 0.
    stepScalingPolicyConfiguration: blockField({
      adjustmentType: stringField(),
      cooldown: numberField({ whenUnset: 0 }),
      metricAggregationType: stringField({ computed: true }),
      stepAdjustments: setField(
        blockField({
          metricIntervalLowerBound: decimalField(),
          metricIntervalUpperBound: decimalField(),
          scalingAdjustment: numberField({ required: true }),
        }),
      ),
    }),
    targetTrackingScalingPolicyConfiguration: blockField({
      customizedMetricSpecification: blockField({
        dimensions: setField(
          blockField({ name: stringField({ required: true }), value: stringField({ required: true }) }),
        ),
        metricName: stringField(),
        namespace: stringField(),
        statistic: stringField(),
      }),
      disableScaleIn: booleanField({ default: false }),
      scaleInCooldown: numberField({ whenUnset: 0 }),
      scaleOutCooldown: numberField({ whenUnset: 0 }),
      targetValue: numberField({ required: true }),
    }),
  } satisfies FieldsOf<appautoscaling.PolicyArgs>,
  outputs: { alarmArns: listField(stringField()), arn: stringField({ member: "PolicyARN" }) },
  identity: identity("name"),
  put: "PutScalingPolicy",
  retryCodes: ["FailedResourceAccessException"],
  read: [{ operation: "DescribeScalingPolicies", at: "ScalingPolicies" }],
  derive: ({ PolicyName, Alarms }) => ({
    id: PolicyName,
    alarmArns: (Array.isArray(Alarms) ? Alarms : []).filter(isRecord).map(({ AlarmARN }) => AlarmARN),
  }),
  delete: { operation: "DeleteScalingPolicy" },
});

/** New limits of a target at the moments of a schedule. */
export const scheduledAction = put({
  ...common,
  token: "aws:appautoscaling/scheduledAction:ScheduledAction",
  fields: {
    name: stringField({ autoName: { max: 255 }, forceNew: true, member: "ScheduledActionName" }),
    ...targetName,
    scalableTargetAction: blockField({ maxCapacity: numberField(), minCapacity: numberField() }, { required: true }),
    schedule: stringField({ required: true }),
    timezone: stringField({ default: "UTC" }),
  } satisfies FieldsOf<appautoscaling.ScheduledActionArgs>,
  outputs: { arn: stringField({ member: "ScheduledActionARN" }) },
  identity: { idOf: (inputs) => [inputs["name"], inputs["serviceNamespace"], inputs["resourceId"]].join("-"), keyOf },
  put: "PutScheduledAction",
  read: [{ operation: "DescribeScheduledActions", at: "ScheduledActions" }],
  delete: { operation: "DeleteScheduledAction" },
});
