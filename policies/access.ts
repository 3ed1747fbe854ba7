/** The policy about what IAM policies allow. */
import type { ReportViolation, ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { isPattern, namesEverything, parseArn } from "./arns.ts";
import { documentRemedy, label, statementsOf } from "./documents.ts";
import { validateTypes } from "./resources.ts";

const noResource = "AWS takes no resource for it (Service Authorization Reference).";

const newInterface = "SageMaker makes the interface, so its id is not known: subnets and security groups are named.";

/** Actions that may be allowed on every resource, or (`ACTION on KIND/*`) on every one of a kind in one account; and why. */
const onEveryResource: Readonly<Record<string, string>> = {
  "application-autoscaling:DescribeScalableTargets": noResource,
  "application-autoscaling:DescribeScalingActivities": noResource,
  "application-autoscaling:DescribeScalingPolicies": noResource,
  "cloudwatch:DescribeAlarms": "The alarms of target tracking have names that AWS makes.",
  "cloudwatch:GetMetricData": noResource,
  "cloudwatch:GetMetricStatistics": noResource,
  "cloudwatch:ListDashboards": noResource,
  "cloudwatch:ListMetrics": noResource,
  "cloudwatch:PutMetricData": "Metrics are no resources; a condition can limit the namespace.",
  "ec2:CreateNetworkInterface on network-interface/*": newInterface,
  "ec2:CreateNetworkInterfacePermission on network-interface/*": newInterface,
  "ec2:DeleteNetworkInterface on network-interface/*": newInterface,
  "ec2:DeleteNetworkInterfacePermission on network-interface/*": newInterface,
  "ec2:DescribeDhcpOptions": noResource,
  "ec2:DescribeNetworkInterfaces": noResource,
  "ec2:DescribeSecurityGroups": noResource,
  "ec2:DescribeSubnets": noResource,
  "ec2:DescribeVpcs": noResource,
  "ecr:GetAuthorizationToken": "The token is the registry's, not a repository's.",
  "sns:Unsubscribe": noResource,
  "sqs:ListQueues": noResource,
};

/** What is allowed is written down, action by action and resource by resource. */
export const noWildcards: ResourceValidationPolicy = {
  name: "no-wildcards",
  description:
    "IAM policies name the actions and the resources that they allow: a wildcard allows what nobody has thought of, and what AWS adds later.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      onEveryResource: {
        type: "object",
        additionalProperties: { type: "string" },
        default: onEveryResource,
        description:
          "Actions that may be allowed on every resource, or on every one of a kind (`ACTION on KIND/*`), each with the reason.",
      },
    },
  },
  validateResource: validateTypes(
    [
      "aws:iam/groupPolicy:GroupPolicy",
      "aws:iam/policy:Policy",
      "aws:iam/role:Role",
      "aws:iam/rolePolicy:RolePolicy",
      "aws:iam/userPolicy:UserPolicy",
    ],
    ({ policy, inlinePolicies = [] }: { policy?: unknown; inlinePolicies?: { policy?: unknown }[] }, args, report) => {
      judgeStatements(policy, "policy", args, report);
      for (const [index, inline] of inlinePolicies.entries()) {
        judgeStatements(inline.policy, `inlinePolicies[${index}].policy`, args, report);
      }
    },
  ),
};

function judgeStatements(document: unknown, at: string, args: ResourceValidationArgs, report: ReportViolation): void {
  const { onEveryResource: exempt = onEveryResource } = args.getConfig<{ onEveryResource?: Record<string, string> }>();
  const statements = statementsOf(document);
  if (statements === undefined) {
    report(`'${args.name}' has no policy document in ${at} that can be read. ${documentRemedy}`);
    return;
  }
  for (const [index, statement] of statements.entries()) {
    if (statement.Effect !== "Allow") continue;
    const where = `In ${at} of '${args.name}', ${label(statement, index)}`;
    const { Action = [], NotAction, Resource = [], NotResource } = statement;
    if (NotAction !== undefined || NotResource !== undefined) {
      report(`${where} allows all but some. Set Action and Resource instead of NotAction and NotResource.`);
    }
    for (const action of Action.filter((each) => /[*?]/.test(each))) {
      report(`${where} allows ${action}. Set Action to the actions that are needed, each in full.`);
    }
    for (const everything of Resource.filter(namesEverything)) {
      const unexcused = Action.filter((action) => !isExempt(exempt, action, everything));
      if (unexcused.length === 0) continue;
      report(
        `${where} allows ${unexcused.join(", ")} on ${everything}. ` +
          `Set Resource to the ARNs that are meant, or give a reason for the action in the policy's config onEveryResource.`,
      );
    }
  }
}

/** Whether the config gives a reason for an action on every resource, or on every one of this kind in one account. */
function isExempt(exempt: Readonly<Record<string, string>>, action: string, pattern: string): boolean {
  if (Object.hasOwn(exempt, action)) return true;
  const { partition = "*", service = "*", account = "*", resource = "*" } = parseArn(pattern) ?? {};
  const inOneAccount = ![partition, service, account].some(isPattern);
  return inOneAccount && Object.hasOwn(exempt, `${action} on ${resource}`);
}
