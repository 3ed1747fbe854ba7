/** Tests that another program can use the components: with only required arguments, with outputs as arguments, and with transforms. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import type { MetricAlarmArgs } from "@pulumi/aws/cloudwatch/index.js";
import * as pulumi from "@pulumi/pulumi";
import { exampleProgram } from "./testing/example-program.ts";
import { keyArn, registrationsOf } from "./testing/registrations.ts";
import { AccessPolicies } from "./components/access-policies.ts";
import { AsyncEndpoint } from "./components/async-endpoint.ts";
import type { AsyncEndpointArgs } from "./components/async-endpoint-args.ts";
import { EncryptionKey } from "./components/encryption-key.ts";
import { EndpointAutoscaling } from "./components/endpoint-autoscaling.ts";
import type { EndpointAutoscalingArgs } from "./components/endpoint-autoscaling.ts";
import { InferenceNotifications } from "./components/inference-notifications.ts";
import { ModelArtifact } from "./components/model-artifact.ts";
import { Monitoring } from "./components/monitoring.ts";
import type { MonitoringArgs } from "./components/monitoring.ts";
import { VideoStorage } from "./components/video-storage.ts";
import type { VideoStorageArgs } from "./components/video-storage.ts";

/** Protects a resource: a change that each registration shows. */
const protect = (_args: object, opts: pulumi.CustomResourceOptions): void => {
  opts.protect = true;
};

const locations = { inputBucket: "clips", outputBucket: "results" };
const endpoint = { endpointName: "detector", variantName: "AllTraffic" };

function createStorage(args: Partial<VideoStorageArgs>): VideoStorage {
  return new VideoStorage("clips", { keyArn, ...args });
}

function createEndpoint(args: Partial<AsyncEndpointArgs>): AsyncEndpoint {
  return new AsyncEndpoint("clips", {
    ...locations,
    keyArn,
    modelUrl: "s3://clips/models/f00d/model.tar.gz",
    successTopicArn: "arn:aws:sns:eu-west-1:123456789012:success",
    errorTopicArn: "arn:aws:sns:eu-west-1:123456789012:error",
    ...args,
  });
}

function createScaling(args: Partial<EndpointAutoscalingArgs>): EndpointAutoscaling {
  return new EndpointAutoscaling("clips", { ...endpoint, replacementTrigger: "ml.g4dn.xlarge", ...args });
}

function createMonitoring(args: Partial<MonitoringArgs>): Monitoring {
  return new Monitoring("clips", { ...endpoint, keyArn, ...args });
}

/** Returns programs that create a component with these arguments as values, with the same as outputs, and without them. */
function programs<Args extends object>(args: Args, create: (args: Partial<Args>) => unknown) {
  const outputs = () => Object.entries(args).map(([key, value]) => [key, pulumi.output(value as unknown)]);
  return {
    values: () => void create(args),
    outputs: () => void create(Object.fromEntries(outputs()) as Args),
    defaults: () => void create({}),
  };
}

/** Returns the inputs of each resource that a program registers. */
async function inputsOf(program: () => void): Promise<Record<string, unknown>> {
  const { registrations } = await registrationsOf(program);
  return Object.fromEntries(registrations.all.map(({ type, name, inputs }) => [`${type} ${name}`, inputs]));
}

/** Each component with all of its optional resources, and a transform of every resource. */
const transformedComponents: Readonly<Record<string, (model: string) => pulumi.ComponentResource>> = {
  EncryptionKey: () => new EncryptionKey("clips", { transform: { key: protect, alias: protect } }),
  VideoStorage: () => {
    const bucket = {
      bucket: protect,
      publicAccessBlock: protect,
      ownershipControls: protect,
      encryption: protect,
      policy: protect,
      lifecycle: protect,
      notification: protect,
    };
    const transform = { input: { ...bucket, versioning: protect }, output: bucket };
    return createStorage({ transform });
  },
  InferenceNotifications: () => {
    const channel = {
      topic: protect,
      topicPolicy: protect,
      emailSubscription: protect,
      queue: protect,
      deadLetterQueue: protect,
      queuePolicy: protect,
      queueSubscription: protect,
    };
    const transform = { success: channel, error: channel };
    return new InferenceNotifications("clips", { keyArn, completionEmails: ["ann@example.com"], transform });
  },
  ModelArtifact: (model) =>
    new ModelArtifact("clips", { path: model, bucket: "clips", transform: { object: protect } }),
  AsyncEndpoint: () =>
    createEndpoint({
      transform: {
        role: protect,
        rolePolicy: protect,
        model: protect,
        configuration: protect,
        logGroup: protect,
        endpoint: protect,
      },
    }),
  EndpointAutoscaling: () =>
    createScaling({
      warmWindow: { days: "MON-FRI", start: "08:00", end: "18:00", timeZone: "Etc/UTC", instances: 1 },
      transform: {
        target: protect,
        policies: { backlog: protect, fromZero: protect, fromZeroRetry: protect, toZero: protect },
        alarms: { fromZero: protect, fromZeroRetry: protect, idle: protect, mostlyIdle: protect },
        scheduledActions: { warmStart: protect, warmEnd: protect },
      },
    }),
  Monitoring: () =>
    createMonitoring({
      operationsEmails: ["ops@example.com"],
      transform: {
        topic: protect,
        topicPolicy: protect,
        emailSubscription: protect,
        dashboard: protect,
        alarms: {
          failures: protect,
          failureRate: protect,
          oldestRequest: protect,
          stuckAtZero: protect,
          idleInstances: protect,
          expired: protect,
        },
      },
    }),
  AccessPolicies: () =>
    new AccessPolicies("clips", {
      ...locations,
      keyArn,
      endpointArn: "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/detector",
      endpointName: "detector",
      topicArns: [],
      queueArns: [],
      deadLetterQueueArns: [],
      callerAccountId: "210987654321",
      transform: {
        callerPolicy: protect,
        operatorPolicy: protect,
        callerRole: protect,
        callerRolePolicyAttachment: protect,
      },
    }),
};

