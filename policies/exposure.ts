/** Policies on the access of others to a stack's resources. */
import type { GrantArgs } from "@pulumi/aws/kms/grant.js";
import type { PermissionArgs } from "@pulumi/aws/lambda/permission.js";
import type { TopicSubscriptionArgs } from "@pulumi/aws/sns/topicSubscription.js";
import type { PolicyResource } from "@pulumi/policy";
import { isAccount, parseArn } from "./arns.ts";
import { limitsWho } from "./conditions.ts";
import { allowing } from "./documents.ts";
import { resourcePolicy, stackPolicy, stringList } from "./policy.ts";
import { ofType, validateTypes } from "./resources.ts";
import type { Typed } from "./resources.ts";
import { ifKnown, evaluateEach } from "./unknown.ts";

/** Types whose property `policy` is a resource policy: of the resource itself, or of another one that it attaches the policy to. */
const opened = [
  "aws:kms/externalKey:ExternalKey",
  "aws:kms/key:Key",
  "aws:kms/keyPolicy:KeyPolicy",
  "aws:kms/replicaExternalKey:ReplicaExternalKey",
  "aws:kms/replicaKey:ReplicaKey",
  "aws:lambda/resourcePolicy:ResourcePolicy",
  "aws:s3/accessPoint:AccessPoint",
  "aws:s3/bucket:Bucket",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketV2:BucketV2",
  "aws:s3control/accessGrantsInstanceResourcePolicy:AccessGrantsInstanceResourcePolicy",
  "aws:s3control/accessPointPolicy:AccessPointPolicy",
  "aws:s3control/bucketPolicy:BucketPolicy",
  "aws:s3control/objectLambdaAccessPointPolicy:ObjectLambdaAccessPointPolicy",
  "aws:sns/topic:Topic",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sqs/queue:Queue",
  "aws:sqs/queuePolicy:QueuePolicy",
];

interface Opened {
  readonly policy?: unknown;
}

/** A bucket, topic, queue, key or function allows only named principals. */
export const noPublicAccess = resourcePolicy({
  name: "no-public-access",
  description:
    "The policy of a bucket, an access point, a topic, a queue or a key must not allow every principal, so that data does not leak.",
  validate: validateTypes(opened, ({ policy }: Opened, { name }, reportViolation) => {
    for (const { statement, where } of allowing(policy, "policy", name, reportViolation)) {
      const { Principal = {}, NotPrincipal } = statement;
      const everyone =
        NotPrincipal !== undefined || Object.values(Principal).some((principals) => principals.includes("*"));
      if (everyone && !limitsWho(statement)) {
        reportViolation(
          `${where} allows everyone. ` +
            `Set Principal to the intended principals, or limit it by a Condition: StringEquals aws:PrincipalAccount, an account's number.`,
        );
      }
    }
  }),
});

