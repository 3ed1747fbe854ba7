/**
 * Permissions that Application Auto Scaling's operations need. Source, if no other is given: Service Authorization
 * Reference, "Actions, resources, and condition keys for AWS Application Auto Scaling".
 */

import type { ApplicationAutoScaling } from "@aws-sdk/client-application-auto-scaling";
import type { LinkedRole } from "../../aws-ports.ts";
import { permission } from "../../iam/permission.ts";
import type {
  Action,
  ConditionValues,
  Permission,
  PermissionsOf,
  ServicePermissions,
  Tags,
} from "../../iam/permission.ts";
import { AwsError, validationException } from "../../wire/service.ts";
import { alarmArn } from "../cloudwatch/identity.ts";
import type { TagStore } from "../tags.ts";
import type { ResourceKey } from "./resource.ts";
import type { ApplicationAutoScalingDependencies } from "./service.ts";

/** Returns the permissions of the service. */
export function scalingServicePermissions(
  dependencies: ApplicationAutoScalingDependencies,
  tags: TagStore,
  role: LinkedRole,
): ServicePermissions {
  const { region, accountId, autoscaler, roles, scalingPermissions } = dependencies;
  const on = (action: Action, arn: string, values: ConditionValues = {}): Permission =>
    permission(action, arn, { ...values, resourceTags: tags.find(arn) });
  // Without a target, AWS checks the permission for all targets (observed with DeregisterScalableTarget and with
  // TagResource for a new target).
  const anyTarget = `arn:aws:application-autoscaling:${region}:${accountId}:scalable-target/*`;
  const arnOf = ({ ResourceId = "" }: ResourceKey): string => autoscaler.target(ResourceId)?.arn ?? anyTarget;
  const onTarget = (action: Action, key: ResourceKey, requestTags: Tags = {}): Permission =>
    on(action, arnOf(key), {
      requestTags,
      keys: {
        "application-autoscaling:service-namespace": key.ServiceNamespace,
        "application-autoscaling:scalable-dimension": key.ScalableDimension,
      },
    });

  const operations = {
    RegisterScalableTarget: async (input) => [
      onTarget("application-autoscaling:RegisterScalableTarget", input, input.Tags),
      ...(Object.keys(input.Tags ?? {}).length === 0
        ? []
        : [on("application-autoscaling:TagResource", arnOf(input), { requestTags: input.Tags ?? {} })]),
      // The first target of an account creates the role in the caller's name (user guide, "Identity-based policy
      // examples", "Permissions required to create a service-linked role").
      ...((await roles.exists(role.arn))
        ? []
        : [permission("iam:CreateServiceLinkedRole", role.arn, { keys: { "iam:AWSServiceName": role.service } })]),
    ],
    DeregisterScalableTarget: (input) => [onTarget("application-autoscaling:DeregisterScalableTarget", input)],
    PutScalingPolicy: (input) => [onTarget("application-autoscaling:PutScalingPolicy", input)],
    DeleteScalingPolicy: (input) => [onTarget("application-autoscaling:DeleteScalingPolicy", input)],
    PutScheduledAction: (input) => [onTarget("application-autoscaling:PutScheduledAction", input)],
    DeleteScheduledAction: (input) => [onTarget("application-autoscaling:DeleteScheduledAction", input)],
    DescribeScalableTargets: () => [permission("application-autoscaling:DescribeScalableTargets", "*")],
    DescribeScalingPolicies: () => [permission("application-autoscaling:DescribeScalingPolicies", "*")],
    DescribeScalingActivities: () => [permission("application-autoscaling:DescribeScalingActivities", "*")],
    DescribeScheduledActions: () => [permission("application-autoscaling:DescribeScheduledActions", "*")],
    ListTagsForResource: ({ ResourceARN = anyTarget }) => [
      on("application-autoscaling:ListTagsForResource", ResourceARN),
    ],
    TagResource: ({ ResourceARN = anyTarget, Tags = {} }) => [
      on("application-autoscaling:TagResource", ResourceARN, { requestTags: Tags }),
    ],
    UntagResource: ({ ResourceARN = anyTarget, TagKeys = [] }) => [
      on("application-autoscaling:UntagResource", ResourceARN, { tagKeys: TagKeys }),
    ],
  } satisfies PermissionsOf<ApplicationAutoScaling>;

  // Source: user guide, "Permissions validation for API calls on target resources": alarms without a name, all alarms.
  // Its example is Aurora; the permissions are those of "Identity-based policy examples", SageMaker endpoints.
  const tested = {
    RegisterScalableTarget: ({ ResourceId = "" }) => [
      ...scalingPermissions(ResourceId),
      permission("cloudwatch:PutMetricAlarm", alarmArn({ region, accountId }, "")),
      permission("cloudwatch:DescribeAlarms", alarmArn({ region, accountId }, "*")),
      permission("cloudwatch:DeleteAlarms", alarmArn({ region, accountId }, "")),
    ],
  } satisfies PermissionsOf<ApplicationAutoScaling>;

  return {
    operations,
    // Status: observed (aws-samples/aws-application-auto-scaling-kinesis#1).
    denied: (message) => new AwsError("AccessDeniedException", message, 400),
    tested: {
      operations: tested,
      // Words: observed (aws/aws-auto-scaling-custom-resource#25).
      denied: (actions) => validationException(`User is missing the following permissions: ${actions.join(", ")}`),
    },
  };
}
