/** What it takes to run the smoke test, beside what reads the stack (`read-permissions.ts`). */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import { allow } from "./policy-document.ts";
import { endpointLogs, prefix, type Scope, tagged } from "./scope.ts";

/** To run the smoke test: what the stack's policies for callers and operators allow together, and to tidy up after it. */
export function smokePermissions({ account, environment }: Scope): PolicyStatement[] {
  const temporaryQueues = account.regional("sqs", "smoke-*");
  return [
    allow(
      "Invoke",
      ["sagemaker:InvokeEndpointAsync"],
      account.regional("sagemaker", `endpoint/${prefix}*`),
      tagged(environment),
    ),
    allow(
      "SendVideos",
      [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
      ],
      account.bucket(`${prefix}input-*/input/*`),
    ),
    allow(
      "FetchResults",
      ["s3:DeleteObject", "s3:GetObject"],
      [account.bucket(`${prefix}output-*/results/*`), account.bucket(`${prefix}output-*/failures/*`)],
    ),
    allow("TellVersions", ["s3:ListBucketVersions"], account.bucket(`${prefix}*`)),
    allow(
      "UseTemporaryQueues",
      [
        "sqs:ChangeMessageVisibility",
        "sqs:CreateQueue",
        "sqs:DeleteMessage",
        "sqs:DeleteQueue",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ReceiveMessage",
        "sqs:SetQueueAttributes",
      ],
      temporaryQueues,
    ),
    allow("SubscribeTemporaryQueues", ["sns:Subscribe"], account.regional("sns", `${prefix}*`), {
      StringEquals: { "sns:Protocol": "sqs" },
      StringLike: { "sns:Endpoint": temporaryQueues },
    }),
    // AWS takes no resource: the smoke test finds queues here that earlier runs left.
    allow("FindTemporaryQueues", ["sqs:ListQueues"], "*"),
    allow("ReadLogs", ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"], endpointLogs(account)),
    allow("SeeMetrics", ["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics"], "*"),
  ];
}