describe("a component in another program", () => {
  let folder: string;
  let model: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "reuse-"));
    model = join(folder, "model.tar.gz");
    await writeFile(model, "weights and code");
  });

  after(() => rm(folder, { recursive: true }));

  it("needs only its required arguments, as in the examples", async () => {
    const { registrations, outputs } = await registrationsOf(() => exampleProgram(model), { project: "other" });
    assert.deepEqual(
      registrations.all
        .filter(({ custom, type }) => !custom && type !== "pulumi:pulumi:Stack")
        .map(({ type, name }) => `${type.split(":")[2]} ${name}`)
        .sort(),
      [
        "AccessPolicies videos",
        "AsyncEndpoint videos",
        "CompletionTopics videos",
        "EncryptionKey videos",
        "ModelArtifact videos",
        "Monitoring videos",
        "ScaleToZero videos",
        "VideoStorage videos",
      ],
    );
    assert.equal(outputs["maxCapacity"], 5);
    assert.match(String(outputs["endpointName"]), /^videos-endpoint-[0-9a-f]{7}$/);
  });

  for (const [name, create] of Object.entries(transformedComponents)) {
    it(`lets the program transform every resource of ${name}`, async () => {
      const { registrations } = await registrationsOf(() => {
        create(model);
      });
      const resources = registrations.all.filter(({ type }) => type.startsWith("aws:"));
      assert.ok(resources.length > 0);
      for (const resource of resources) assert.ok(resource.protect, `${resource.type} ${resource.name}`);
    });
  }

  it("takes arguments for a resource, instead of a function, and leaves its other arguments", async () => {
    const { registrations } = await registrationsOf(() => {
      const tags = pulumi.output({ team: "vision" });
      createStorage({ forceDestroy: true, transform: { input: { bucket: { tags } } } });
    });
    const inputs = (name: string) => registrations.one("aws:s3/bucket:Bucket", name).inputs;
    assert.deepEqual(inputs("clips-input"), { forceDestroy: true, tags: { team: "vision" } });
    assert.deepEqual(inputs("clips-output"), { forceDestroy: true });
  });

  it("passes a transform the arguments and the logical name of the resource", async () => {
    const { registrations } = await registrationsOf(() => {
      const transform = {
        alarms: {
          stuckAtZero: (args: MetricAlarmArgs, _: object, name: string) => {
            assert.equal(name, "clips-stuck-at-zero");
            args.evaluationPeriods = pulumi.output(args.evaluationPeriods).apply((minutes = 0) => minutes + 10);
          },
        },
      };
      createMonitoring({ transform });
    });
    const { evaluationPeriods } = registrations.one(
      "aws:cloudwatch/metricAlarm:MetricAlarm",
      "clips-stuck-at-zero",
    ).inputs;
    assert.equal(evaluationPeriods, 30);
  });

  for (const [name, { values, outputs, defaults }] of Object.entries({
    AsyncEndpoint: programs<Partial<AsyncEndpointArgs>>(
      {
        image: "ray",
        instanceType: "ml.g5.xlarge",
        requireGpu: false,
        maxConcurrency: 3,
        bakeTime: 60,
        rollbackAlarms: ["errors"],
        subnetIds: ["subnet-1"],
        securityGroupIds: ["sg-1"],
        sourceBuckets: [{ bucket: "team-videos", prefix: "clips/" }],
        permissionsBoundary: "arn:aws:iam::123456789012:policy/boundary",
      },
      createEndpoint,
    ),
    Monitoring: programs<Partial<MonitoringArgs>>(
      {
        maxCapacity: 2,
        oldestRequestLimit: 60,
        failureRateLimit: 0.1,
        failureRateMinRequests: 9,
        // An output is truthy, also if its value is false.
        notifyRecovery: false,
      },
      createMonitoring,
    ),
    EndpointAutoscaling: programs<Partial<EndpointAutoscalingArgs>>(
      { maxCapacity: 3, backlogTarget: 2, idleMinutes: 7, scaleInCooldown: 60, scaleOutCooldown: 90 },
      createScaling,
    ),
    VideoStorage: programs<Partial<VideoStorageArgs>>(
      { inputRetentionDays: 3, resultRetentionDays: 4, forceDestroy: true },
      createStorage,
    ),
  })) {
    it(`takes outputs as arguments of ${name}, and creates the same resources as for values`, async () => {
      const expected = await inputsOf(values);
      assert.deepEqual(await inputsOf(outputs), expected);
      assert.notDeepEqual(await inputsOf(defaults), expected);
    });
  }

  it("uses the default of an argument that is undefined", async () => {
    // A program without the compiler option exactOptionalPropertyTypes may pass undefined.
    const args: object = { inputRetentionDays: undefined, resultRetentionDays: undefined };
    const { values, defaults } = programs<Partial<VideoStorageArgs>>(args, createStorage);
    assert.deepEqual(await inputsOf(values), await inputsOf(defaults));
  });
});
