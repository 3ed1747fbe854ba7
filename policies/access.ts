/** Policies about who may do what. */
import { Role } from "@pulumi/aws/iam/role.js";
import {
  type ReportViolation,
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  validateResourceOfType,
} from "@pulumi/policy";
import { conditionValues, label, type Statement, statementsOf } from "./documents.ts";
import { validateTypes } from "./resources.ts";

const noResource = "AWS takes no resource for it (Service Authorization Reference).";

/** Actions that may be allowed on every resource, and why. */
const onEveryResource: Readonly<Record<string, string>> = {
  "application-autoscaling:DescribeScalableTargets": noResource,
  "application-autoscaling:DescribeScalingActivities": noResource,
  "application-autoscaling:DescribeScalingPolicies": noResource,
  "cloudwatch:DescribeAlarms": "The alarms of target tracking have names that AWS makes.",
  "cloudwatch:GetMetricData": noResource,
  "cloudwatch:GetMetricStatistics": noResource,
  "cloudwatch:ListMetrics": noResource,
  "cloudwatch:PutMetricData": "Metrics are no resources; a condition can limit the namespace.",
  "ec2:DescribeDhcpOptions": noResource,
  "ec2:DescribeNetworkInterfaces": noResource,
  "ec2:DescribeSecurityGroups": noResource,
  "ec2:DescribeSubnets": noResource,
  "ec2:DescribeVpcs": noResource,
  "ecr:GetAuthorizationToken": "The token is the registry's, not a repository's.",
  "sns:Unsubscribe": noResource,
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
        description: "Actions that may be allowed on every resource, each with the reason.",
      },
    },
  },
  validateResource: validateTypes(
    ["aws:iam/policy:Policy", "aws:iam/rolePolicy:RolePolicy", "aws:iam/role:Role"],
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
    report(`'${args.name}' has no policy document in ${at}. Set it to one, with a Statement.`);
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
    const everything = Resource.find(namesEverything);
    const unexcused = Action.filter((action) => exempt[action] === undefined);
    if (everything !== undefined && unexcused.length > 0) {
      report(
        `${where} allows ${unexcused.join(", ")} on ${everything}. ` +
          `Set Resource to the ARNs that are meant, or give a reason for the action in the policy's config onEveryResource.`,
      );
    }
  }
}

/** Whether an ARN names all there is of a service: `*`, and `arn:aws:s3:::*`, but not a bucket's objects or a prefix. */
function namesEverything(arn: string): boolean {
  const [, , service = "*", , , ...resource] = arn.split(":");
  return /^[*?]+$/.test(arn) || service.includes("*") || /^([a-z-]+[:/])?\*+$/.test(resource.join(":"));
}

/** A role is taken by whom it is meant for alone. */
export const trustedPrincipals: ResourceValidationPolicy = {
  name: "trusted-principals",
  description:
    "A role is taken by AWS services acting for this account, and by principals that the config names: anyone else could work in its name.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      principals: {
        type: "array",
        items: { type: "string" },
        default: [],
        description: "ARNs of principals, or of identity providers, that roles may trust beside services.",
      },
    },
  },
  validateResource: validateResourceOfType(Role, (role, args, reportViolation) => {
    const { principals: allowed = [] } = args.getConfig<{ principals?: string[] }>();
    const statements = statementsOf(role.assumeRolePolicy);
    if (statements === undefined) {
      reportViolation(`The role '${args.name}' has no policy document in assumeRolePolicy. Set it to one.`);
      return;
    }
    for (const [index, statement] of statements.entries()) {
      if (statement.Effect !== "Allow") continue;
      const where = `In assumeRolePolicy of the role '${args.name}', ${label(statement, index)}`;
      if (statement.NotPrincipal !== undefined) {
        reportViolation(`${where} trusts all but some. Set Principal instead of NotPrincipal.`);
      }
      for (const [kind, principals] of Object.entries(statement.Principal ?? {})) {
        if (kind === "Service") {
          if (!limitsSource(statement)) {
            reportViolation(
              `${where} trusts ${principals.join(", ")} for whichever account it acts. ` +
                `Set Condition to StringEquals aws:SourceAccount, this account's number.`,
            );
          }
          continue;
        }
        for (const principal of principals.filter((each) => !allowed.includes(each))) {
          reportViolation(
            `${where} trusts ${principal}. Remove it, or, if it is meant, as another account's root ` +
              `(arn:aws:iam::ACCOUNT:root) may be, add it to principals in the policy's config.`,
          );
        }
      }
    }
  }),
};

function limitsSource(statement: Statement): boolean {
  const values = [...conditionValues(statement, "aws:SourceAccount"), ...conditionValues(statement, "aws:SourceArn")];
  return values.length > 0 && !values.includes("*");
}

/** A bucket, topic, queue or key is opened to those who are named. */
export const noPublicAccess: ResourceValidationPolicy = {
  name: "no-public-access",
  description: "The policy of a bucket, a topic, a queue or a key allows nothing to everyone: that is how data leaks.",
  enforcementLevel: "mandatory",
  validateResource: validateTypes(
    [
      "aws:s3/bucketPolicy:BucketPolicy",
      "aws:sns/topicPolicy:TopicPolicy",
      "aws:sqs/queuePolicy:QueuePolicy",
      "aws:kms/key:Key",
    ],
    judgePublic,
  ),
};

/** A condition on who asks narrows "everyone" down; others, such as on the source's address, do not say who. */
const whoAsks = [
  "aws:PrincipalAccount",
  "aws:PrincipalArn",
  "aws:PrincipalOrgID",
  "aws:SourceAccount",
  "aws:SourceArn",
  "kms:CallerAccount",
];

function judgePublic(
  props: { readonly policy?: unknown },
  args: ResourceValidationArgs,
  report: ReportViolation,
): void {
  for (const [index, statement] of (statementsOf(props.policy) ?? []).entries()) {
    const { Effect, Principal = {}, NotPrincipal } = statement;
    if (Effect !== "Allow") continue;
    const everyone =
      NotPrincipal !== undefined || Object.values(Principal).some((principals) => principals.includes("*"));
    const limited = whoAsks.some((key) => conditionValues(statement, key).some((value) => value !== "*"));
    if (everyone && !limited) {
      report(
        `In policy of '${args.name}', ${label(statement, index)} allows everyone. ` +
          `Set Principal to those who are meant, or limit it by a Condition on aws:PrincipalAccount.`,
      );
    }
  }
}
