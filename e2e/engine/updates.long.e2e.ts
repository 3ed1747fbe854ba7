import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import {
  ApplicationAutoScalingClient,
  DescribeScalableTargetsCommand,
  DescribeScalingPoliciesCommand,
} from "@aws-sdk/client-application-auto-scaling";
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  ListDashboardsCommand,
  PutMetricAlarmCommand,
} from "@aws-sdk/client-cloudwatch";
import {
  CloudWatchLogsClient,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import { DescribeKeyCommand, KMSClient, ListAliasesCommand, ListKeysCommand } from "@aws-sdk/client-kms";
import {
  HeadObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import {
  DescribeEndpointCommand,
  ListEndpointConfigsCommand,
  ListEndpointsCommand,
  ListModelsCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker";
import { InvokeEndpointAsyncCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { ListTopicsCommand, SNSClient } from "@aws-sdk/client-sns";
import { ListQueuesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { repoRoot } from "../../tools/paths.mjs";
import { Deployment } from "../../ops/deployment/deployment.ts";
import { changeSettings } from "../../ops/deployment/settings-file.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { localArtifact } from "../../ops/start/model.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { startTestEnvironment } from "../testing/environment.ts";
import type { TestEnvironment } from "../testing/environment.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

describe("a stack that the real engine updates", () => {
  let environment: TestEnvironment;
  let folder: string;
  let paths: StatePaths;
  let aws: RunningEmulator;
  let deployment: Deployment;
  let configFile: string;
  /** Changed values of the last deployment. Each test starts from the values that the test before it left. */
  let changed: Readonly<Record<string, unknown>> = {};
  let outputs: Record<string, unknown>;
  let clients: ReturnType<typeof connect>;

  before(async () => {
    environment = await startTestEnvironment(240);
    ({ folder, paths, aws } = environment);
    configFile = join(folder, "Pulumi.local.yaml");
    clients = connect(aws);
    await configure();
    deployment = await Deployment.open(aws, paths, configFile);
    ({ outputs } = await deployment.up(step, signal));
  });

  after(async () => {
    Object.values(clients).forEach((client) => {
      client.destroy();
    });
    await environment[Symbol.asyncDispose]();
  });

  /** Writes Pulumi.local.yaml with the changed values; a key without a namespace gets the program's. */
  async function configure(): Promise<void> {
    const settings = Object.entries(changed).map(([key, value]) => ({
      key: key.includes(":") ? key : `async-video-inference:${key}`,
      value,
    }));
    await changeSettings(join(repoRoot, "Pulumi.local.yaml"), configFile, settings);
  }

  /** Deploys with further changed settings; returns the number of resources by operation, without unchanged ones. */
  async function upWith(further: Readonly<Record<string, unknown>>): Promise<Record<string, number>> {
    changed = { ...changed, ...further };
    await configure();
    const result = await deployment.up(step, signal);
    assert.equal(result.outputs["endpointName"], outputs["endpointName"], "the endpoint was replaced");
    outputs = result.outputs;
    const { same = 0, ...others } = result.changes;
    assert.ok(same > 0);
    return others;
  }

  const endpoint = () =>
    clients.sagemaker.send(new DescribeEndpointCommand({ EndpointName: String(outputs["endpointName"]) }));

  const desired = async () => (await endpoint()).ProductionVariants?.[0]?.DesiredInstanceCount;

  const isInService = async () => (await endpoint()).EndpointStatus === "InService";

  /** Queues the sample video; returns the URI of its future result. */
  async function invoke(): Promise<string> {
    const bucket = String(outputs["inputBucket"]);
    const key = `${String(outputs["inputPrefix"])}street.mp4`;
    const body = await readFile(join(repoRoot, "model", "samples", "street.mp4"));
    await clients.s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    const { OutputLocation = "" } = await clients.runtime.send(
      new InvokeEndpointAsyncCommand({
        EndpointName: String(outputs["endpointName"]),
        InputLocation: `s3://${bucket}/${key}`,
        ContentType: "video/mp4",
      }),
    );
    return OutputLocation;
  }

  async function exists(location: string): Promise<boolean> {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(location) ?? [];
    try {
      await clients.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return true;
    } catch (error) {
      if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return false;
      throw error;
    }
  }

  /** Returns the maximum capacity and the number of policies of the only scalable target. */
  async function scaling(): Promise<{ max: number | undefined; policies: number }> {
    const namespace = { ServiceNamespace: "sagemaker" } as const;
    const { ScalableTargets: targets = [] } = await clients.scaling.send(new DescribeScalableTargetsCommand(namespace));
    const { ScalingPolicies: policies = [] } = await clients.scaling.send(
      new DescribeScalingPoliciesCommand(namespace),
    );
    assert.equal(targets.length, 1);
    return { max: targets[0]?.MaxCapacity, policies: policies.length };
  }

  it("has no planned change without a changed setting", async () => {
    const { changes, planned } = await deployment.preview(step, signal);
    assert.deepEqual(planned, []);
    assert.deepEqual(Object.keys(changes), ["same"]);
  });

  it("has no change in a refresh", async () => {
    const changes = await deployment.refresh(step, signal);
    assert.deepEqual(Object.keys(changes), ["same"]);
  });

  const logGroups = async () => (await clients.logs.send(new DescribeLogGroupsCommand({}))).logGroups ?? [];

  it("has an encrypted log group with a retention of 30 days for the endpoint", async () => {
    const [group, ...others] = await logGroups();
    assert.deepEqual(others, []);
    assert.equal(group?.logGroupName, `/aws/sagemaker/Endpoints/${String(outputs["endpointName"])}`);
    assert.equal(group.retentionInDays, 30);
    assert.match(group.kmsKeyId ?? "", /^arn:aws:kms:/);
    const { logGroupName } = group;
    await until(async () => {
      const { events = [] } = await clients.logs.send(new FilterLogEventsCommand({ logGroupName }));
      return events.some(({ message = "" }) => message.includes("Torchserve version"));
    }, 30_000);
  });

  it("changes the bake time with a new configuration, and updates the endpoint in place", async () => {
    const before = await endpoint();
    assert.deepEqual(await upWith({ bakeTime: 60 }), { replace: 1, update: 1 });
    const { LastDeploymentConfig: last, EndpointConfigName: current, CreationTime } = await endpoint();
    assert.notEqual(current, before.EndpointConfigName);
    assert.deepEqual(CreationTime, before.CreationTime);
    assert.equal(last?.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.WaitIntervalInSeconds, 60);
    const { planned } = await deployment.preview(step, signal);
    assert.deepEqual(planned, []);
  });

  it("changes the artifact with a new model and configuration, and updates the endpoint in place", async () => {
    const before = await endpoint();
    const other = join(folder, "model.tar.gz");
    // An additional empty gzip member gives the same archive another hash.
    await writeFile(other, Buffer.concat([await readFile(localArtifact), emptyGzip]));
    // The object, the model and the configuration are replaced, the endpoint is updated. The update also removes the bake time.
    assert.deepEqual(await upWith({ bakeTime: 0, modelArtifact: other }), { replace: 3, update: 1 });
    assert.notEqual((await endpoint()).EndpointConfigName, before.EndpointConfigName);
    await until(isInService, 60_000);
  });

  it("starts instances of an idle endpoint only for the duration of the update", async () => {
    await until(async () => (await desired()) === 0, 120_000);
    const { EndpointConfigName: before } = await endpoint();
    assert.deepEqual(await upWith({ sampleFps: 2 }), { replace: 2, update: 1 });
    assert.notEqual((await endpoint()).EndpointConfigName, before);
    assert.equal(await desired(), 0);
  });

  it("changes the maximum capacity without an update of the endpoint", async () => {
    const before = await endpoint();
    // The target, the policy that starts up to so many instances, and the dashboard.
    assert.deepEqual(await upWith({ maxCapacity: 3 }), { update: 3 });
    assert.equal((await scaling()).max, 3);
    assert.equal((await endpoint()).EndpointConfigName, before.EndpointConfigName);
  });

  it("changes the backlog target without an update of the endpoint", async () => {
    assert.deepEqual(await upWith({ backlogTarget: 2 }), { update: 2 });
  });

  it("changes tags in place", async () => {
    const changes = await upWith({
      "aws:defaultTags": { tags: { project: "async-video-inference", stack: "local", team: "vision" } },
    });
    assert.deepEqual(Object.keys(changes), ["update"]);
  });

  it("changes the instance type in one update that loses no request", async () => {
    const location = await invoke();
    const changes = await upWith({ instanceType: "ml.g5.xlarge" });
    // AWS refuses the change while a scalable target is registered. Replaced: the Stash, the target, its four policies and the
    // configuration. Updated in place: the endpoint and the alarms that run the policies.
    assert.deepEqual(await scaling(), { max: 3, policies: 4 });
    assert.equal(changes["replace"], 7);
    assert.equal(outputs["instanceType"], "ml.g5.xlarge");
    const { planned } = await deployment.preview(step, signal);
    assert.deepEqual(planned, []);
    await until(() => exists(location), 240_000);
    await until(isInService, 60_000);
  });

  it("changes the concurrency with a new model and configuration", async () => {
    // After the other updates: instances with two workers start more slowly.
    assert.deepEqual(await upWith({ maxConcurrency: 2 }), { replace: 2, update: 1 });
    assert.equal(outputs["maxConcurrency"], 2);
  });

  it("adds rollback alarms with a new endpoint, which is created before the old one is deleted", async () => {
    const alarm = {
      Namespace: "Team",
      MetricName: "Errors",
      Statistic: "Sum",
      Period: 60,
      EvaluationPeriods: 1,
    } as const;
    const comparison = { Threshold: 1, ComparisonOperator: "GreaterThanOrEqualToThreshold" } as const;
    await clients.cloudwatch.send(new PutMetricAlarmCommand({ AlarmName: "errors", ...alarm, ...comparison }));
    const before = String(outputs["endpointName"]);
    const [oldGroup] = await logGroups();
    changed = { rollbackAlarms: ["errors"] };
    await configure();
    const operations: string[] = [];
    const recording = { detail: (text: string) => operations.push(text) };
    ({ outputs } = await deployment.up(recording, signal));
    const order = ["create-replacement", "delete-replaced"].flatMap((operation) =>
      ["LogGroup video-local-endpoint", "Endpoint video-local-endpoint"].map((name) =>
        operations.findIndex((text) => text.startsWith(operation) && text.includes(name)),
      ),
    );
    const [newGroup = -1, newEndpoint = -1, oldGroupDeleted = -1, oldEndpointDeleted = -1] = order;
    assert.ok(newGroup >= 0 && newGroup < newEndpoint, operations.join("\n"));
    assert.ok(newEndpoint < oldEndpointDeleted && oldEndpointDeleted < oldGroupDeleted, operations.join("\n"));
    assert.notEqual(outputs["endpointName"], before);
    assert.deepEqual((await endpoint()).LastDeploymentConfig?.AutoRollbackConfiguration, {
      Alarms: [{ AlarmName: "errors" }],
    });
    const names = (await logGroups()).map(({ logGroupName }) => logGroupName);
    assert.ok(names.includes(`/aws/sagemaker/Endpoints/${String(outputs["endpointName"])}`));
    assert.ok(oldGroup !== undefined);
    await until(isInService, 60_000);
  });

  it("has no change in a refresh after all updates", async () => {
    assert.deepEqual(Object.keys(await deployment.refresh(step, signal)), ["same"]);
  });

  it("leaves nothing when it is destroyed", async () => {
    await deployment.destroy(step, signal);
    const { scaling: autoscaling, cloudwatch, kms, s3, sagemaker, sns, sqs } = clients;
    assert.deepEqual((await s3.send(new ListBucketsCommand({}))).Buckets ?? [], []);
    assert.deepEqual((await sagemaker.send(new ListEndpointsCommand({}))).Endpoints, []);
    assert.deepEqual(await logGroups(), []);
    assert.deepEqual((await sagemaker.send(new ListEndpointConfigsCommand({}))).EndpointConfigs, []);
    assert.deepEqual((await sagemaker.send(new ListModelsCommand({}))).Models, []);
    const targets = await autoscaling.send(new DescribeScalableTargetsCommand({ ServiceNamespace: "sagemaker" }));
    assert.deepEqual(targets.ScalableTargets, []);
    const { MetricAlarms: alarms = [] } = await cloudwatch.send(new DescribeAlarmsCommand({}));
    // The test created this alarm.
    assert.deepEqual(
      alarms.map(({ AlarmName }) => AlarmName),
      ["errors"],
    );
    assert.deepEqual((await cloudwatch.send(new ListDashboardsCommand({}))).DashboardEntries ?? [], []);
    assert.deepEqual((await sns.send(new ListTopicsCommand({}))).Topics ?? [], []);
    assert.deepEqual((await sqs.send(new ListQueuesCommand({}))).QueueUrls ?? [], []);
    const { Aliases = [] } = await kms.send(new ListAliasesCommand({}));
    assert.deepEqual(
      Aliases.filter(({ AliasName = "" }) => !AliasName.startsWith("alias/aws/")),
      [],
    );
    const { Keys = [] } = await kms.send(new ListKeysCommand({}));
    for (const { KeyId } of Keys) {
      const { KeyMetadata: key } = await kms.send(new DescribeKeyCommand({ KeyId }));
      // KMS deletes a key only after a waiting period.
      if (key?.KeyManager === "CUSTOMER") assert.equal(key.KeyState, "PendingDeletion");
    }
  });
});

/**
 * Polls until the condition holds.
 * @throws an AssertionError after `limit` milliseconds
 */
async function until(holds: () => Promise<boolean>, limit: number): Promise<void> {
  const deadline = performance.now() + limit;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `not within ${limit / 1000} s`);
    await sleep(500);
  }
}

/** A gzip member without content. */
const emptyGzip = Buffer.from("1f8b08000000000002ff03000000000000000000", "hex");

function connect({ url, region, credentials }: RunningEmulator) {
  const config = { endpoint: url, region, credentials };
  return {
    cloudwatch: new CloudWatchClient(config),
    logs: new CloudWatchLogsClient(config),
    kms: new KMSClient(config),
    s3: new S3Client({ ...config, forcePathStyle: true }),
    runtime: new SageMakerRuntimeClient(config),
    sagemaker: new SageMakerClient(config),
    scaling: new ApplicationAutoScalingClient(config),
    sns: new SNSClient(config),
    sqs: new SQSClient(config),
  };
}
