/** The service-linked role by which Application Auto Scaling changes the variants of SageMaker endpoints. */

import type { LinkedRole } from "../../aws-ports.ts";

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
