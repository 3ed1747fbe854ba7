/** Calls that no recording on the emulator has, with their sources: of Pulumi, of consoles, and of errors. */
import { environments } from "../../infra/bootstrap/environments.ts";
import { environmentOf } from "./calls.ts";
import { keyContext } from "./key-context.ts";
import type { Call } from "./replay.ts";
import { destroyCalls, providerCalls } from "./provider-calls.ts";
import { resourcesOf } from "./resource-arns.ts";
import { on, under } from "./role-calls.ts";
import type { DocumentedCalls, Kind, RoleCall } from "./role-calls.ts";
import { roleArn, sourceBucket, stackNames } from "./account-policies.ts";
import type { AccountPolicies } from "./account-policies.ts";

/** Returns the uses of a stack's key by a queue in the caller's name. */
function queueKeyUses(stack: string, queue: string, ...names: readonly string[]): RoleCall[] {
  const context = keyContext({ "aws:sqs:arn": queue }, "sqs");
  return names.map((name) => ({ action: `kms:${name}`, resource: resourcesOf(stack).key, context }));
}

/** Returns calls about the state of an environment's stacks, and the use of the state's key by S3 in the caller's name. */
function stateCalls(stack: string, objectActions: readonly string[], keyUses: readonly string[]): RoleCall[] {
  const { stateBucket, state, stateKey } = resourcesOf(stack);
  const context = keyContext({ "aws:s3:arn": stateBucket }, "s3");
  return [
    ...on([stateBucket], "s3", "ListBucket"),
    ...on([state], "s3", ...objectActions),
    ...on([stateKey], "kms", ...keyUses).map((call) => ({ ...call, context })),
  ];
}

