/** Tests the names of all resources: their prefix, AWS's limits, and their earlier names. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { earlierNames, inheritedNames } from "./testing/earlier-names.ts";
import { registrationsOf } from "./testing/registrations.ts";
import type { Registrations } from "./testing/registrations.ts";
import { stackConfig } from "./testing/stacks.ts";
import { aliasesOf } from "./testing/urns.ts";

/** A stack's name of the maximum length. */
const stack = "pr-12345678901234567";
/** Suffix that Pulumi's provider for AWS adds to a logical name: a hyphen and 7 hexadecimal digits. */
const suffix = "-0a1b2c3";

/** Maximum lengths of the names of each type, in characters. */
const limits: Readonly<Record<string, number>> = {
  // CloudWatch Logs API reference, CreateLogGroup.
  "aws:cloudwatch/logGroup:LogGroup": 512,
  // CloudWatch API reference, PutMetricAlarm and PutDashboard.
  "aws:cloudwatch/metricAlarm:MetricAlarm": 255,
  "aws:cloudwatch/dashboard:Dashboard": 255,
  // Application Auto Scaling API reference, PutScalingPolicy.
  "aws:appautoscaling/policy:Policy": 256,
  // Application Auto Scaling API reference, PutScheduledAction.
  "aws:appautoscaling/scheduledAction:ScheduledAction": 1600,
  // IAM user guide, "IAM and AWS STS quotas".
  "aws:iam/role:Role": 64,
  "aws:iam/policy:Policy": 128,
  "aws:iam/rolePolicy:RolePolicy": 128,
  // KMS API reference, CreateAlias, without "alias/".
  "aws:kms/alias:Alias": 250,
  // S3 user guide, "General purpose bucket naming rules".
  "aws:s3/bucket:Bucket": 63,
  // SageMaker API reference, CreateModel, CreateEndpointConfig, CreateEndpoint.
  "aws:sagemaker/model:Model": 63,
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration": 63,
  "aws:sagemaker/endpoint:Endpoint": 63,
  // SNS API reference, CreateTopic.
  "aws:sns/topic:Topic": 256,
  // SQS API reference, CreateQueue.
  "aws:sqs/queue:Queue": 80,
};

/** Types without a name, or with one that follows from another resource's. */
const nameless = [
  "aws:appautoscaling/target:Target",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  "aws:kms/key:Key",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketNotification:BucketNotification",
  "aws:s3/bucketObjectv2:BucketObjectv2",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketVersioning:BucketVersioning",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sns/topicSubscription:TopicSubscription",
  "aws:sqs/queuePolicy:QueuePolicy",
];

describe("the resources' names", () => {
  let folder: string;
  let registrations: Registrations;
  let outputs: Readonly<Record<string, unknown>>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "names-"));
    const artifact = join(folder, "model.tar.gz");
    await writeFile(artifact, "weights and code");
    const config = {
      ...stackConfig("dev", artifact),
      "async-video-inference:callerAccountId": "210987654321",
      "async-video-inference:operationsEmails": '["ops@example.com"]',
      "async-video-inference:completionEmails": '["team@example.com"]',
      "async-video-inference:warmWindow":
        '{"days":"SUN","start":"01:00","end":"02:00","timeZone":"Etc/UTC","instances":1}',
    };
    const program = "./index.ts?names";
    ({ registrations, outputs } = await registrationsOf(() => import(program), { stack, config }));
  });

  after(() => rm(folder, { recursive: true }));

  /** Returns the names in AWS by type. A name that the program leaves to the provider is the logical name and a suffix. */
  function physicalNames(): { type: string; name: string }[] {
    return registrations.all
      .filter(({ type }) => type.startsWith("aws:") && !nameless.includes(type))
      .map(({ type, name, inputs }) => {
        const given = inputs["name"] ?? inputs["dashboardName"];
        return { type, name: typeof given === "string" ? given : `${name}${suffix}` };
      });
  }

  it("start with the stack's prefix", () => {
    for (const { type, name } of physicalNames()) {
      const own = name.replace("/aws/sagemaker/Endpoints/", "");
      assert.ok(own.startsWith(`video-${stack}-`), `${type} ${name}`);
    }
    assert.equal(outputs["temporaryQueuePrefix"], `video-${stack}-smoke-`);
  });

  it("are within AWS's limits for the longest name of a stack", () => {
    for (const { type, name } of physicalNames()) {
      const limit = limits[type];
      assert.ok(limit !== undefined, `${type} ${name} has no limit in this test`);
      assert.ok(name.length <= limit, `${type} ${name}: ${name.length} of ${limit} characters`);
    }
    // The smoke test adds a UUID.
    const queue = `${String(outputs["temporaryQueuePrefix"])}${crypto.randomUUID()}`;
    assert.ok(queue.length <= 80, queue);
  });

  it("have their earlier names as aliases, except for the endpoint and the resources that serve it", () => {
    const aliases = aliasesOf(registrations).map((urn) => urn.replaceAll("asyncvideo:index:", ""));
    assert.deepEqual(aliases.toSorted(), [...earlierNames, ...inheritedNames].toSorted());
  });
});
