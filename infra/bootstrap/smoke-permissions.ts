/** Permissions to run the smoke test, in addition to those to read and change the stack (`read-permissions.ts`, `deploy-permissions.ts`). */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import { bucketArn, regionalArn } from "../account.ts";
import { allow } from "../iam/policy-document.ts";
import { endpointLogs, named } from "./scope.ts";
import type { Scope } from "./scope.ts";
import { allowUnlimited, unlimitedActions } from "./unlimited-actions.ts";

/** The permissions of the stack's policies for callers and operators, and to clean up after the smoke test. */
export function smokePermissions(scope: Scope): PolicyStatement[] {
  const { account, environment } = scope;
  return [
    allow(
      "Invoke",
      ["sagemaker:InvokeEndpointAsync"],
      regionalArn(account, "sagemaker", `endpoint/${named(environment)}`),
    ),
    allow(
      "SendVideos",
      ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:PutObject"],
      bucketArn(account, `${named(environment, "input")}/input/*`),
    ),
    allow(
      "FetchResults",
      ["s3:DeleteObject", "s3:GetObject"],
      ["results", "failures"].map((prefix) => bucketArn(account, `${named(environment, "output")}/${prefix}/*`)),
    ),
    allow("TellVersions", ["s3:ListBucketVersions"], bucketArn(account, named(environment))),
    // Its queues are created and deleted like the stack's (MakeQueues in `deploy-permissions.ts`).
    allow(
      "UseTemporaryQueues",
      ["sqs:DeleteMessage", "sqs:ReceiveMessage"],
      regionalArn(account, "sqs", named(environment, "smoke")),
    ),
    // The smoke test lists queues to find those that earlier runs left.
    allowUnlimited("FindTemporaryQueues", ["sqs:ListQueues"]),
    allow("ReadLogs", ["logs:DescribeLogStreams", "logs:GetLogEvents"], endpointLogs(scope)),
    allowUnlimited("SeeMetrics", unlimitedActions.metrics.actions),
  ];
}
