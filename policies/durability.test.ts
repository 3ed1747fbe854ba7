/** Tests the policies on durability. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { dataProtected, logRetention, queueDeadLetters } from "./durability.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownNumber, unknownString, urnOf, violations } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const deadLetters: TestResource = {
  type: "aws:sqs/queue:Queue",
  name: "dead",
  props: { arn: "arn:aws:sqs:us-east-1:1:dead", id: "https://sqs/dead" },
};
const queue: TestResource = {
  type: "aws:sqs/queue:Queue",
  name: "done",
  props: {
    id: "https://sqs/done",
    redrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetters.props["arn"], maxReceiveCount: 5 }),
  },
  dependsOn: { redrivePolicy: [urnOf(deadLetters)] },
};
const redrive: TestResource = {
  type: "aws:sqs/redrivePolicy:RedrivePolicy",
  name: "done",
  props: { queueUrl: "https://sqs/done", redrivePolicy: queue.props["redrivePolicy"] },
};
const remedy = /'done' has no dead-letter queue\. Set its redrivePolicy/;
const lone = { ...withProps(queue, { redrivePolicy: undefined }), dependsOn: {} };

const group: TestResource = { type: "aws:cloudwatch/logGroup:LogGroup", name: "log", props: { retentionInDays: 30 } };
const limit =
  /The log group 'log' keeps its events forever\. Set its retentionInDays \(the stack's setting logRetentionDays\)/;

policyTests(logRetention, {
  good: group,
  passes: {
    "the class DELIVERY, whose retention CloudWatch sets": withProps(group, {
      logGroupClass: "DELIVERY",
      retentionInDays: undefined,
    }),
  },
  refuses: {
    "no retention": [withProps(group, { retentionInDays: undefined }), limit],
    "the retention 0, which is none": [withProps(group, { retentionInDays: 0 }), limit],
  },
  unknown: withProps(group, { retentionInDays: unknownNumber }),
});

policyTests(queueDeadLetters, {
  good: [deadLetters, queue],
  passes: {
    "a redrive policy as a separate resource": [deadLetters, lone, redrive],
    "a queue that declares whose dead letters it accepts": withProps(deadLetters, { redriveAllowPolicy: "{}" }),
  },
  refuses: {
    "a queue without a dead-letter queue": [[lone], remedy],
    "a document that names none": [
      [{ ...withProps(queue, { redrivePolicy: '{"maxReceiveCount":5}' }), dependsOn: {} }],
      remedy,
    ],
    "invalid JSON": [[{ ...withProps(queue, { redrivePolicy: "{" }), dependsOn: {} }], remedy],
  },
  unknown: [withProps(deadLetters, { arn: unknownString }), withProps(queue, { redrivePolicy: unknownString })],
});

const bucket: TestResource = {
  type: "aws:s3/bucket:Bucket",
  name: "videos",
  props: { bucket: "videos-0a1b2c3" },
  stack: "prod",
  protect: true,
};

policyTests(dataProtected, {
  good: bucket,
  passes: {
    "another stack's": { ...bucket, protect: false, stack: "dev" },
    "a resource without data": { ...bucket, protect: false, type: "aws:sns/topic:Topic" },
  },
  refuses: Object.fromEntries(
    ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", "aws:kms/key:Key"].map((type) => [
      `${type} that is not protected`,
      [
        { ...bucket, type, protect: false },
        /'videos' of the stack prod can be deleted\. Set its resource option protect to true/,
      ],
    ]),
  ),
  unknown: "reads no property",
});

describe("data-protected", () => {
  it("reads the stacks from the config", async () => {
    const resource = { ...bucket, protect: false, stack: "dev" };
    assert.equal((await violations(dataProtected, resource, { stacks: ["dev"] })).length, 1);
  });
});
