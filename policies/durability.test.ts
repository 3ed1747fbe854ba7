/** What the policies about what must not be lost refuse and what they let pass. */
import assert from "node:assert/strict";
import { dataProtected, queueDeadLetters } from "./durability.ts";
import { but, test } from "./testing/cases.ts";
import { type Judged, unknownString, urnOf, violations } from "./testing/judge.ts";

const deadLetters: Judged = {
  type: "aws:sqs/queue:Queue",
  name: "dead",
  props: { arn: "arn:aws:sqs:us-east-1:1:dead", id: "https://sqs/dead" },
};
const queue: Judged = {
  type: "aws:sqs/queue:Queue",
  name: "done",
  props: {
    id: "https://sqs/done",
    redrivePolicy: JSON.stringify({ deadLetterTargetArn: deadLetters.props["arn"], maxReceiveCount: 5 }),
  },
  dependsOn: { redrivePolicy: [urnOf(deadLetters)] },
};
const redrive: Judged = {
  type: "aws:sqs/redrivePolicy:RedrivePolicy",
  name: "done",
  props: { queueUrl: "https://sqs/done", redrivePolicy: queue.props["redrivePolicy"] },
};
const remedy = /'done' has no dead-letter queue\. Set its redrivePolicy/;
const lone = { ...but(queue, { redrivePolicy: undefined }), dependsOn: {} };

test(queueDeadLetters, {
  good: [deadLetters, queue],
  passes: {
    "a redrive policy as a resource of its own": [deadLetters, lone, redrive],
    "a queue that says whose dead letters it takes": [but(deadLetters, { redriveAllowPolicy: "{}" })],
  },
  refuses: {
    "a queue without one": [[lone], remedy],
    "a document that names none": [
      [{ ...but(queue, { redrivePolicy: '{"maxReceiveCount":5}' }), dependsOn: {} }],
      remedy,
    ],
    "what is no document": [[{ ...but(queue, { redrivePolicy: "{" }), dependsOn: {} }], remedy],
  },
  unknown: [but(deadLetters, { arn: unknownString }), but(queue, { redrivePolicy: unknownString })],
});

const bucket: Judged = { type: "aws:s3/bucket:Bucket", name: "videos", props: {}, stack: "prod", protect: true };
const protect = /'videos' of the stack prod can be deleted\. Set its resource option protect to true/;

describe("data-protected", () => {
  it("is mandatory, and lets protected data pass, and other stacks', and what is no data", async () => {
    assert.equal(dataProtected.enforcementLevel, "mandatory");
    for (const judged of [
      bucket,
      { ...bucket, protect: false, stack: "dev" },
      { ...bucket, protect: false, type: "aws:sns/topic:Topic" },
    ]) {
      assert.deepEqual(await violations(dataProtected, judged), []);
    }
  });

  for (const type of ["aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2", "aws:kms/key:Key"]) {
    it(`refuses ${type} that is not protected, and says what to do`, async () => {
      const [message] = await violations(dataProtected, { ...bucket, type, protect: false });
      assert.match(message ?? "", protect);
    });
  }

  it("takes the stacks from the config", async () => {
    const judged = { ...bucket, protect: false, stack: "dev" };
    assert.equal((await violations(dataProtected, judged, { stacks: ["dev"] })).length, 1);
  });

  it("needs no value that could be unknown: an option and the stack's name are always known", async () => {
    const judged = { ...bucket, protect: false, props: { bucket: unknownString } };
    assert.equal((await violations(dataProtected, judged)).length, 1);
  });
});
