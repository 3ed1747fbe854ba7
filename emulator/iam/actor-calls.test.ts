/** Tests that an execution role without the permission of one call fails that call's step, as AWS reports it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import { IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateBucketCommand,
  ListObjectsV2Command,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { DescribeEndpointOutput } from "@aws-sdk/client-sagemaker";
import type { InvokeEndpointAsyncOutput } from "@aws-sdk/client-sagemaker-runtime";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { RealClock } from "../core/real-clock.ts";
import { ArtifactCache } from "../model-server/artifact.ts";
import { ModelServer } from "../model-server/model-server.ts";
import { executionActor } from "../services/sagemaker/dependencies.ts";
import type { ContainerSpec } from "../services/sagemaker/dependencies.ts";
import { SageMaker } from "../services/sagemaker/service.ts";
import { caller } from "../services/application-autoscaling/harness.ts";
import { artifactOf } from "../testing/artifact.ts";
import { fakeAws } from "../testing/fake-aws.ts";
import { createRole, policyOf } from "../testing/roles.ts";
import type { Statement } from "../testing/roles.ts";
import { goodConfig, goodModel } from "../testing/sagemaker-fixture.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, testAccount, testRegion } from "../testing/test-gateway.ts";
import { actorCalls } from "./actors.ts";
import { LauncherAuthorizer } from "./authorizer.ts";

/** Clock speed-up: metrics come once a minute of the stack's time, which takes 0.1 s. */
const speed = 600;
const twoMinutes = 200;

type Event = keyof typeof actorCalls;

/** A container whose model data are the objects below a prefix. */
const prefixContainer = {
  Image: goodModel.PrimaryContainer.Image,
  ModelDataSource: { S3DataSource: { S3Uri: "s3://models/", S3DataType: "S3Prefix", CompressionType: "None" } },
};

interface Call {
  readonly when: Event;
  readonly action: string;
  readonly resource: string;
}

const roleCalls: readonly Call[] = Object.entries(actorCalls).flatMap(([when, rows]) =>
  rows
    .filter((row) => row.as === "execution role")
    .map(({ action, resource }) => ({ when: when as Event, action, resource })),
);
/** Calls that only uploads in parts, and failed ones, make: the results here are small. */
const onlyInParts = (call: Call): boolean =>
  call.action === "s3:AbortMultipartUpload" ||
  /^key of the (result|failure object)kms:Decrypt$/.test(call.resource + call.action);

