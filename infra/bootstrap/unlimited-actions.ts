/**
 * Actions that cannot be limited to one environment's resources. README.md shows them as a table (`unlimited-actions-table.ts`); no other statement of
 * the bootstrap's policies applies to every resource, or to every resource of a kind (`separation.long.e2e.ts`).
 */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { allow } from "../iam/policy-document.ts";

const noResource = "AWS supports no resource (Service Authorization Reference).";

/** Actions with the same reason and risk. */
export interface UnlimitedActions {
  readonly actions: readonly string[];
  /** Why no resource limits them, with the source. */
  readonly why: string;
  /** Effect of the actions on other resources. */
  readonly risk: string;
  /** Set if a condition keeps other environments' resources out, so that the risk concerns only the rest of the account. */
  readonly conditional?: true;
}

/** Actions that IAM cannot restrict to a resource, with the reason. */
export const unlimitedActions = {
  scaling: {
    actions: [
      "application-autoscaling:DeleteScalingPolicy",
      "application-autoscaling:DeleteScheduledAction",
      "application-autoscaling:DeregisterScalableTarget",
      "application-autoscaling:PutScalingPolicy",
      "application-autoscaling:PutScheduledAction",
      "application-autoscaling:RegisterScalableTarget",
      "application-autoscaling:TagResource",
      "application-autoscaling:UntagResource",
    ],
    why: "The ARN of a scalable target contains an ID that AWS assigns (Service Authorization Reference). A deny statement applies if the target's tag `stack` is another environment's.",
    risk: "Changes or removes the scaling of targets without a tag `stack`, such as another team's.",
    conditional: true,
  },
  scalingTags: {
    actions: ["application-autoscaling:ListTagsForResource"],
    why: "The ARN of a scalable target contains an ID that AWS assigns (Service Authorization Reference).",
    risk: "Shows the tags of scalable targets.",
  },
  scalingState: {
    actions: [
      "application-autoscaling:DescribeScalableTargets",
      "application-autoscaling:DescribeScalingActivities",
      "application-autoscaling:DescribeScalingPolicies",
      "application-autoscaling:DescribeScheduledActions",
    ],
    why: noResource,
    risk: "Shows scalable targets, their limits, policies and scheduled actions.",
  },
  alarms: {
    actions: ["cloudwatch:DescribeAlarms"],
    why: "Stacks and their roles read alarms that others named: those of target tracking, and the setting `rollbackAlarms`.",
    risk: "Shows the settings and states of alarms.",
  },
  metrics: {
    actions: ["cloudwatch:GetMetricStatistics"],
    why: noResource,
    risk: "Shows metrics.",
  },
  publishedMetrics: {
    actions: ["cloudwatch:PutMetricData"],
    why: "AWS supports no resource (Service Authorization Reference). The policies of the roles that stacks create limit the namespace.",
    risk: "Publishes false values of another endpoint's instance metrics and of other teams' metrics. It cannot publish to namespaces that start with AWS and a slash.",
  },
  networkInterfaces: {
    actions: [
      "ec2:CreateNetworkInterface",
      "ec2:CreateNetworkInterfacePermission",
      "ec2:DeleteNetworkInterface",
      "ec2:DeleteNetworkInterfacePermission",
    ],
    why: "SageMaker creates the interfaces, so their IDs are not known. The policies of the roles that stacks create name subnets and security groups.",
    risk: "Creates interfaces in other subnets, and deletes interfaces that are not attached.",
  },
  networks: {
    actions: [
      "ec2:DescribeDhcpOptions",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcs",
    ],
    why: noResource,
    risk: "Shows networks.",
  },
  images: {
    actions: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    why: "AWS's images are in accounts of AWS, one for each region. The policies of the roles that stacks create name the repository.",
    risk: "Reads images, if their repository's policy allows it.",
  },
  registry: {
    actions: ["ecr:GetAuthorizationToken"],
    why: "The token is valid for the registry (Service Authorization Reference: no resource).",
    risk: "None without one of the actions above.",
  },
  keys: {
    actions: ["kms:DescribeKey"],
    why: "The provider looks up AWS's key for S3, whose ID differs in each account (terraform-provider-aws, `internal/service/s3/object.go`). A condition limits the action to the alias `alias/aws/s3`.",
    risk: "Shows the metadata of that key.",
    conditional: true,
  },
  logGroups: {
    actions: ["logs:DescribeLogGroups"],
    why: "AWS compares it with an ARN without a name, `log-group::log-stream:` (hashicorp/terraform-provider-aws#8804).",
    risk: "Shows the names of log groups.",
  },
  models: {
    actions: ["sagemaker:ListModels"],
    why: noResource,
    risk: "Shows the names of models.",
  },
  subscriptionState: {
    actions: ["sns:GetSubscriptionAttributes"],
    why: noResource,
    risk: "Shows the address and the filter of a subscription whose ARN is known.",
  },
  subscriptions: {
    actions: ["sns:SetSubscriptionAttributes", "sns:Unsubscribe"],
    why: noResource,
    risk: "Ends or filters a subscription whose ARN is known, so that notifications get lost; sends notifications that cannot be delivered to another queue. The ARN contains a UUID; no role can list another environment's subscriptions.",
  },
  queues: {
    actions: ["sqs:ListQueues"],
    why: noResource,
    risk: "Shows the names of queues.",
  },
} as const satisfies Readonly<Record<string, UnlimitedActions>>;

/** An action of the list. */
export type UnlimitedAction = (typeof unlimitedActions)[keyof typeof unlimitedActions]["actions"][number];

/** Allows actions of the list, on every resource or on every resource of a kind. */
export function allowUnlimited(
  sid: string,
  actions: readonly UnlimitedAction[],
  resource: pulumi.Input<string> | pulumi.Input<string>[] = "*",
  condition?: PolicyStatement["Condition"],
): PolicyStatement {
  return allow(sid, [...actions], resource, condition);
}
