/**
 * Tests that ten wrong set-ups, which people report for AWS, fail with AWS's message where AWS shows it, and that
 * docs/troubleshooting.md lists the messages.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { repoRoot } from "../../tools/paths.mjs";
import { right, startSetups, subject, without } from "../testing/setups.ts";
import type { Setup, SetupEnvironment, Task } from "../testing/setups.ts";

interface WrongSetup {
  readonly task: Task;
  readonly change: Partial<Setup>;
  /** Place of the message on AWS. `/_local/denials` stands for the delivery log of SNS, which the emulator lacks. */
  readonly place: string;
  /** AWS's message; "…" stands for names. */
  readonly message: string;
}

const wrongSetups: Readonly<Record<string, WrongSetup>> = {
  // awslabs/landing-zone-accelerator-on-aws#31
  "a topic's key whose policy does not name the alarms' service": {
    task: "alarm",
    change: { keyServices: ["sns.amazonaws.com"] },
    place: "history of the alarm",
    message:
      'Failed to execute action …. Received error: "CloudWatch Alarms does not have authorization to access the SNS topic encryption key."',
  },
  // aws/aws-cdk#11122; AWS's log of deliveries has only the code, KMS.AccessDeniedException.
  "a queue's key whose policy does not name the topics' service": {
    task: "alarm",
    change: { keyServices: ["cloudwatch.amazonaws.com"] },
    place: "/_local/denials",
    message:
      "User: sns.amazonaws.com is not authorized to perform: kms:GenerateDataKey on resource: … because no resource-based policy allows the kms:GenerateDataKey action",
  },
  // hashicorp/terraform-provider-aws#40863 (set-up), microsoft/aspire#3333 (words)
  "a queue whose policy does not name the topic": {
    task: "alarm",
    change: { queueSource: "other" },
    place: "/_local/denials",
    message:
      "User: sns.amazonaws.com is not authorized to perform: sqs:sendmessage on resource: … because no resource-based policy allows the sqs:sendmessage action",
  },
  // awslabs/predictive-maintenance-using-machine-learning#3 (words), bentoml/BentoML#892 (set-up)
  "an execution role that does not trust SageMaker": {
    task: "video",
    change: { trusted: "lambda.amazonaws.com" },
    place: "error of CreateModel",
    message:
      "Could not assume role …. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.",
  },
  // philschmid/llm-sagemaker-sample#2
  "an execution role that cannot read the artifact": {
    task: "video",
    change: { execution: without("s3:GetObject") },
    place: "error of CreateModel",
    message:
      'Could not access model data at …. Please ensure that the role "…" exists and that its trust relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the object is located in …. If your Model uses multiple models or uncompressed models, please ensure that the role has "s3:ListBucket" permission.',
  },
  // aws/sagemaker-python-sdk#2002
  "an execution role that cannot pull the image": {
    task: "video",
    change: { execution: without("ecr:BatchGetImage") },
    place: "FailureReason of the endpoint",
    message: "The role '…' does not have BatchGetImage permission for the image: '…'.",
  },
  // aws/aws-cdk#12810 (set-up), buildkite/docs#2344 (words of S3)
  "an execution role without the key of the results": {
    task: "video",
    change: { execution: without("kms:GenerateDataKey") },
    place: "failure object",
    message:
      "… User: … is not authorized to perform: kms:GenerateDataKey on resource: … because no identity-based policy allows the kms:GenerateDataKey action",
  },
  // nebari-dev/nebari#2152 (words)
  "an execution role whose boundary lacks the key of the results": {
    task: "video",
    change: { boundary: without("kms:GenerateDataKey") },
    place: "failure object",
    message:
      "… User: … is not authorized to perform: kms:GenerateDataKey on resource: … because no permissions boundary allows the kms:GenerateDataKey action",
  },
  // aws/amazon-sagemaker-feedback#61
  "a deploy role that passes roles only to another service": {
    task: "deployment",
    change: { passedTo: "lambda.amazonaws.com" },
    place: "error of CreateModel",
    message:
      "User: … is not authorized to perform: iam:PassRole on resource: … because no identity-based policy allows the iam:PassRole action",
  },
  // aws-actions/configure-aws-credentials#1100
  "a deploy role that trusts another spelling of the repository": {
    task: "login",
    change: { subject: subject.toLowerCase() },
    place: "error of AssumeRoleWithWebIdentity",
    message: "Not authorized to perform sts:AssumeRoleWithWebIdentity",
  },
};

describe("A set-up", function () {
  this.timeout(60_000);
  let environment: SetupEnvironment;

  before(async () => {
    environment = await startSetups();
  });
  after(() => environment.stop());

  for (const task of ["alarm", "video", "deployment", "login"] as const) {
    it(`works if everything is right: ${task}`, async () => {
      assert.deepEqual(await environment.attempt(task, right), {});
    });
  }

  for (const [title, { task, change, place, message }] of Object.entries(wrongSetups)) {
    it(`fails with AWS's message: ${title}`, async () => {
      const seen = await environment.attempt(task, { ...right, ...change });
      assert.equal(seen.place, place);
      const parts = message.split("…").map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`));
      assert.match(seen.message ?? "", new RegExp(`^${parts.join(".+")}$`));
    });
  }
});

describe("docs/troubleshooting.md", () => {
  const page = readFileSync(join(repoRoot, "docs", "troubleshooting.md"), "utf8");

  it("is about ten wrong set-ups", () => {
    assert.equal(Object.keys(wrongSetups).length, 10);
  });

  for (const [title, { message }] of Object.entries(wrongSetups)) {
    it(`has the message of ${title}`, () => {
      assert.ok(page.includes(`You see: \`${message}\``));
    });
  }
});
