/** The policy on the permissions of IAM policies. */
import type { ReportViolation, ResourceValidationArgs } from "@pulumi/policy";
import { isPattern, namesEverything, parseArn } from "./arns.ts";
import { allowing } from "./documents.ts";
import { resourcePolicy } from "./policy.ts";
import { validateTypes } from "./resources.ts";

const noResource = "AWS supports no resource for it (Service Authorization Reference).";

const newInterface = "SageMaker creates the interface, so its ID is not known: subnets and security groups are named.";

/** Reasons of the actions that may be allowed on every resource, or (`ACTION on KIND/*`) on every resource of a kind in one account. */
const onEveryResource: Readonly<Record<string, string>> = {
  "application-autoscaling:DescribeScalableTargets": noResource,
  "application-autoscaling:DescribeScalingActivities": noResource,
  "application-autoscaling:DescribeScalingPolicies": noResource,
  "cloudwatch:DescribeAlarms": "AWS generates the names of target tracking's alarms.",
  "cloudwatch:GetMetricData": noResource,
  "cloudwatch:GetMetricStatistics": noResource,
  "cloudwatch:ListDashboards": noResource,
  "cloudwatch:ListMetrics": noResource,
  "cloudwatch:PutMetricData": "Metrics are not resources; a condition can limit the namespace.",
  "ec2:CreateNetworkInterface on network-interface/*": newInterface,
  "ec2:CreateNetworkInterfacePermission on network-interface/*": newInterface,
  "ec2:DeleteNetworkInterface on network-interface/*": newInterface,
  "ec2:DeleteNetworkInterfacePermission on network-interface/*": newInterface,
  "ec2:DescribeDhcpOptions": noResource,
  "ec2:DescribeNetworkInterfaces": noResource,
  "ec2:DescribeSecurityGroups": noResource,
  "ec2:DescribeSubnets": noResource,
  "ec2:DescribeVpcs": noResource,
  "ecr:GetAuthorizationToken": "The token is valid for the registry, not for a repository.",
  "sns:Unsubscribe": noResource,
  "sqs:ListQueues": noResource,
};

/** Requires each permission to name its actions and resources. */
export const noWildcards = resourcePolicy({
  name: "no-wildcards",
  description:
    "IAM policies must name the actions and resources that they allow. A wildcard also allows unintended actions and those that AWS adds later.",
  config: {
    onEveryResource: {
      type: "object",
      additionalProperties: { type: "string" },
      default: onEveryResource,
      description:
        "Reasons of the actions that may be allowed on every resource, or on every resource of a kind (`ACTION on KIND/*`).",
    },
  },
  validate: validateTypes(
    [
      "aws:iam/groupPolicy:GroupPolicy",
      "aws:iam/policy:Policy",
      "aws:iam/role:Role",
      "aws:iam/rolePolicy:RolePolicy",
      "aws:iam/userPolicy:UserPolicy",
    ],
    ({ policy, inlinePolicies = [] }: { policy?: unknown; inlinePolicies?: { policy?: unknown }[] }, args, report) => {
      evaluateStatements(policy, "policy", args, report);
      for (const [index, inline] of inlinePolicies.entries()) {
        evaluateStatements(inline.policy, `inlinePolicies[${index}].policy`, args, report);
      }
    },
  ),
});

function evaluateStatements(
  document: unknown,
  at: string,
  args: ResourceValidationArgs,
  report: ReportViolation,
): void {
  const { onEveryResource: exempt } = args.getConfig<{ onEveryResource: Record<string, string> }>();
  for (const { statement, where } of allowing(document, at, args.name, report)) {
    const { Action = [], NotAction, Resource = [], NotResource } = statement;
    if (NotAction !== undefined || NotResource !== undefined) {
      report(`${where} allows everything except a list. Set Action and Resource instead of NotAction and NotResource.`);
    }
    for (const action of Action.filter((each) => /[*?]/.test(each))) {
      report(`${where} allows ${action}. Set Action to the required actions, each in full.`);
    }
    for (const everything of Resource.filter(namesEverything)) {
      const unexcused = Action.filter((action) => !isExempt(exempt, action, everything));
      if (unexcused.length === 0) continue;
      report(
        `${where} allows ${unexcused.join(", ")} on ${everything}. ` +
          `Set Resource to the intended ARNs, or give a reason for the action in the policy's config onEveryResource.`,
      );
    }
  }
}

/** Checks that the config gives a reason for an action on every resource, or on every resource of this kind in one account. */
function isExempt(exempt: Readonly<Record<string, string>>, action: string, pattern: string): boolean {
  if (Object.hasOwn(exempt, action)) return true;
  const { partition = "*", service = "*", account = "*", resource = "*" } = parseArn(pattern) ?? {};
  const inOneAccount = ![partition, service, account].some(isPattern);
  return inOneAccount && Object.hasOwn(exempt, `${action} on ${resource}`);
}
