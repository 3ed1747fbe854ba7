/** Tests the policies on encryption. */
import { keyRotation, logEncrypted, queueEncrypted, topicEncrypted } from "./encryption.ts";
import { policyTests, withProps } from "./testing/policy-tests.ts";
import { unknownString } from "./testing/evaluate.ts";
import type { TestResource } from "./testing/evaluate.ts";

const kmsMasterKeyId = "arn:aws:kms:us-east-1:123456789012:key/1a2b";
const topic: TestResource = { type: "aws:sns/topic:Topic", name: "done", props: { kmsMasterKeyId } };
const queue: TestResource = { type: "aws:sqs/queue:Queue", name: "done", props: { kmsMasterKeyId } };
const key: TestResource = { type: "aws:kms/key:Key", name: "videos", props: { enableKeyRotation: true } };

for (const [policy, good, what] of [
  [topicEncrypted, topic, "topic"],
  [queueEncrypted, queue, "queue"],
] as const) {
  const remedy = new RegExp(`The ${what} 'done' is not encrypted.*Set its kmsMasterKeyId to a KMS key's ARN`);
  policyTests(policy, {
    good,
    passes: { "a customer's alias": withProps(good, { kmsMasterKeyId: "alias/videos" }) },
    refuses: {
      "no key": [withProps(good, { kmsMasterKeyId: undefined }), remedy],
      "an empty name": [withProps(good, { kmsMasterKeyId: "" }), remedy],
      "AWS's key": [withProps(good, { kmsMasterKeyId: "alias/aws/sns" }), remedy],
      "the service's own encryption": [
        withProps(good, { kmsMasterKeyId: undefined, sqsManagedSseEnabled: true }),
        remedy,
      ],
    },
    unknown: withProps(good, { kmsMasterKeyId: unknownString }),
  });
}

const group: TestResource = {
  type: "aws:cloudwatch/logGroup:LogGroup",
  name: "log",
  props: { kmsKeyId: kmsMasterKeyId },
};
const encryptLog = /The log group 'log' is not encrypted.*Set its kmsKeyId to a KMS key's ARN/;

policyTests(logEncrypted, {
  good: group,
  refuses: {
    "no key": [withProps(group, { kmsKeyId: undefined }), encryptLog],
    "an empty name": [withProps(group, { kmsKeyId: "" }), encryptLog],
    "AWS's key": [withProps(group, { kmsKeyId: "alias/aws/logs" }), encryptLog],
  },
  unknown: withProps(group, { kmsKeyId: unknownString }),
});

const rotate = /'videos' is never rotated\. Set its enableKeyRotation to true/;

policyTests(keyRotation, {
  good: key,
  passes: {
    "an asymmetric key, which KMS cannot rotate": withProps(key, {
      enableKeyRotation: undefined,
      customerMasterKeySpec: "RSA_2048",
    }),
    "a key in a custom key store": withProps(key, { enableKeyRotation: false, customKeyStoreId: "cks-1" }),
  },
  refuses: {
    "no rotation": [withProps(key, { enableKeyRotation: false }), rotate],
    "KMS's default": [withProps(key, { enableKeyRotation: undefined }), rotate],
  },
  unknown: withProps(key, { enableKeyRotation: unknownString }),
});
