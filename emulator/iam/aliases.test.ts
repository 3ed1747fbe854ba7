/** Tests that the key of an alias decides, wherever a key may be given by its alias. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CreateBucketCommand, PutBucketEncryptionCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateTopicCommand, PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { CreateQueueCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { allow, createRole, sessionOf } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, testAccount, testRegion } from "../testing/test-gateway.ts";

const place = `${testRegion}:${testAccount}`;
const aliasArn = `arn:aws:kms:${place}:alias/data`;

describe("The alias of a key", () => {
  let aws: TestAws;
  let keyArn: string;
  let admin: ReturnType<typeof clients>;
  /** Clients of a role that may use the key, and of one that may use another key. */
  let user: ReturnType<typeof clients>;
  let other: ReturnType<typeof clients>;

  const clients = (credentials = aws.credentials) => {
    const config = sdkConfig(aws, credentials);
    return {
      s3: new S3Client({ ...config, forcePathStyle: true }),
      sns: new SNSClient(config),
      sqs: new SQSClient(config),
    };
  };

  before(async function () {
    this.timeout(60_000);
    aws = await startTestAws();
    admin = clients();
    const kms = new KMSClient(sdkConfig(aws));
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    keyArn = KeyMetadata?.Arn ?? "";
    await kms.send(new CreateAliasCommand({ AliasName: "alias/data", TargetKeyId: KeyMetadata?.KeyId }));
    kms.destroy();
    await admin.s3.send(new CreateBucketCommand({ Bucket: "plain" }));
    const calls = allow("Calls", ["s3:PutObject", "sns:Publish", "sqs:SendMessage"]);
    const uses = (key: string) => allow("Key", ["kms:GenerateDataKey", "kms:Decrypt"], key);
    user = clients(await sessionOf(aws, "user", { allow: [calls, uses(keyArn)] }));
    other = clients(await sessionOf(aws, "other", { allow: [calls, uses(`${keyArn}2`)] }));
  });
  after(async function () {
    this.timeout(60_000);
    await aws.stop();
  });

  /** Checks that only the role that may use the key may make the call. */
  const needsKey = async (call: (as: ReturnType<typeof clients>) => Promise<unknown>): Promise<void> => {
    await call(user);
    await assert.rejects(call(other), /other\/test is not authorized to perform: kms:GenerateDataKey/);
  };

  for (const [what, alias] of [
    ["name", "alias/data"],
    ["ARN", aliasArn],
  ] as const) {
    describe(`given by its ${what}`, () => {
      it("encrypts an object", async () => {
        const put = {
          Bucket: "plain",
          Key: "a",
          Body: "a",
          ServerSideEncryption: "aws:kms",
          SSEKMSKeyId: alias,
        } as const;
        await needsKey(({ s3 }) => s3.send(new PutObjectCommand(put)));
      });

      it("encrypts the objects of a bucket", async () => {
        const Bucket = `by-${what.toLowerCase()}`;
        await admin.s3.send(new CreateBucketCommand({ Bucket }));
        const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: alias } as const;
        const ServerSideEncryptionConfiguration = { Rules: [{ ApplyServerSideEncryptionByDefault }] };
        await admin.s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }));
        await needsKey(({ s3 }) => s3.send(new PutObjectCommand({ Bucket, Key: "a", Body: "a" })));
      });

      it("encrypts a topic", async () => {
        const topic = { Name: `by-${what}`, Attributes: { KmsMasterKeyId: alias } };
        const { TopicArn } = await admin.sns.send(new CreateTopicCommand(topic));
        await needsKey(({ sns }) => sns.send(new PublishCommand({ TopicArn, Message: "hello" })));
      });

      it("encrypts a queue", async () => {
        const queue = { QueueName: `by-${what}`, Attributes: { KmsMasterKeyId: alias } };
        const { QueueUrl } = await admin.sqs.send(new CreateQueueCommand(queue));
        await needsKey(({ sqs }) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "hello" })));
      });
    });
  }

  describe("as the key of a service's resource", () => {
    let roleArn: string;
    before(async () => {
      const volume = { StringEquals: { "sagemaker:VolumeKmsKeyArn": keyArn } };
      roleArn = await createRole(aws, "volumes", {
        allow: [
          allow("Grant", "kms:CreateGrant", keyArn),
          { ...allow("Configure", "sagemaker:CreateEndpointConfig"), Condition: volume },
        ],
      });
    });
    const decide = (action: string, resource: string, context: Record<string, string> = {}) =>
      aws.launcher.decide({ caller: { roleArn }, action, resources: [resource], context }, true);

    it("needs a permission for the key", async () => {
      assert.equal((await decide("kms:CreateGrant", aliasArn)).allowed, true);
      const { allowed, message } = await decide("kms:RevokeGrant", aliasArn);
      assert.equal(allowed, false);
      assert.ok(message.includes(`on resource: ${keyArn} because`), message);
    });

    it("has the key's ARN in a condition key", async () => {
      const action = "sagemaker:CreateEndpointConfig";
      assert.equal((await decide(action, "*", { "sagemaker:VolumeKmsKeyArn": aliasArn })).allowed, true);
      assert.equal((await decide(action, "*", { "sagemaker:VolumeKmsKeyArn": `${aliasArn}2` })).allowed, false);
    });

    it("is not found without a key", async () => {
      const message = `Alias ${aliasArn}2 is not found.`;
      assert.deepEqual(await decide("kms:CreateGrant", `${aliasArn}2`), { allowed: false, message });
    });

    it("is AWS's own, which needs no permission", async () => {
      assert.equal((await decide("kms:CreateGrant", `arn:aws:kms:${place}:alias/aws/ebs`)).allowed, true);
    });
  });
});
