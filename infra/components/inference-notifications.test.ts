/** Tests the notification topics and their queues. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { InferenceNotifications } from "./inference-notifications.ts";
import { statements } from "../testing/documents.ts";
import { accountId, keyArn, mockAccount, registrationsOf } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";

const region = "eu-west-1";

describe("InferenceNotifications", () => {
  let registrations: Registrations;

  before(async () => {
    ({ registrations } = await registrationsOf(() => {
      new InferenceNotifications("clips", { account: mockAccount(), keyArn, completionEmails: ["ann@example.com"] });
    }));
  });

  for (const name of ["clips-success", "clips-error"]) {
    const topicArn = `arn:aws:sns:${region}:${accountId}:${name}-0a1b2c3`;
    const queueArn = `arn:aws:sqs:${region}:${accountId}:${name}-0a1b2c3`;

    describe(name, () => {
      it("is encrypted with the stack's key, and so are its queues", () => {
        assert.equal(registrations.one("aws:sns/topic:Topic", name).inputs["kmsMasterKeyId"], keyArn);
        for (const queue of [name, `${name}-dead-letters`]) {
          const { inputs } = registrations.one("aws:sqs/queue:Queue", queue);
          assert.equal(inputs["kmsMasterKeyId"], keyArn);
          // SQS accepts one of the two.
          assert.equal(inputs["sqsManagedSseEnabled"], undefined);
        }
      });

      it("has a policy that allows nothing, so only roles that may publish can", () => {
        const { inputs } = registrations.one("aws:sns/topicPolicy:TopicPolicy", name);
        assert.equal(inputs["arn"], topicArn);
        assert.deepEqual(
          statements(inputs["policy"]).map(({ Sid }) => Sid),
          ["DenyWithoutTls"],
        );
      });

      it("delivers to a queue that only it may send to, once it may", () => {
        const policy = registrations.one("aws:sqs/queuePolicy:QueuePolicy", name);
        const [send, ...denials] = statements(policy.inputs["policy"]);
        assert.deepEqual(send, {
          Sid: "TopicDelivers",
          Effect: "Allow",
          Principal: { Service: "sns.amazonaws.com" },
          Action: ["sqs:SendMessage"],
          Resource: [queueArn],
          Condition: { ArnEquals: { "aws:SourceArn": topicArn } },
        });
        assert.ok(denials.every(({ Effect }) => Effect === "Deny"));

        const subscription = registrations.one("aws:sns/topicSubscription:TopicSubscription", name);
        assert.deepEqual(subscription.inputs, {
          topic: topicArn,
          protocol: "sqs",
          endpoint: queueArn,
          rawMessageDelivery: true,
        });
        assert.ok(subscription.dependencies.includes(policy.urn));
      });

      it("notifies the given e-mail addresses of results and failures, not of tests of the topic", () => {
        const { inputs } = registrations.one("aws:sns/topicSubscription:TopicSubscription", `${name}-ann@example.com`);
        assert.deepEqual(inputs, {
          topic: topicArn,
          protocol: "email",
          endpoint: "ann@example.com",
          filterPolicy: '{"eventName":["InferenceResult"]}',
          filterPolicyScope: "MessageBody",
        });
      });

      it("keeps messages that its readers failed to process for SQS's maximum", () => {
        const { inputs } = registrations.one("aws:sqs/queue:Queue", name);
        assert.deepEqual(JSON.parse(String(inputs["redrivePolicy"])), {
          deadLetterTargetArn: `arn:aws:sqs:${region}:${accountId}:${name}-dead-letters-0a1b2c3`,
          maxReceiveCount: 5,
        });
        const deadLetters = registrations.one("aws:sqs/queue:Queue", `${name}-dead-letters`);
        assert.equal(deadLetters.inputs["messageRetentionSeconds"], 14 * 24 * 3600);
      });
    });
  }
});
