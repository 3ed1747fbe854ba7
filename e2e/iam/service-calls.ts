/** Calls of services for settings that the recorded stacks do not have, and calls that no emulator makes, with their sources. */
import { actorCalls } from "../../emulator/iam/actors.ts";
import { environments } from "../../infra/bootstrap/environments.ts";
import { hostNamespace, namespace } from "../../infra/endpoint-metrics.ts";
import { accountId, region } from "../../infra/testing/registrations.ts";
import { keyContext } from "./key-context.ts";
import { documentedCalls } from "./documented-calls.ts";
import type { Call, Caller } from "./replay.ts";
import { resourcesOf } from "./resource-arns.ts";
import { callerAccount, roleArn, sourceBucket, stackNames } from "./account-policies.ts";
import type { AccountPolicies } from "./account-policies.ts";

const regional = (service: string, resource: string): string => `arn:aws:${service}:${region}:${accountId}:${resource}`;

type Resources = ReturnType<typeof resourcesOf>;

/** Resources by the words of `actors.ts`, each with the source of a delivery and the encryption context of its key. */
function places(resources: Resources, hasAllSettings: boolean): Readonly<Record<string, readonly Place[]>> {
  const stored = (arn: string, key = resources.key): Place => ({ arn, key, encryption: { "aws:s3:arn": arn } });
  const topic = (arn: string, sourceArn?: string): Place => {
    return { arn, key: resources.key, encryption: { "aws:sns:topicArn": arn }, sourceArn };
  };
  const queue = (arn: string, sourceArn: string): Place => {
    return { arn, key: resources.key, encryption: { "aws:sqs:arn": arn }, sourceArn };
  };
  const plain = (arn: string): Place => ({ arn, key: resources.key, encryption: {} });
  const source = stored(`arn:aws:s3:::${sourceBucket.bucket}/${sourceBucket.prefix}street.mp4`, sourceBucket.keyArn);
  return {
    artifact: [stored(resources.artifact)],
    // The program's artifacts are archives.
    "bucket of the artifact": [],
    input: [stored(resources.input), ...(hasAllSettings ? [source] : [])],
    result: [stored(resources.result)],
    "failure object": [stored(resources.failure)],
    topic: [topic(resources.success), topic(resources.error)],
    "topic of alarms": [topic(resources.operations, resources.alarm)],
    queue: [queue(resources.successQueue, resources.success), queue(resources.errorQueue, resources.error)],
    "repository of the image": [plain(`arn:aws:ecr:${region}:763104351884:repository/pytorch-inference`)],
    "network interfaces": hasAllSettings
      ? ["network-interface/eni-0a1b2c3d", "subnet/subnet-0a1b2c3", "security-group/sg-0a1b2c3"].map((each) =>
          plain(regional("ec2", each)),
        )
      : [],
    "roll-back alarms": hasAllSettings ? [plain(regional("cloudwatch", "alarm:team-errors"))] : [],
    "log group of the endpoint": [plain(resources.logGroup)],
    "log streams of the endpoint": [plain(resources.logStream)],
    endpoint: [plain(resources.endpoint)],
    // The program's endpoints have no volume with a key (docs/decisions/0039-permissions-of-own-services.md).
    volume: [],
    "*": [plain("*")],
  };
}

interface Place {
  readonly arn: string;
  readonly key: string;
  readonly encryption: Readonly<Record<string, string>>;
  readonly sourceArn?: string | undefined;
}

/**
 * Returns the calls of `actors.ts` about a stack. An assumed call justifies no permission, and the policy of the
 * autoscaler's role is AWS's.
 */
