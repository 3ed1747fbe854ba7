/** Forbidden calls: calls that are allowed, with one thing changed. */
import { accountId, region } from "../../infra/testing/registrations.ts";
import type { Call, Caller } from "./replay.ts";
import { environmentStacks, roleArn } from "./account-policies.ts";

/** An account that no policy names. */
export const strangerAccount = "777788889999";

const other = "other";

/** A forbidden call. */
export interface ForbiddenCall {
  readonly call: Call;
  /**
   * True if the program's policies must deny it. Others only show mutants: AWS denies them for reasons outside these policies, or
   * the changed value does not matter to the call.
   */
  readonly mustBeDenied: boolean;
}

/** Returns variants of a call that a narrow policy denies. */
export function forbiddenVariants(call: Call): ForbiddenCall[] {
  const { caller, action, resource, context } = call;
  const isLimited = !("role" in caller) || !unlimitedRole.test(caller.role);
  return [
    ...otherResources(resource).map((each) => ({ call: { ...call, resource: each }, mustBeDenied: false })),
    ...otherContexts(context).map(({ changed, context: each }) => ({
      call: { ...call, context: each },
      mustBeDenied: isLimited && isDecisive(call, changed),
    })),
    ...otherCallers(call).map((each) => ({
      call: { ...call, caller: each },
      // A queue's key is used without a source (`infra/iam/key-policy.ts`), and SageMaker may leave its own out
      // (`infra/iam/execution-role.ts`).
      mustBeDenied:
        !("role" in caller) &&
        !("role" in each) &&
        !action.startsWith("kms:") &&
        !(action === "sts:AssumeRole" && "service" in each && !("sourceAccount" in each)),
    })),
  ];
}

/** Roles whose own policies allow everything. */
const unlimitedRole = /-(created|rogue)-0a1b2c3$/;

/** Condition keys that decide about actions in every statement that allows them. */
const decisiveKeys: readonly (readonly [action: RegExp, key: string])[] = [
  [
    /^iam:(CreateRole|PutRolePermissionsBoundary|PutRolePolicy|AttachRolePolicy|DetachRolePolicy)$/,
    "iam:permissionsboundary",
  ],
  [/^iam:(AttachRolePolicy|DetachRolePolicy)$/, "iam:policyarn"],
  [/^iam:PassRole$/, "iam:passedtoservice"],
  [/^iam:CreateServiceLinkedRole$/, "iam:awsservicename"],
  [/^sns:Subscribe$/, "sns:protocol"],
  [/^kms:DescribeKey$/, "kms:requestalias"],
  [/^cloudwatch:PutMetricData$/, "cloudwatch:namespace"],
];

/** Tells whether a call without TLS, or with another value of a condition key, must be denied. */
function isDecisive({ caller, action, resource }: Call, changed: string): boolean {
  if (changed === "aws:securetransport")
    return /^arn:aws:(s3:::(async-)?video-|sqs:.*:video-.*-(success|error)-0)/.test(resource);
  return "role" in caller && decisiveKeys.some(([actions, key]) => key === changed && actions.test(action));
}

/** Returns resources of the same kind: in another account or region, of another stack or environment, with another name. */
function otherResources(arn: string): string[] {
  if (arn === "*") return [];
  const [prefix, name] = splitArn(arn);
  const renamed = name
    .replace(
      /(?<!async-)video-(local|full|dev|prod|pr-7)-/,
      (_, stack: string) => `video-${stack === "dev" ? "prod" : "dev"}-`,
    )
    .replace(
      /async-video-(dev|production|ephemeral)/,
      (_, one: string) => `async-video-${one === "dev" ? "production" : "dev"}`,
    );
  return [
    arn.replace(`:${accountId}:`, `:${strangerAccount}:`),
    arn.replace(`:${region}:`, ":us-west-2:"),
    `${prefix}${renamed}`,
    `${prefix}${otherName(name)}`,
  ].filter((each) => each !== arn);
}

function splitArn(arn: string): [prefix: string, name: string] {
  const parts = arn.split(":");
  return [`${parts.slice(0, 5).join(":")}:`, parts.slice(5).join(":")];
}

/** Returns a name of the same kind, such as `role/other`, that starts as no pattern does. */
function otherName(name: string): string {
  const kind = /^[a-z-]+[:/]/.exec(name)?.[0] ?? "";
  return `${name.startsWith("log-group:") ? "log-group:/aws/lambda/" : kind}${other}/${other}`;
}

interface ChangedContext {
  /** The condition key. */
  readonly changed: string;
  readonly context: Call["context"];
}

/** Returns contexts with another value for each key, without each key, and without TLS. */
function otherContexts(context: Call["context"]): ChangedContext[] {
  const keys = Object.keys(context);
  return [
    ...keys.map((key) => {
      const value = Array.isArray(context[key]) ? [other] : other;
      return { changed: key, context: { ...context, [key]: value } };
    }),
    ...keys.map((key) => ({
      changed: key,
      context: Object.fromEntries(Object.entries(context).filter(([each]) => each !== key)),
    })),
    { changed: "aws:securetransport", context: { ...context, "aws:securetransport": "false" } },
  ];
}

/** Returns the principals of other services, accounts, environments and tokens. */
function otherCallers({ caller, resource }: Call): Caller[] {
  const stranger = { user: `arn:aws:iam::${strangerAccount}:user/${other}` };
  if ("role" in caller) {
    const isKey = resource.startsWith("arn:aws:kms:");
    return [{ anonymous: "true" }, ...(hasOwnPolicy(resource) ? [stranger] : []), ...(isKey ? rogueRoles : [])];
  }
  if ("service" in caller) {
    const { sourceArn, sourceAccount, ...service } = caller;
    return [
      { ...caller, service: "ec2.amazonaws.com" },
      // Either one decides.
      ...(sourceArn === undefined && sourceAccount === undefined
        ? []
        : [
            service,
            {
              ...service,
              ...(sourceAccount === undefined ? {} : { sourceAccount: strangerAccount }),
              ...(sourceArn === undefined ? {} : { sourceArn: sourceArn.replace(/[^:]*$/, other) }),
            },
          ]),
    ];
  }
  if ("provider" in caller) {
    return [
      { ...caller, audience: other },
      { ...caller, provider: caller.provider.replace("token.actions.githubusercontent.com", "oidc.example.com") },
      ...[
        "repo:team/videos:pull_request",
        "repo:team/videos:ref:refs/heads/main",
        "repo:fork/videos:environment:dev",
        "repo:team/videos:environment:other",
      ].map((subject) => ({ ...caller, subject })),
    ];
  }
  return [stranger];
}

/** Services whose resources have policies that a stranger needs. */
const hasOwnPolicy = (arn: string): boolean => /^arn:aws:(s3|sns|sqs|kms):/.test(arn);

/** Roles of each environment that may do everything, without a boundary: only the policies of resources limit them. */
export const rogueRoles: readonly { readonly role: string }[] = Object.entries(environmentStacks).flatMap(
  ([environment, stack]) => [
    { role: roleArn(`video-${stack}-rogue-0a1b2c3`) },
    { role: roleArn(`async-video-${environment}-rogue-0a1b2c3`) },
  ],
);
