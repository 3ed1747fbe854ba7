import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "mocha";
import { CloudWatchLogsClient, CreateLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateServiceLinkedRoleCommand,
  IAMClient,
} from "@aws-sdk/client-iam";
import { CreateKeyCommand, DescribeKeyCommand, EncryptCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  CreateBucketCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  NoSuchKey,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import {
  CreateTopicCommand,
  PublishBatchCommand,
  PublishCommand,
  SNSClient,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import { CreateQueueCommand, SendMessageBatchCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { allow, assumeRole, createRole, policyOf, sessionOf } from "../testing/roles.ts";
import type { RoleOptions, SessionCredentials } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, signed, testAccount, testRegion } from "../testing/test-gateway.ts";

const object = "arn:aws:s3:::videos/a.mp4";
const iamArn = (name: string): string => `arn:aws:iam::${testAccount}:${name}`;
const arn = (service: string, name: string): string => `arn:aws:${service}:${testRegion}:${testAccount}:${name}`;

describe("The launcher", () => {
  let aws: TestAws;
  let admin: ReturnType<typeof clients>;
  let made = 0;

  const clients = (credentials?: SessionCredentials) => {
    const config = sdkConfig(aws, credentials);
    return {
      s3: new S3Client({ ...config, forcePathStyle: true }),
      sns: new SNSClient(config),
      sqs: new SQSClient(config),
      iam: new IAMClient(config),
      kms: new KMSClient(config),
      logs: new CloudWatchLogsClient(config),
      sts: new STSClient(config),
    };
  };
  /** Returns the clients of a session of a new role, and the ARN of the session. */
  const role = async (options: RoleOptions = {}) => {
    made += 1;
    const name = `role-${made}`;
    const credentials = await sessionOf(aws, name, options);
    return { ...clients(credentials), name, arn: `arn:aws:sts::${testAccount}:assumed-role/${name}/test` };
  };
  const denials = async (): Promise<Record<string, unknown>[]> => {
    const url = `${aws.url}/_local/denials`;
    const answer = await fetch(url, await signed(url, { service: "sts" }));
    return ((await answer.json()) as { denials: Record<string, unknown>[] }).denials;
  };
  const get = (s3: S3Client) => s3.send(new GetObjectCommand({ Bucket: "videos", Key: "a.mp4" }));

  before(async function () {
    this.timeout(60_000);
    aws = await startTestAws();
    admin = clients();
    await admin.s3.send(new CreateBucketCommand({ Bucket: "videos" }));
    await admin.s3.send(new PutObjectCommand({ Bucket: "videos", Key: "a.mp4", Body: "a video" }));
    await admin.sqs.send(new CreateQueueCommand({ QueueName: "jobs" }));
    await admin.sns.send(new CreateTopicCommand({ Name: "done" }));
  });
  after(async function () {
    this.timeout(60_000);
    await aws.stop();
  });

  describe("allows", () => {
    it("the administrator everything", async () => {
      assert.equal((await admin.sts.send(new GetCallerIdentityCommand({}))).Arn, iamArn("root"));
      assert.equal((await get(admin.s3)).ContentLength, 7);
    });

    it("a session what its role's policy allows", async () => {
      const { s3 } = await role({ allow: [allow("Read", "s3:GetObject", object)] });
      assert.equal((await get(s3)).ContentLength, 7);
    });

    it("a write to S3 only with the condition that its policy requires", async () => {
      const record = "arn:aws:s3:::videos/jobs/*";
      const { s3 } = await role({
        allow: [
          { ...allow("Create", "s3:PutObject", record), Condition: { Null: { "s3:if-none-match": "false" } } },
          { ...allow("Change", "s3:PutObject", record), Condition: { Null: { "s3:if-match": "false" } } },
        ],
      });
      const place = { Bucket: "videos", Key: "jobs/1.json" };
      const { ETag } = await s3.send(new PutObjectCommand({ ...place, Body: "1", IfNoneMatch: "*" }));
      await s3.send(new PutObjectCommand({ ...place, Body: "2", IfMatch: ETag }));
      await assert.rejects(s3.send(new PutObjectCommand({ ...place, Body: "3" })), { name: "AccessDenied" });
    });

    it("batches by the action for one message", async () => {
      const topic = arn("sns", "done");
      const queue = arn("sqs", "jobs");
      const { sns, sqs } = await role({
        allow: [allow("Publish", "sns:Publish", topic), allow("Send", "sqs:SendMessage", queue)],
      });
      const entry = { Id: "1", Message: "hello" };
      await sns.send(new PublishBatchCommand({ TopicArn: topic, PublishBatchRequestEntries: [entry] }));
      const QueueUrl = `${aws.url}/${testAccount}/jobs`;
      await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: "1", MessageBody: "hello" }] }));
    });

    it("a role with the boundary and the policy that conditions name", async () => {
      const boundary = await admin.iam.send(
        new CreatePolicyCommand({ PolicyName: "limit", PolicyDocument: policyOf(allow("All", "*")) }),
      );
      const PermissionsBoundary = boundary.Policy?.Arn ?? "";
      const { iam } = await role({
        allow: [
          {
            ...allow("Create", ["iam:CreateRole", "iam:AttachRolePolicy"], iamArn("role/*")),
            Condition: { StringEquals: { "iam:PermissionsBoundary": PermissionsBoundary } },
          },
          allow("Policies", "iam:CreatePolicy", iamArn("policy/own-*")),
          {
            ...allow("Link", "iam:CreateServiceLinkedRole", iamArn("role/aws-service-role/*")),
            Condition: { StringEquals: { "iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com" } },
          },
        ],
      });
      const AssumeRolePolicyDocument = policyOf();
      await iam.send(new CreateRoleCommand({ RoleName: "limited", AssumeRolePolicyDocument, PermissionsBoundary }));
      const PolicyDocument = policyOf(allow("All", "*"));
      const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: "own-1", PolicyDocument }));
      await iam.send(new AttachRolePolicyCommand({ RoleName: "limited", PolicyArn: Policy?.Arn }));
      const AWSServiceName = "sagemaker.application-autoscaling.amazonaws.com";
      await iam.send(new CreateServiceLinkedRoleCommand({ AWSServiceName }));
      await assert.rejects(
        iam.send(new CreateRoleCommand({ RoleName: "unlimited", AssumeRolePolicyDocument })),
        /not authorized to perform: iam:CreateRole on resource: arn:aws:iam::000000000000:role\/unlimited because/,
      );
    });

    it("an action on resources with a tag", async () => {
      const { KeyMetadata } = await admin.kms.send(
        new CreateKeyCommand({ Tags: [{ TagKey: "stack", TagValue: "local" }] }),
      );
      const statement = (value: string) => ({
        ...allow("Tagged", "kms:DescribeKey"),
        Condition: { StringEquals: { "aws:ResourceTag/stack": value } },
      });
      const { kms } = await role({ allow: [statement("local")] });
      await kms.send(new DescribeKeyCommand({ KeyId: KeyMetadata?.KeyId }));
      const other = await role({ allow: [statement("dev")] });
      await assert.rejects(other.kms.send(new DescribeKeyCommand({ KeyId: KeyMetadata?.KeyId })), /kms:DescribeKey/);
    });

    it("a role that a bucket's policy names", async () => {
      const { s3, name } = await role();
      await admin.s3.send(new CreateBucketCommand({ Bucket: "shared" }));
      const Statement = {
        ...allow("Put", "s3:PutObject", "arn:aws:s3:::shared/*"),
        Principal: { AWS: iamArn(`role/${name}`) },
      };
      await admin.s3.send(new PutBucketPolicyCommand({ Bucket: "shared", Policy: policyOf(Statement) }));
      await s3.send(new PutObjectCommand({ Bucket: "shared", Key: "a", Body: "a" }));
    });
  });

  describe("denies in AWS's words", () => {
    const because = (principal: string, action: string, resource: string, reason: string): RegExp =>
      new RegExp(
        `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} ${reason}`.replaceAll(
          "*",
          "\\*",
        ),
      );
    const implicit = (action: string): string => `because no identity-based policy allows the ${action} action`;

    it("an action that no policy allows, for each service", async () => {
      const session = await role({ allow: [allow("Other", "s3:GetObject", "arn:aws:s3:::other/*")] });
      const { s3, sns, sqs, iam, logs, arn: me } = session;
      const expect = async (call: Promise<unknown>, code: string, action: string, resource: string) => {
        await assert.rejects(call, (error: Error) => {
          assert.equal(error.name, code);
          assert.match(error.message, because(me, action, resource, implicit(action)));
          return true;
        });
      };
      await expect(get(s3), "AccessDenied", "s3:GetObject", `"${object}"`);
      const TopicArn = arn("sns", "done");
      const published = sns.send(new PublishCommand({ TopicArn, Message: "hello" }));
      await expect(published, "AuthorizationErrorException", "SNS:Publish", TopicArn);
      const QueueUrl = `${aws.url}/${testAccount}/jobs`;
      const sent = sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "hello" }));
      await expect(sent, "AccessDenied", "sqs:sendmessage", arn("sqs", "jobs"));
      const PolicyDocument = policyOf(allow("All", "*"));
      const created = iam.send(new CreatePolicyCommand({ PolicyName: "mine", PolicyDocument }));
      await expect(created, "AccessDenied", "iam:CreatePolicy", iamArn("policy/mine"));
      const logged = logs.send(new CreateLogGroupCommand({ logGroupName: "/mine" }));
      await expect(logged, "AccessDeniedException", "logs:CreateLogGroup", arn("logs", "log-group:/mine:log-stream:"));
    });

    it("the read of a missing object, without the permission to list the bucket", async () => {
      const read = allow("Read", "s3:GetObject", "arn:aws:s3:::videos/*");
      const missing = new GetObjectCommand({ Bucket: "videos", Key: "missing" });
      const { s3, arn: me } = await role({ allow: [read] });
      await assert.rejects(
        s3.send(missing),
        because(me, "s3:ListBucket", '"arn:aws:s3:::videos"', implicit("s3:ListBucket")),
      );
      const lister = await role({ allow: [read, allow("List", "s3:ListBucket", "arn:aws:s3:::videos")] });
      await assert.rejects(lister.s3.send(missing), NoSuchKey);
    });

    it("an action beyond the permissions boundary, and names the boundary", async () => {
      const {
        s3,
        arn: me,
        name,
      } = await role({
        allow: [allow("Read", "s3:GetObject")],
        boundary: [allow("Logs", "logs:*")],
      });
      const reason = "because no permissions boundary allows the s3:GetObject action";
      await assert.rejects(get(s3), because(me, "s3:GetObject", `"${object}"`, reason));
      assert.equal((await denials()).at(-1)?.["policy"], iamArn(`policy/${name}-boundary`));
    });

    it("an action that the session's policy does not allow", async () => {
      const roleArn = await createRole(aws, "wide", { allow: [allow("All", "*")] });
      const { s3 } = clients(await assumeRole(aws, roleArn, policyOf(allow("Put", "s3:PutObject"))));
      await assert.rejects(get(s3), /because no session policy allows the s3:GetObject action/);
    });

    it("an explicit deny, also for the administrator, and names policy and Sid", async () => {
      await admin.s3.send(new CreateBucketCommand({ Bucket: "closed" }));
      const Policy = policyOf({
        Sid: "Closed",
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: "arn:aws:s3:::closed/*",
      });
      await admin.s3.send(new PutBucketPolicyCommand({ Bucket: "closed", Policy }));
      await assert.rejects(
        admin.s3.send(new PutObjectCommand({ Bucket: "closed", Key: "a", Body: "a" })),
        because(
          iamArn("root"),
          "s3:PutObject",
          '"arn:aws:s3:::closed/a"',
          "with an explicit deny in a resource-based policy",
        ),
      );
      const { action, principal, resource, policy, sid } = (await denials()).at(-1) ?? {};
      assert.deepEqual(
        { action, principal, resource, policy, sid },
        {
          action: "s3:PutObject",
          principal: iamArn("root"),
          resource: "arn:aws:s3:::closed/a",
          policy: "arn:aws:s3:::closed/a",
          sid: "Closed",
        },
      );
      const log = await readFile(aws.logFile, "utf8");
      assert.match(
        log,
        /IAM denied s3:PutObject: .*principal .*:root, .*resource arn:aws:s3:::closed\/a, .*sid Closed/,
      );
    });

    it("nothing to the administrator who repairs a bucket's policy", async () => {
      await admin.s3.send(new CreateBucketCommand({ Bucket: "locked" }));
      const Policy = policyOf({ Effect: "Deny", Principal: "*", Action: "s3:*", Resource: "arn:aws:s3:::locked" });
      await admin.s3.send(new PutBucketPolicyCommand({ Bucket: "locked", Policy }));
      assert.equal((await admin.s3.send(new GetBucketPolicyCommand({ Bucket: "locked" }))).Policy, Policy);
    });

    it("a key whose policy does not name the account", async () => {
      const { kms, name } = await role({ allow: [allow("Encrypt", "kms:Encrypt")] });
      const Policy = policyOf({ ...allow("Others", "kms:*"), Principal: { AWS: iamArn("role/other") } });
      const { KeyMetadata } = await admin.kms.send(
        new CreateKeyCommand({ Policy, BypassPolicyLockoutSafetyCheck: true }),
      );
      const call = kms.send(new EncryptCommand({ KeyId: KeyMetadata?.KeyId, Plaintext: Buffer.from("a") }));
      await assert.rejects(
        call,
        new RegExp(`${name}/test is not authorized .*because no resource-based policy allows the kms:Encrypt action`),
      );
    });

    it("a role that does not trust the caller", async () => {
      const RoleArn = await createRole(aws, "service-only", { principal: { Service: "sagemaker.amazonaws.com" } });
      await assert.rejects(
        admin.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "test" })),
        /User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: .*\/service-only$/,
      );
    });

    it("a subscription to another protocol", async () => {
      const TopicArn = arn("sns", "done");
      const { sns } = await role({
        allow: [
          { ...allow("Queues", "sns:Subscribe", TopicArn), Condition: { StringEquals: { "sns:Protocol": "sqs" } } },
        ],
      });
      await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint: arn("sqs", "jobs") }));
      await assert.rejects(
        sns.send(new SubscribeCommand({ TopicArn, Protocol: "email", Endpoint: "a@example.com" })),
        /SNS:Subscribe/,
      );
    });
  });

  it("treats the gateway as HTTPS", async () => {
    await admin.s3.send(new CreateBucketCommand({ Bucket: "https" }));
    const Policy = policyOf({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:*",
      Resource: "arn:aws:s3:::https/*",
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    });
    await admin.s3.send(new PutBucketPolicyCommand({ Bucket: "https", Policy }));
    await admin.s3.send(new PutObjectCommand({ Bucket: "https", Key: "a", Body: "a" }));
  });

  it("accepts no key of MiniStack's own", async () => {
    for (const accessKeyId of ["test", testAccount, "AKIAIOSFODNN7EXAMPLE"]) {
      const sts = new STSClient(sdkConfig(aws, { accessKeyId, secretAccessKey: "test" }));
      await assert.rejects(sts.send(new GetCallerIdentityCommand({})), (error: Error) => {
        assert.equal(error.name, "InvalidClientTokenId");
        assert.match(error.message, /npm run -s local:env/);
        return true;
      });
    }
  });
});
