/** Tests that services act with the permissions of a role or of the service, and that keys need theirs. */

import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "mocha";
import { CreateGrantCommand, CreateKeyCommand, KMSClient, PutKeyPolicyCommand } from "@aws-sdk/client-kms";
import { CreateBucketCommand, GetObjectCommand, PutBucketEncryptionCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateTopicCommand,
  PublishCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { isAccessDenied } from "../aws-ports.ts";
import type { ActorPorts } from "../aws-ports.ts";
import { allow, assumeRole, createRole, policyOf } from "../testing/roles.ts";
import type { Statement } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, signed, testAccount, testRegion } from "../testing/test-gateway.ts";

const object = { bucket: "videos", key: "a.mp4" };
const arn = (service: string, name: string): string => `arn:aws:${service}:${testRegion}:${testAccount}:${name}`;
const onlyVia = (service: string) => ({
  Condition: { StringEquals: { "kms:ViaService": `${service}.${testRegion}.amazonaws.com` } },
});

describe("A service on the emulator", function () {
  this.timeout(60_000);
  let aws: TestAws;
  let kms: KMSClient;
  let s3: S3Client;
  let sns: SNSClient;
  let sqs: SQSClient;
  let keyArn: string;
  let made = 0;

  /** Returns a new role with these statements. */
  const role = async (...own: Statement[]) => {
    made += 1;
    const name = `actor-${made}`;
    return { name, arn: await createRole(aws, name, { allow: own }) };
  };
  /** Returns the services as SageMaker calls them with a new role. */
  const actor = async (...own: Statement[]): Promise<ActorPorts & { name: string }> => {
    const { name, arn: roleArn } = await role(...own);
    return { ...aws.ports.callAs({ roleArn, sessionName: "SageMaker" }), name };
  };
  const service = (name: string) =>
    aws.ports.callAs({ service: name, sourceArn: arn("cloudwatch", "alarm:a"), sourceAccount: testAccount });
  const denied = async (call: Promise<unknown>, action: string, code = "AccessDenied") => {
    await assert.rejects(call, (error: Error) => {
      assert.equal(error.name, code);
      assert.ok(error.message.includes(`is not authorized to perform: ${action} `), error.message);
      return true;
    });
  };
  /** Sets the key's policy: the account's roles by their own policies, and the given services. */
  const keyPolicy = async (...statements: Statement[]) => {
    const Policy = policyOf(
      { ...allow("Account", "kms:*"), Principal: { AWS: `arn:aws:iam::${testAccount}:root` } },
      ...statements,
    );
    await kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy }));
  };
  const use = ["kms:GenerateDataKey", "kms:Decrypt"];

  before(async () => {
    aws = await startTestAws();
    const config = sdkConfig(aws);
    kms = new KMSClient(config);
    s3 = new S3Client({ ...config, forcePathStyle: true });
    sns = new SNSClient(config);
    sqs = new SQSClient(config);
    keyArn = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? "";
    await keyPolicy();
    await s3.send(new CreateBucketCommand({ Bucket: "videos" }));
    await aws.ports.callAs({ roleArn: (await role(allow("All", "*"))).arn }).objects.put(object, Buffer.from("a"), {});
  });
  after(async () => {
    for (const client of [kms, s3, sns, sqs]) client.destroy();
    await aws.stop();
  });

  describe("with a role", () => {
    it("does what the role's policy allows", async () => {
      const { objects } = await actor(allow("Read", "s3:GetObject", "arn:aws:s3:::videos/*"));
      const found = await objects.get(object);
      assert.equal(await text(found?.body ?? Readable.from([])), "a");
    });

    it("is denied what it does not allow, as the role's session", async () => {
      const { objects, name } = await actor(allow("Write", "s3:PutObject"));
      await denied(objects.get(object), "s3:GetObject");
      const session = `arn:aws:sts::${testAccount}:assumed-role/${name}/SageMaker`;
      assert.equal((await aws.launcher.denials()).at(-1)?.principal, session);
    });

    it("is denied everything if the role does not exist", async () => {
      const { objects } = aws.ports.callAs({ roleArn: arn("iam", "role/none") });
      await assert.rejects(objects.get(object));
    });
  });

  describe("cannot be named by a client", () => {
    it("through the gateway", async () => {
      const { arn: roleArn } = await role(allow("Read", "s3:GetObject"));
      const weak = await assumeRole(aws, (await role()).arn);
      const url = `${aws.url}/videos/a.mp4`;
      const request = await signed(url, { service: "s3", credentials: weak });
      const forged = { "X-Launcher-Token": aws.launcher.token, "X-Launcher-Caller": JSON.stringify({ roleArn }) };
      const answer = await fetch(url, { ...request, headers: { ...request.headers, ...forged } });
      assert.equal(answer.status, 403);
    });

    it("without the launcher's token", async () => {
      const headers = {
        "x-launcher-caller": JSON.stringify({ service: "sns.amazonaws.com" }),
        "x-launcher-token": "no",
      };
      const status = await new Promise((resolve) => {
        httpRequest({ socketPath: aws.socketPath, path: "/videos", headers }, ({ statusCode }) => {
          resolve(statusCode);
        }).end();
      });
      assert.equal(status, 403);
    });
  });

  describe("to an encrypted bucket", () => {
    const files = allow("Files", ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]);
    const place = { bucket: "encrypted", key: "a" };

    before(async () => {
      await s3.send(new CreateBucketCommand({ Bucket: "encrypted" }));
      const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: keyArn } as const;
      const Rules = [{ ApplyServerSideEncryptionByDefault, BucketKeyEnabled: true }];
      const ServerSideEncryptionConfiguration = { Rules };
      await s3.send(new PutBucketEncryptionCommand({ Bucket: "encrypted", ServerSideEncryptionConfiguration }));
    });

    it("writes and reads with the key", async () => {
      const { objects } = await actor(files, { ...allow("Key", use, keyArn), ...onlyVia("s3") });
      await objects.put(place, Buffer.from("a"), {});
      assert.equal(await text((await objects.get(place))?.body ?? Readable.from([])), "a");
    });

    it("cannot write without kms:GenerateDataKey", async () => {
      const { objects } = await actor(files, allow("Key", "kms:Decrypt", keyArn));
      await denied(objects.put(place, Buffer.from("a"), {}), "kms:GenerateDataKey");
    });

    it("cannot read without kms:Decrypt", async () => {
      const { objects } = await actor(files, allow("Key", "kms:GenerateDataKey", keyArn));
      await objects.put(place, Buffer.from("a"), {});
      await denied(objects.get(place), "kms:Decrypt");
      await assert.rejects(objects.head(place), isAccessDenied);
    });

    it("cannot write in parts without kms:Decrypt", async () => {
      const { objects } = await actor(files, allow("Key", "kms:GenerateDataKey", keyArn));
      const large = Readable.from([Buffer.alloc(6 << 20)]);
      await denied(objects.put(place, large, {}), "kms:Decrypt");
    });

    it("uses the key for the bucket, not for the object, with a bucket key", async () => {
      const bound = (value: string): Statement => ({
        ...allow("Key", use, keyArn),
        Condition: { StringEquals: { "kms:EncryptionContext:aws:s3:arn": value } },
      });
      await (await actor(files, bound("arn:aws:s3:::encrypted"))).objects.put(place, Buffer.from("a"), {});
      const wrong = await actor(files, bound("arn:aws:s3:::encrypted/a"));
      await denied(wrong.objects.put(place, Buffer.from("a"), {}), "kms:GenerateDataKey");
      const plain = { bucket: "videos", key: "b" };
      const one = await actor(files, bound("arn:aws:s3:::videos/b"));
      await one.objects.put(plain, Buffer.from("b"), { kmsKeyId: keyArn });
    });

    it("uses the key by a grant, only for its encryption context", async () => {
      const { name, objects } = await actor(files);
      const GranteePrincipal = `arn:aws:iam::${testAccount}:role/${name}`;
      const grant = { KeyId: keyArn, GranteePrincipal, Operations: ["GenerateDataKey" as const] };
      const constrained = (bucket: string) =>
        new CreateGrantCommand({
          ...grant,
          Constraints: { EncryptionContextEquals: { "aws:s3:arn": `arn:aws:s3:::${bucket}` } },
        });
      await kms.send(constrained("other"));
      await denied(objects.put(place, Buffer.from("a"), {}), "kms:GenerateDataKey");
      await kms.send(constrained("encrypted"));
      await objects.put(place, Buffer.from("a"), {});
    });
  });

  describe("to an encrypted topic and queue", () => {
    let topicArn: string;
    let queueArn: string;
    let queueUrl: string;
    const cloudWatch = (Condition: object = {}): Statement => ({
      ...allow("Alarms", use),
      Principal: { Service: "cloudwatch.amazonaws.com" },
      Condition,
    });
    const deliver: Statement = { ...allow("Topics", use), Principal: { Service: "sns.amazonaws.com" } };
    const received = async (): Promise<number> => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }),
      );
      return Messages.length;
    };
    const client = async <Client>(make: new (config: ReturnType<typeof sdkConfig>) => Client, ...own: Statement[]) =>
      new make(sdkConfig(aws, await assumeRole(aws, (await role(...own)).arn)));

    before(async () => {
      const topic = { Name: "alarms", Attributes: { KmsMasterKeyId: keyArn } };
      topicArn = (await sns.send(new CreateTopicCommand(topic))).TopicArn ?? "";
      queueArn = arn("sqs", "inbox");
      const Policy = policyOf({
        ...allow("All", "sqs:SendMessage", queueArn),
        Principal: { Service: "sns.amazonaws.com" },
      });
      const queue = { QueueName: "inbox", Attributes: { Policy, KmsMasterKeyId: keyArn } };
      queueUrl = (await sqs.send(new CreateQueueCommand(queue))).QueueUrl ?? "";
      await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: "sqs", Endpoint: queueArn }));
      const AttributeValue = policyOf({
        ...allow("Alarms", "sns:Publish", topicArn),
        Principal: { Service: "cloudwatch.amazonaws.com" },
        Condition: { ArnLike: { "aws:SourceArn": arn("cloudwatch", "alarm:*") } },
      });
      await sns.send(new SetTopicAttributesCommand({ TopicArn: topicArn, AttributeName: "Policy", AttributeValue }));
    });

    it("publishes and delivers if the key's policy allows both services", async () => {
      const source = { StringEquals: { "aws:SourceAccount": testAccount } };
      await keyPolicy(cloudWatch(source), deliver);
      await service("cloudwatch.amazonaws.com").topics.publish(topicArn, "hello");
      assert.equal(await received(), 1);
    });

    it("cannot publish if the key's policy does not name the alarms' service", async () => {
      await keyPolicy(deliver);
      const published = service("cloudwatch.amazonaws.com").topics.publish(topicArn, "hello");
      await denied(published, "kms:GenerateDataKey", "KMSAccessDeniedException");
    });

    it("cannot publish if the topic's policy does not name the service", async () => {
      await denied(
        service("events.amazonaws.com").topics.publish(topicArn, "hello"),
        "SNS:Publish",
        "AuthorizationErrorException",
      );
    });

    it("delivers nothing if the key's policy does not name the topics' service", async () => {
      await keyPolicy(cloudWatch());
      await service("cloudwatch.amazonaws.com").topics.publish(topicArn, "hello");
      assert.equal(await received(), 0);
      const { action, principal } = (await aws.launcher.denials()).at(-1) ?? {};
      assert.deepEqual([action, principal], ["kms:GenerateDataKey", "sns.amazonaws.com"]);
    });

    it("needs the key of the role that publishes, sends and receives", async () => {
      await keyPolicy(deliver);
      const publisher = await client(SNSClient, allow("Publish", "sns:Publish"), allow("Key", "kms:GenerateDataKey"));
      const publishing = publisher.send(new PublishCommand({ TopicArn: topicArn, Message: "hello" }));
      await denied(publishing, "kms:Decrypt", "KMSAccessDeniedException");
      const queue = allow("Queue", "sqs:*");
      const sender = await client(SQSClient, queue);
      const sending = sender.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: "hello" }));
      await denied(sending, "kms:GenerateDataKey", "KmsAccessDenied");
      const reader = await client(SQSClient, queue, { ...allow("Key", "kms:Decrypt"), ...onlyVia("sqs") });
      await reader.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
      const blind = await client(SQSClient, queue, { ...allow("Key", "kms:Decrypt"), ...onlyVia("sns") });
      await denied(blind.send(new ReceiveMessageCommand({ QueueUrl: queueUrl })), "kms:Decrypt", "KmsAccessDenied");
    });

    it("needs no permission for AWS's own keys, but services cannot use them", async () => {
      const topic = { Name: "managed", Attributes: { KmsMasterKeyId: "alias/aws/sns" } };
      const { TopicArn = "" } = await sns.send(new CreateTopicCommand(topic));
      const { topics } = await actor(allow("Publish", "sns:Publish"));
      await topics.publish(TopicArn, "hello");
      const AttributeValue = policyOf({
        ...allow("Alarms", "sns:Publish", TopicArn),
        Principal: { Service: "cloudwatch.amazonaws.com" },
      });
      await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: "Policy", AttributeValue }));
      const published = service("cloudwatch.amazonaws.com").topics.publish(TopicArn, "hello");
      await denied(published, "kms:GenerateDataKey", "KMSAccessDeniedException");
    });
  });

  it("gives a container a session of the role, which the gateway accepts", async () => {
    const { arn: roleArn } = await role(allow("Read", "s3:GetObject"));
    const session = await aws.launcher.session(roleArn, "SageMaker");
    assert.ok("AccessKeyId" in session);
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken } = session;
    const config = sdkConfig(aws, { accessKeyId, secretAccessKey, sessionToken });
    const client = new S3Client({ ...config, forcePathStyle: true });
    assert.equal((await client.send(new GetObjectCommand({ Bucket: "videos", Key: "a.mp4" }))).ContentLength, 1);
    client.destroy();
    assert.deepEqual(await aws.launcher.session(`${roleArn}-none`, "SageMaker"), {
      unknown: `There is no role ${roleArn}-none.`,
    });
  });
});