export function actorCallsOf(stack: string): Call[] {
  const hasAllSettings = stack !== "local";
  const all = places(resourcesOf(stack), hasAllSettings);
  const events = Object.entries(actorCalls).filter(([event]) => hasAllSettings || !event.endsWith("in a VPC"));
  return events.flatMap(([event, rows]) =>
    rows
      .filter((row) => row.certainty !== "assumed" && row.as !== "scaling role")
      .flatMap(({ as, action, resource, context: keys = [] }) => {
        const isKey = resource.startsWith("key of the ");
        const words = resource.replace("key of the ", "");
        const found = all[event === "action of an alarm" && words === "topic" ? "topic of alarms" : words];
        if (found === undefined) throw new Error(`service-calls.ts knows no ${words}: add it to places().`);
        const namespaces = keys.includes("cloudwatch:namespace") ? [namespace, hostNamespace] : [];
        return found.flatMap(({ arn, key, encryption, sourceArn }): Call[] => {
          const isRole = as === "execution role";
          const bySource = as === "cloudwatch.amazonaws.com" || !isKey;
          const caller: Caller = isRole
            ? { role: resourcesOf(stack).execution }
            : { service: as, ...(bySource && sourceArn !== undefined ? { sourceArn, sourceAccount: accountId } : {}) };
          const context = isKey ? keyContext(encryption, isRole ? viaOf(encryption) : undefined) : {};
          const call = { caller, action, resource: isKey ? key : arn, context };
          return namespaces.length === 0
            ? [call]
            : namespaces.map((each) => ({ ...call, context: { "cloudwatch:namespace": each } }));
        });
      }),
  );
}

function viaOf(encryption: Readonly<Record<string, string>>): string {
  return Object.keys(encryption)[0]?.split(":")[1] ?? "s3";
}

/** Returns the calls of a stack's other services and principals: they assume roles, and encrypt logs. */
function furtherCallsOf(stack: string): Call[] {
  const { execution, callerRole, key, logGroup, inputBucket, outputBucket } = resourcesOf(stack);
  const session = { role: execution };
  const logs = { service: `logs.${region}.amazonaws.com` };
  return [
    // SageMaker developer guide, "How to use SageMaker AI execution roles".
    {
      caller: { service: "sagemaker.amazonaws.com", sourceAccount: accountId },
      action: "sts:AssumeRole",
      resource: execution,
      context: {},
    },
    // CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service".
    ...["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "DescribeKey"].map((name) => ({
      caller: logs,
      action: `kms:${name}`,
      resource: key,
      context: { "kms:encryptioncontext:aws:logs:arn": logGroup },
    })),
    // S3 API reference, GetObject: without it, a missing object is denied. Each job's start and each upload may find none.
    ...[inputBucket, outputBucket].map((resource) => ({
      caller: session,
      action: "s3:ListBucket",
      resource,
      context: {},
    })),
    ...(stack === "local"
      ? []
      : [
          // IAM user guide, "Access to AWS accounts owned by third parties".
          {
            caller: { user: `arn:aws:iam::${callerAccount}:user/ops` },
            action: "sts:AssumeRole",
            resource: callerRole,
            context: {},
          },
          { caller: session, action: "s3:ListBucket", resource: `arn:aws:s3:::${sourceBucket.bucket}`, context: {} },
        ]),
    // SageMaker developer guide, "How to use SageMaker AI execution roles", CreateModel API.
    { caller: session, action: "logs:DescribeLogStreams", resource: `${logGroup}:log-stream:`, context: {} },
  ];
}

const issuer = "token.actions.githubusercontent.com";

/** Returns the calls with which workflows assume the bootstrap's roles. */
function tokenCalls(): Call[] {
  return Object.values(environments).flatMap(({ name, trustedGitHubEnvironments, previewed }) => {
    const assume = (kind: string, subject: string): Call => ({
      caller: {
        provider: `arn:aws:iam::${accountId}:oidc-provider/${issuer}`,
        audience: "sts.amazonaws.com",
        subject: `repo:team/videos:environment:${subject}`,
      },
      action: "sts:AssumeRoleWithWebIdentity",
      resource: roleArn(`async-video-${name}-${kind}-0a1b2c3`),
      context: {},
    });
    return [
      ...trustedGitHubEnvironments.map((subject) => assume("deploy", subject)),
      ...(previewed ? [assume("preview", "preview")] : []),
    ];
  });
}

/** Returns all these calls, and the documented ones. */
export function knownServiceCalls(account: AccountPolicies): Call[] {
  const stacks = stackNames.flatMap((stack) => [...actorCallsOf(stack), ...furtherCallsOf(stack)]);
  return [...stacks, ...tokenCalls(), ...documentedCalls(account)];
}