/** The stack's data stays in its account, unless the config names other recipients. */
export const noForeignAccess = stackPolicy({
  name: "no-foreign-access",
  description:
    "Resource policies, KMS grants, Lambda permissions and topic subscriptions may reach only the stack's account and the principals and endpoints in the config. Any other gives data to strangers.",
  config: {
    principals: stringList(
      "Account numbers, and ARNs of principals, that may be allowed in addition to the stack's account.",
    ),
    endpoints: stringList("Addresses and ARNs that topics may send to, in addition to e-mail and the stack's account."),
  },
  validate: (args, reportViolation) => {
    const { resources } = args;
    const { principals: named, endpoints } = args.getConfig<{ principals: string[]; endpoints: string[] }>();
    const own = ownAccounts(resources);
    /** Checks if a principal, or a resource's ARN, is of an allowed account. */
    const isMeant = (who: string): boolean => {
      if (named.includes(who)) return true;
      const account = isAccount(who) ? who : (parseArn(who)?.account ?? "");
      return isAccount(account) && (named.includes(account) || own().has(account));
    };
    const remedy = "Remove it. If it is intended, add it to principals in the policy's config.";

    evaluateEach(ofType<Opened>(resources, ...opened), reportViolation, ({ name, urn, props }) => {
      // no-public-access reports a document that cannot be read.
      for (const { statement, where } of allowing(props.policy, "policy", name, () => undefined)) {
        // The conditions of a statement limit a service; no-public-access reports statements for everyone.
        const strangers = Object.entries(statement.Principal ?? {}).flatMap(([kind, who]) =>
          kind === "Service" ? [] : who,
        );
        for (const who of strangers.filter((each) => each !== "*" && !isMeant(each))) {
          reportViolation(`${where} allows ${who}. ${remedy}`, urn);
        }
      }
    });

    evaluateEach(ofType<GrantArgs>(resources, "aws:kms/grant:Grant"), reportViolation, ({ name, urn, props }) => {
      if (!isMeant(props.granteePrincipal)) {
        reportViolation(`The grant '${name}' gives a key to ${props.granteePrincipal}. ${remedy}`, urn);
      }
    });

    const permissions = ofType<PermissionArgs>(resources, "aws:lambda/permission:Permission");
    evaluateEach(permissions, reportViolation, (permission) => {
      const who = invoker(permission);
      if (isMeant(who)) return;
      const forAnyone =
        "for any account that it acts for. Set its sourceAccount to this account's number, and its sourceArn";
      reportViolation(
        `The permission '${permission.name}' lets ${permission.props.principal} call a function${who === "" ? ` ${forAnyone}.` : `. ${remedy}`}`,
        permission.urn,
      );
    });

    const subscriptions = ofType<TopicSubscriptionArgs>(resources, "aws:sns/topicSubscription:TopicSubscription");
    evaluateEach(subscriptions, reportViolation, ({ name, urn, props: { protocol, endpoint } }) => {
      // SNS asks the owner of an e-mail address to confirm. Every other address can receive without a person's consent.
      if (["email", "email-json"].includes(protocol) || endpoints.includes(endpoint)) return;
      if (!parseArn(endpoint) || !isMeant(endpoint)) {
        reportViolation(
          `The subscription '${name}' sends a topic's messages to ${endpoint} (${protocol}). ` +
            `Set its endpoint to a queue or a function of this account. If it is intended, add it to endpoints in the policy's config.`,
          urn,
        );
      }
    });
  },
});

/** Returns the caller of a function: a principal, or for a service the account that it acts for; empty if it is not set. */
function invoker({ props }: Typed<PermissionArgs>): string {
  const { principal, sourceAccount, sourceArn } = props;
  if (!principal.endsWith(".amazonaws.com")) return principal;
  return sourceAccount ?? sourceArn ?? "";
}

/**
 * Types that AWS looks up by name in the caller's account. A program can read a key or a topic of another account into its
 * stack by its ARN, so that ARN does not identify the stack's account.
 */
const namedInAccount = [
  "aws:cloudwatch/metricAlarm:MetricAlarm",
  "aws:iam/role:Role",
  "aws:sagemaker/endpoint:Endpoint",
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  "aws:sagemaker/model:Model",
];

/**
 * Finds the accounts that the stack is deployed to, on first use: those in the ARNs that AWS has returned.
 * @throws the framework's error for unknown values if AWS has returned none yet
 */
function ownAccounts(resources: readonly PolicyResource[]): () => ReadonlySet<string> {
  let found: ReadonlySet<string> | undefined;
  return () => {
    if (found !== undefined) return found;
    const candidates = ofType(resources, ...namedInAccount);
    const accountOf = ({ props }: Typed<unknown>): string => parseArn(props.arn ?? "")?.account ?? "";
    const accounts = candidates.flatMap((each) => ifKnown(() => accountOf(each))?.value ?? []).filter(isAccount);
    if (accounts.length === 0) candidates.forEach(accountOf);
    found = new Set(accounts);
    return found;
  };
}
