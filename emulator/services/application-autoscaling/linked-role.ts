/** The service-linked role by which Application Auto Scaling changes the variants of SageMaker endpoints. */

import type { LinkedRole } from "../../aws-ports.ts";
import type { CapacityPort } from "../../core/scaling-types.ts";
import { actionsOf } from "../../iam/actors.ts";
import type { Authorizer } from "../../iam/authorizer.ts";

/**
 * Returns the role. Sources: Application Auto Scaling user guide, "Service-linked roles"; AWS managed policy reference,
 * AWSApplicationAutoscalingSageMakerEndpointPolicy (version 2).
 */
export function linkedRole(accountId: string): LinkedRole {
  const service = "sagemaker.application-autoscaling.amazonaws.com";
  const name = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint";
  return {
    arn: `arn:aws:iam::${accountId}:role/aws-service-role/${service}/${name}`,
    service,
    policy: {
      name: "AWSApplicationAutoscalingSageMakerEndpointPolicy",
      statements: [
        {
          Sid: "SageMaker",
          Effect: "Allow",
          Action: [
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:DescribeInferenceComponent",
            "sagemaker:UpdateEndpointWeightsAndCapacities",
            "sagemaker:UpdateInferenceComponentRuntimeConfig",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetMetricData",
          ],
          Resource: ["*"],
        },
        {
          Sid: "SageMakerCloudWatchUpdate",
          Effect: "Allow",
          Action: ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
          Resource: ["arn:aws:cloudwatch:*:*:alarm:TargetTracking*"],
        },
      ],
    },
  };
}

/**
 * Returns a capacity that is set with the role's permissions.
 * @returns a port whose `set` rejects with AWS's words if the role lacks one; the session's name is an assumption
 */
export function capacityByLinkedRole(
  capacity: CapacityPort,
  authorizer: Authorizer,
  { region, accountId }: { readonly region: string; readonly accountId: string },
): CapacityPort {
  const caller = { roleArn: linkedRole(accountId).arn, sessionName: "AutoScaling-SetDesiredCapacity" };
  return {
    current: (resourceId) => capacity.current(resourceId),
    async set(resourceId, count) {
      const [, name = ""] = resourceId.split("/");
      const resources = [`arn:aws:sagemaker:${region}:${accountId}:endpoint/${name}`];
      for (const action of actionsOf("scaling activity", "sagemaker")) {
        const { allowed, message } = await authorizer.authorize({ caller, action, resources, context: {} });
        if (!allowed) throw new Error(message);
      }
      await capacity.set(resourceId, count);
    },
  };
}