describe("The execution role", function () {
  this.timeout(60_000);
  let aws: TestAws;
  let folder: string;
  let model: Server;
  let fake: ReturnType<typeof fakeAws>;
  let sagemaker: SageMaker;
  let control: ReturnType<typeof caller>;
  let runtime: ReturnType<typeof caller>;
  let iam: IAMClient;
  let s3: S3Client;
  let keyArn: string;
  let clock: RealClock;
  let status = 200;
  let made = 0;

  before(async () => {
    aws = await startTestAws();
    folder = await mkdtemp(join(tmpdir(), "actor-calls-"));
    model = createServer((request, response) => {
      request.resume().on("end", () => {
        response.writeHead(status, { "content-type": "text/plain" }).end("an answer");
      });
    }).listen(join(folder, "model"));
    await once(model, "listening");
    const config = sdkConfig(aws);
    iam = new IAMClient(config);
    s3 = new S3Client({ ...config, forcePathStyle: true });
    keyArn = (await new KMSClient(config).send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? "";
    const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: keyArn } as const;
    const ServerSideEncryptionConfiguration = { Rules: [{ ApplyServerSideEncryptionByDefault }] };
    for (const Bucket of ["models", "videos", "results"]) {
      await s3.send(new CreateBucketCommand({ Bucket }));
      await s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration }));
    }
    const Body = await artifactOf(folder, "def model_fn(): pass\n");
    await s3.send(new PutObjectCommand({ Bucket: "models", Key: "model.tar.gz", Body }));
    await s3.send(new PutObjectCommand({ Bucket: "videos", Key: "a.mp4", Body: "a video" }));
    const sns = new SNSClient(config);
    for (const Name of ["success", "error"]) {
      await sns.send(new CreateTopicCommand({ Name, Attributes: { KmsMasterKeyId: keyArn } }));
    }
    fake = fakeAws();
    clock = new RealClock(speed);
    fake.alarms.set("errors", "OK");
    const artifacts = new ArtifactCache(join(folder, "artifacts"));
    sagemaker = new SageMaker({
      ...fake.dependencies,
      clock,
      callAs: aws.ports.callAs,
      roles: aws.ports.roles,
      authorizer: new LauncherAuthorizer(aws.launcher),
      instanceQuota: 100,
      launcherFor: (container) => ({ launch: () => launch(container, artifacts) }),
    });
    const now = () => new Date(clock.now());
    control = caller(sagemaker.control, now);
    runtime = caller(sagemaker.runtime, now);
  });
  after(async () => {
    await sagemaker.stop();
    fake.clock.stop();
    clock.stop();
    model.close();
    iam.destroy();
    s3.destroy();
    await aws.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts an instance without processes; its container writes one line. */
  const launch = async ({ roleArn, modelData, endpointName }: ContainerSpec, artifacts: ArtifactCache) => {
    const { objects, logs } = aws.ports.callAs(executionActor(roleArn));
    made += 1;
    if (modelData !== undefined) await artifacts.unpack(modelData, join(folder, `instance-${made}`), objects);
    await logs.write(endpointName, "video/i-1", [{ timestamp: Date.now(), message: "ready" }]).catch(() => undefined);
    const stop = () => Promise.resolve();
    const process = { pid: 0, ended: new Promise<string>(() => undefined), stop };
    return new ModelServer({
      server: { socket: { socketPath: join(folder, "model"), token: "" }, process },
      objects,
      cleanUp: stop,
    });
  };

  /** Returns the statement that allows one call. */
  const statementOf = (call: Call, endpoint: string): Statement => {
    const { action, resource } = call;
    const object: Readonly<Record<string, string>> = {
      artifact: "arn:aws:s3:::models/model.tar.gz",
      "bucket of the artifact": "arn:aws:s3:::models",
      input: "arn:aws:s3:::videos/a.mp4",
      result: `arn:aws:s3:::results/${endpoint}/out/*`,
      "failure object": `arn:aws:s3:::results/${endpoint}/failed/*`,
      topic: `arn:aws:sns:${testRegion}:${testAccount}:*`,
      "log group of the endpoint": `arn:aws:logs:${testRegion}:${testAccount}:log-group:*`,
      "log streams of the endpoint": `arn:aws:logs:${testRegion}:${testAccount}:log-group:*`,
      "repository of the image": `arn:aws:ecr:${testRegion}:763104351884:repository/pytorch-inference`,
      "network interfaces": `arn:aws:ec2:${testRegion}:${testAccount}:*`,
      "roll-back alarms": `arn:aws:cloudwatch:${testRegion}:${testAccount}:alarm:errors`,
      volume: "*",
      "*": "*",
    };
    const what = resource.replace(/^key of the /, "");
    const of = object[what];
    assert.ok(of !== undefined, `The test knows no ${what}.`);
    if (what === resource) return { Effect: "Allow", Action: action, Resource: of };
    if (what === "volume") return { Effect: "Allow", Action: action, Resource: keyArn };
    const encryption = what === "topic" ? "aws:sns:topicArn" : "aws:s3:arn";
    const Condition = { StringLike: { [`kms:EncryptionContext:${encryption}`]: of } };
    return { Effect: "Allow", Action: action, Resource: keyArn, Condition };
  };
  const describeEndpoint = (name: string) =>
    control<DescribeEndpointOutput>("DescribeEndpoint", { EndpointName: name });
  const settled = async (name: string): Promise<DescribeEndpointOutput> => {
    for (;;) {
      const found = await describeEndpoint(name);
      if (!["Creating", "Updating"].includes(found.EndpointStatus ?? "")) return found;
      await sleep(10);
    }
  };
  const metric = (endpoint: string, name: string): number =>
    fake.metrics.list().filter((one) => one.name === name && one.dimensions["EndpointName"] === endpoint).length;

  /** Runs a model, an endpoint and a job with all permissions but one. Returns what a user of AWS sees. */
  const life = async (missing: Call | undefined) => {
    made += 1;
    const name = `endpoint-${made}`;
    const policy = async (calls: readonly Call[]) => {
      const PolicyDocument = policyOf(...calls.map((call) => statementOf(call, name)));
      await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: "own", PolicyDocument }));
    };
    const same = (call: Call): boolean => call.action === missing?.action && call.resource === missing.resource;
    const all = roleCalls;
    const without = roleCalls.filter((call) => !same(call));
    const principal = { Service: "sagemaker.amazonaws.com" };
    const ExecutionRoleArn = await createRole(aws, name, { principal });
    await policy(missing?.when.startsWith("CreateModel") === true ? without : all);
    const VpcConfig = { Subnets: ["subnet-1"], SecurityGroupIds: ["sg-1"] };
    const isUncompressed = missing?.when.endsWith("with uncompressed data") === true;
    const PrimaryContainer = isUncompressed ? prefixContainer : goodModel.PrimaryContainer;
    await control("CreateModel", { ...goodModel, PrimaryContainer, ModelName: name, ExecutionRoleArn, VpcConfig });
    const isUpdate = missing?.when === "update with roll-back alarms";
    const isLater = isUpdate || missing?.when === "notification of a job";
    await policy(isLater ? all : without);
    const { AsyncInferenceConfig } = goodConfig;
    const OutputConfig = {
      ...AsyncInferenceConfig.OutputConfig,
      S3OutputPath: `s3://results/${name}/out`,
      S3FailurePath: `s3://results/${name}/failed`,
    };
    for (const EndpointConfigName of [name, `${name}-next`]) {
      await control("CreateEndpointConfig", {
        EndpointConfigName,
        ProductionVariants: [{ ...goodConfig.ProductionVariants[0], ModelName: name }],
        AsyncInferenceConfig: { ...AsyncInferenceConfig, OutputConfig },
        KmsKeyId: keyArn,
      });
    }
    await control("CreateEndpoint", { EndpointName: name, EndpointConfigName: name });
    let endpoint = await settled(name);
    if (isUpdate) {
      await policy(without);
      await control("UpdateEndpoint", {
        EndpointName: name,
        EndpointConfigName: `${name}-next`,
        DeploymentConfig: {
          BlueGreenUpdatePolicy: { TrafficRoutingConfiguration: { Type: "ALL_AT_ONCE", WaitIntervalInSeconds: 0 } },
          AutoRollbackConfiguration: { Alarms: [{ AlarmName: "errors" }] },
        },
      });
      endpoint = await settled(name);
    }
    if (endpoint.EndpointStatus !== "InService" || isUpdate) return { name, reason: endpoint.FailureReason };
    if (missing === undefined || missing.when === "metrics of an instance") await sleep(twoMinutes);
    await policy(without);
    status = missing?.when === "failure of a job" ? 500 : 200;
    const accepted = await runtime<InvokeEndpointAsyncOutput>("InvokeEndpointAsync", {
      EndpointName: name,
      InputLocation: "s3://videos/a.mp4",
    });
    while (sagemaker.status().some((one) => one.name === name && one.queued + one.inProcess > 0)) await sleep(10);
    // Its output is sent then.
    await sagemaker.stop();
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: "results", Prefix: `${name}/` }));
    return {
      name,
      reason: endpoint.FailureReason,
      accepted,
      written: Contents.map(({ Key = "" }) => `s3://results/${Key}`),
    };
  };

  /** Asserts what AWS shows if the permission for one call is missing. */
  const expectations: Readonly<Record<string, (call: Call) => Promise<void>>> = {
    async CreateModel(call) {
      await assert.rejects(life(call), /^AwsError: Could not access model data at s3:\/\/models/);
    },
    async "CreateModel with uncompressed data"(call) {
      await assert.rejects(life(call), /^AwsError: Could not access model data at s3:\/\/models\/\./);
    },
    async "start of an instance with uncompressed data"(call) {
      const { reason = "" } = await life(call);
      assert.match(reason, /Failed to download model data for container "container_1" from URL: "s3:\/\/models\/"/);
    },
    async "start of an instance"(call) {
      const { reason = "" } = await life(call);
      if (call.action.startsWith("ecr:")) {
        const name = call.action.slice("ecr:".length);
        assert.match(reason, new RegExp(`The role '.*' does not have ${name} permission for the image: '`));
      } else assert.match(reason, /Failed to download model data for container "container_1" from URL: /);
    },
    async "start of an instance in a VPC"(call) {
      const { reason = "" } = await life(call);
      assert.ok(reason.includes(`is not authorized to perform: ${call.action}`), reason);
    },
    async "start of an instance with an encrypted volume"(call) {
      const { reason = "" } = await life(call);
      assert.ok(reason.includes(`is not authorized to perform: ${call.action}`), reason);
    },
    async "metrics of an instance"(call) {
      const { name } = await life(call);
      assert.equal(metric(name, "CPUUtilization"), 0);
    },
    async "deployment of an endpoint"(call) {
      const { name, reason = "" } = await life(call);
      const words = `The provided role 'arn:aws:iam::${testAccount}:role/${name}' is invalid. Please ensure the role exists, that its trust relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com", and has "sns:Publish" permissions for topic "`;
      assert.ok(reason.startsWith(words), reason);
    },
    async "update with roll-back alarms"(call) {
      const { reason = "" } = await life(call);
      assert.ok(reason.includes(`is not authorized to perform: ${call.action}`), reason);
    },
    async "output of a container"(call) {
      const { name } = await life(call);
      const logs = new CloudWatchLogsClient(sdkConfig(aws));
      const { logGroups = [] } = await logs.send(
        new DescribeLogGroupsCommand({ logGroupNamePrefix: `/aws/sagemaker/Endpoints/${name}` }),
      );
      assert.equal(logGroups.length, call.action === "logs:CreateLogGroup" ? 0 : 1);
      assert.ok(
        (await aws.launcher.denials()).some(
          ({ action, principal }) => action === call.action && principal.includes(name),
        ),
      );
    },
    async "start of a job"(call) {
      const { name, written, accepted } = await life(call);
      assert.deepEqual(written, [accepted?.FailureLocation]);
      assert.equal(metric(name, "RequestDownloadFailures"), 1);
    },
    async "end of a job"(call) {
      const { name, written, accepted } = await life(call);
      assert.deepEqual(written, [accepted?.FailureLocation]);
      assert.equal(metric(name, "ResponseUploadFailures"), 1);
    },
    async "failure of a job"(call) {
      const { name, written } = await life(call);
      assert.deepEqual(written, []);
      assert.equal(metric(name, "ResponseUploadFailures"), 1);
    },
    async "notification of a job"(call) {
      const { name, written, accepted } = await life(call);
      assert.deepEqual(written, [accepted?.OutputLocation]);
      assert.equal(metric(name, "NotificationFailures"), 1);
    },
  };

  it("runs a job with all permissions", async () => {
    const { name, reason, written, accepted } = await life(undefined);
    assert.equal(reason, undefined);
    assert.deepEqual(written, [accepted?.OutputLocation]);
    assert.ok(metric(name, "CPUUtilization") > 0);
  });

  for (const call of roleCalls.filter((one) => !onlyInParts(one))) {
    it(`needs ${call.action} (${call.resource}) at: ${call.when}`, async () => {
      const expected = expectations[call.when];
      assert.ok(expected, `Nothing is expected at: ${call.when}`);
      await expected(call);
    });
  }
});
