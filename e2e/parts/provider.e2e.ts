import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "mocha";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import type { OpMap, Stack } from "@pulumi/pulumi/automation/index.js";
import { pulumiRoot } from "../../tools/paths.mjs";
import { startProvider } from "../../emulator/provider/server.ts";
import type { RunningProvider } from "../../emulator/provider/server.ts";
import { startTestAws } from "../../emulator/testing/test-aws.ts";
import type { TestAws } from "../../emulator/testing/test-aws.ts";
import { testCredentials } from "../../emulator/testing/test-gateway.ts";

const account = "000000000000";

interface ProgramOptions {
  readonly tag: string;
  readonly visibilitySeconds: number;
  readonly file: string;
}

/** A program with one resource of each S3, SNS, SQS and IAM type that the video stack has. */
function program({ tag, visibilitySeconds, file }: ProgramOptions) {
  return async (): Promise<pulumi.Inputs> => {
    const caller = await aws.getCallerIdentity({});
    const tags = { tag };
    const bucket = new aws.s3.Bucket("Videos", { forceDestroy: true, tags });
    const inBucket = { bucket: bucket.bucket };
    new aws.s3.BucketVersioning("versions", { ...inBucket, versioningConfiguration: { status: "Enabled" } });
    new aws.s3.BucketServerSideEncryptionConfiguration("encryption", {
      ...inBucket,
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms" }, bucketKeyEnabled: true }],
    });
    new aws.s3.BucketLifecycleConfiguration("lifecycle", {
      ...inBucket,
      rules: [{ id: "expire", status: "Enabled", filter: { prefix: "in/" }, expiration: { days: 30 } }],
    });
    new aws.s3.BucketOwnershipControls("ownership", { ...inBucket, rule: { objectOwnership: "BucketOwnerEnforced" } });
    const access = new aws.s3.BucketPublicAccessBlock("access", {
      ...inBucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const tlsOnly = {
      Version: "2012-10-17" as const,
      Statement: [
        {
          Sid: "TlsOnly",
          Effect: "Deny" as const,
          Principal: "*" as const,
          Action: ["s3:*"],
          Resource: [bucket.arn, pulumi.interpolate`${bucket.arn}/*`],
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        },
      ],
    };
    new aws.s3.BucketPolicy("policy", { ...inBucket, policy: tlsOnly }, { dependsOn: access });
    new aws.s3.BucketNotification("events", { ...inBucket, eventbridge: true });
    const source = new pulumi.asset.FileAsset(file);
    const object = new aws.s3.BucketObjectv2("artifact", { ...inBucket, key: "model/artifact.bin", source, tags });

    const topic = new aws.sns.Topic("done", { tags });
    const dead = new aws.sqs.Queue("dead", { tags });
    const queue = new aws.sqs.Queue("queue", {
      visibilityTimeoutSeconds: visibilitySeconds,
      redrivePolicy: pulumi.jsonStringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 5 }),
      tags,
    });
    const send = (action: string, resource: pulumi.Input<string>) => ({
      Version: "2012-10-17" as const,
      Statement: [
        { Effect: "Allow" as const, Principal: { AWS: caller.accountId }, Action: action, Resource: resource },
      ],
    });
    new aws.sns.TopicPolicy("topicPolicy", {
      arn: topic.arn,
      policy: pulumi.jsonStringify(send("sns:Publish", topic.arn)),
    });
    new aws.sqs.QueuePolicy("queuePolicy", { queueUrl: queue.url, policy: send("sqs:SendMessage", queue.arn) });
    new aws.sns.TopicSubscription("subscription", {
      topic: topic.arn,
      protocol: "sqs",
      endpoint: queue.arn,
      rawMessageDelivery: true,
    });

    const role = new aws.iam.Role("role", {
      assumeRolePolicy: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "sagemaker.amazonaws.com" }, Action: "sts:AssumeRole" }],
      },
      tags,
    });
    const reads = {
      Version: "2012-10-17" as const,
      Statement: [
        { Effect: "Allow" as const, Action: ["s3:GetObject"], Resource: pulumi.interpolate`${bucket.arn}/*` },
      ],
    };
    new aws.iam.RolePolicy("inline", { role: role.name, policy: reads });
    const managed = new aws.iam.Policy("managed", { policy: reads, tags });
    new aws.iam.RolePolicyAttachment("attachment", { role: role.name, policyArn: managed.arn });
    return { bucket: bucket.bucket, etag: object.etag, versionId: object.versionId, queue: queue.url };
  };
}