/** The calls by their sources. */
export const documented: readonly DocumentedCalls[] = [
  {
    by: ["deploy"],
    source: "pulumi/pulumi, pkg/backend/diy: state, locks and backups; google/go-cloud, secrets/awskms: Encrypt",
    calls: (stack) => [
      ...stateCalls(stack, ["GetObject", "PutObject", "DeleteObject"], ["Decrypt", "GenerateDataKey"]),
      ...on([resourcesOf(stack).stateKey], "kms", "Encrypt"),
    ],
  },
  {
    by: ["preview"],
    source: "pulumi/pulumi, pkg/backend/diy: a preview takes no lock",
    calls: (stack) => stateCalls(stack, ["GetObject"], ["Decrypt"]),
  },
  {
    by: ["caller", "deploy"],
    source: "aws/aws-sdk-js-v3, lib/lib-storage/src/Upload.ts: an upload in parts that fails is aborted",
    calls: (stack) => on([resourcesOf(stack).input], "s3", "AbortMultipartUpload"),
  },
  {
    by: ["caller"],
    source: "docs/configuration.md, Videos that are in S3 already: the client checks the video where it lies",
    calls: (stack) => {
      if (stack === "local") return [];
      const object = `arn:aws:s3:::${sourceBucket.bucket}/${sourceBucket.prefix}street.mp4`;
      const context = keyContext({ "aws:s3:arn": object }, "s3");
      return [
        ...on([object], "s3", "GetObject"),
        ...on([`arn:aws:s3:::${sourceBucket.bucket}`], "s3", "ListBucket"),
        { action: "kms:Decrypt", resource: sourceBucket.keyArn, context },
      ];
    },
  },
  {
    by: ["operator"],
    source: "CloudWatch user guide, Permissions required to use the CloudWatch console: dashboards, metrics and alarms",
    calls: (stack) => [
      ...on([resourcesOf(stack).dashboard], "cloudwatch", "GetDashboard"),
      ...on(["*"], "cloudwatch", "DescribeAlarms", "GetMetricData", "ListDashboards", "ListMetrics"),
    ],
  },
  {
    by: ["operator"],
    source: "docs/operations.md, Alarms: an operator reads scaling activities and the endpoint's log",
    calls: (stack) => [
      ...on(
        ["*"],
        "application-autoscaling",
        "DescribeScalableTargets",
        "DescribeScalingActivities",
        "DescribeScalingPolicies",
      ),
      ...on([`${resourcesOf(stack).logGroup}:log-stream:`], "logs", "DescribeLogStreams", "FilterLogEvents"),
      ...on([resourcesOf(stack).logStream], "logs", "GetLogEvents"),
    ],
  },
  {
    by: ["operator"],
    source: "client/src/redrive/error-queue.ts, and the same for another queue with the AWS CLI",
    calls: (stack) => {
      const { successQueue, errorQueue, deadLetterQueues } = resourcesOf(stack);
      const queues = [successQueue, errorQueue, ...deadLetterQueues];
      return [
        ...on(
          queues,
          "sqs",
          "ChangeMessageVisibility",
          "DeleteMessage",
          "GetQueueAttributes",
          "GetQueueUrl",
          "ReceiveMessage",
          "SendMessage",
        ),
        ...queues.flatMap((queue) => queueKeyUses(stack, queue, "Decrypt", "GenerateDataKey")),
      ];
    },
  },
  {
    by: ["operator"],
    source: "SQS developer guide, Configuring queue permissions for dead-letter queue redrive",
    calls: (stack) =>
      on(
        resourcesOf(stack).deadLetterQueues,
        "sqs",
        "CancelMessageMoveTask",
        "ListMessageMoveTasks",
        "StartMessageMoveTask",
      ),
  },
  {
    by: ["caller"],
    source: "client/src/job-record.ts: status and fetch read a job's record, given its InferenceId",
    calls: (stack) => on([resourcesOf(stack).jobRecord], "s3", "GetObject"),
  },
  {
    by: ["deploy"],
    source: "smoke/: the deploy role tests a stack in the pipeline (.github/workflows/deploy.yml)",
    calls: (stack) => {
      const { endpoint, inputBucket, input, result, failure, success, temporaryQueue, logGroup, logStream, key } =
        resourcesOf(stack);
      return [
        ...on([endpoint], "sagemaker", "InvokeEndpointAsync"),
        ...on([input], "s3", "DeleteObject", "DeleteObjectVersion", "GetObject", "PutObject"),
        ...on([result, failure], "s3", "DeleteObject", "GetObject"),
        ...on([inputBucket], "s3", "ListBucketVersions"),
        ...under({ "sns:protocol": "sqs", "sns:endpoint": temporaryQueue }, on([success], "sns", "Subscribe")),
        ...on([temporaryQueue], "sqs", "DeleteMessage", "ReceiveMessage"),
        ...under(keyContext({ "aws:sqs:arn": temporaryQueue }, "sqs"), on([key], "kms", "Decrypt")),
        ...on(["*"], "sqs", "ListQueues"),
        ...on([`${logGroup}:log-stream:`], "logs", "DescribeLogStreams"),
        ...on([logStream], "logs", "GetLogEvents"),
        ...on(["*"], "cloudwatch", "GetMetricStatistics"),
        ...on(["*"], "application-autoscaling", "DescribeScalingActivities"),
      ];
    },
  },
  {
    by: ["operator", "deploy"],
    source: "smoke/old-queues.ts: queues that an ended smoke test left",
    calls: (stack) =>
      on([resourcesOf(stack).temporaryQueue], "sqs", "GetQueueAttributes", "GetQueueUrl", "DeleteQueue"),
  },
  {
    by: ["operator"],
    source: "SNS developer guide, Subscribing an Amazon SQS queue to an Amazon SNS topic: also to the topic of alarms",
    calls: (stack) => {
      const { operations, temporaryQueue } = resourcesOf(stack);
      const context = { "sns:protocol": "sqs", "sns:endpoint": temporaryQueue };
      return [
        { action: "sns:Subscribe", resource: operations, context },
        ...on([operations], "sns", "ListSubscriptionsByTopic"),
      ];
    },
  },
];

/** Returns the documented calls of all roles of an account. */
export function documentedCalls(account: AccountPolicies): Call[] {
  return stackNames.flatMap((stack) => {
    const environment = environmentOf(stack) ?? "none";
    const arnOf = (kind: Kind): string =>
      kind === "deploy" || kind === "preview"
        ? roleArn(`async-video-${environment}-${kind}-0a1b2c3`)
        : roleArn(`${stack}-${kind}`);
    // The role for another account makes the calls of callers.
    const callerRole = roleArn(`video-${stack}-caller-0a1b2c3`);
    const isDisposable = environment !== "none" && environments[environment].disposable;
    return [...documented, ...providerCalls, ...(isDisposable ? [destroyCalls] : [])].flatMap(({ by, calls }) =>
      by
        .flatMap((kind) => [arnOf(kind), ...(kind === "caller" ? [callerRole] : [])])
        .filter((role) => role in account.roles)
        .flatMap((role) => calls(stack).map(({ context = {}, ...call }) => ({ ...call, context, caller: { role } }))),
    );
  });
}