const resources = 19;

/** Asserts that all changes are of one kind. */
function assertOnly(kind: keyof OpMap, changes: OpMap | undefined): void {
  const others = Object.entries(changes ?? {}).filter(([op, count]) => op !== kind && count > 0);
  assert.deepEqual(others, [], `expected only ${kind}`);
}

describe("the provider under the real engine", () => {
  let folder: string;
  let testAws: TestAws;
  let provider: RunningProvider;
  let command: PulumiCommand;
  let env: Record<string, string>;
  let options: ProgramOptions;

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "provider-e2e-")));
    testAws = await startTestAws();
    provider = await startProvider({
      endpoint: testAws.url,
      region: "us-east-1",
      credentials: testCredentials,
    });
    command = await PulumiCommand.get({ root: pulumiRoot });
    await mkdir(join(folder, "state"));
    env = {
      PATH: [join(pulumiRoot, "bin"), dirname(process.execPath), process.env["PATH"] ?? ""].join(":"),
      PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
      PULUMI_HOME: join(folder, "home"),
      PULUMI_CONFIG_PASSPHRASE: "tiny",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_DEBUG_PROVIDERS: `aws:${provider.port}`,
    };
    const file = join(folder, "artifact.bin");
    await writeFile(file, "first");
    options = { tag: "one", visibilitySeconds: 60, file };
  });

  after(async () => {
    await provider.stop();
    await testAws.stop();
    await rm(folder, { recursive: true });
  });

  async function open(stackName: string, run: pulumi.automation.PulumiFn): Promise<Stack> {
    const stack = await LocalWorkspace.createOrSelectStack(
      { stackName, projectName: "tiny", program: run },
      { envVars: env, pulumiHome: join(folder, "home"), pulumiCommand: command },
    );
    await stack.setConfig("aws:region", { value: "us-east-1" });
    return stack;
  }

  it("creates one resource of each type, finds no change, updates in place and destroys all", async () => {
    const first = await open("dev", program(options));
    await first.setConfig("aws:defaultTags", { value: '{"tags":{"Project":"tiny"}}' });
    await first.setConfig("aws:allowedAccountIds", { value: `["${account}"]` });
    const planned = await first.preview();
    // The stack counts as one more resource.
    assert.deepEqual(planned.changeSummary, { create: resources + 1 });
    const up = await first.up();
    assertOnly("create", up.summary.resourceChanges);
    assert.match(String(up.outputs["bucket"]?.value), /^videos-[0-9a-f]{7}$/);
    assert.equal(up.outputs["etag"]?.value, "8b04d5e3775d298e78455efc5ca404d5");

    assertOnly("same", (await first.preview({ expectNoChanges: true })).changeSummary);
    await first.refresh({ expectNoChanges: true });
    await first.setConfig("aws:defaultTags", { value: '{"tags":{"Project":"other"}}' });
    assert.deepEqual((await first.preview()).changeSummary, { update: 7, same: resources - 7 + 1 });

    await writeFile(options.file, "second");
    const second = await open("dev", program({ ...options, tag: "two", visibilitySeconds: 90 }));
    const updated = await second.up();
    assert.deepEqual(updated.summary.resourceChanges, { update: 7, same: resources - 7 + 1 });
    assert.deepEqual(updated.outputs["bucket"], up.outputs["bucket"]);
    assert.notDeepEqual(updated.outputs["etag"], up.outputs["etag"]);

    const destroyed = await second.destroy();
    assertOnly("delete", destroyed.summary.resourceChanges);
  }).timeout(240_000);

  it("names a type or property that it does not support, before it creates anything", async () => {
    const vpc = await open("vpc", () =>
      Promise.resolve({ id: new aws.ec2.Vpc("vpc", { cidrBlock: "10.0.0.0/16" }).id }),
    );
    await assert.rejects(vpc.up(), /has no type aws:ec2\/vpc:Vpc/);
    const acl = await open("acl", () => Promise.resolve({ id: new aws.s3.Bucket("logs", { acl: "private" }).id }));
    await assert.rejects(acl.up(), /"acl" is not translated/);
  }).timeout(120_000);

  it("refuses an account that is not allowed", async () => {
    const stack = await open("wrong", program(options));
    await stack.setConfig("aws:allowedAccountIds", { value: '["123456789012"]' });
    await assert.rejects(stack.preview(), /AWS account ID not allowed: 000000000000/);
  }).timeout(120_000);
});
