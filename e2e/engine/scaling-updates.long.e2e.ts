/** Updates the scaling of a stack: from an earlier version, to target tracking and back, and with a warm window. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import {
  ApplicationAutoScalingClient,
  DescribeScalingPoliciesCommand,
  DescribeScheduledActionsCommand,
} from "@aws-sdk/client-application-auto-scaling";
import { CloudWatchClient, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { repoRoot } from "../../tools/paths.mjs";
import { awsEnvironment, Deployment } from "../../ops/deployment/deployment.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import { earlierProgram } from "../testing/earlier-program.ts";
import { startEngineTestEnvironment } from "../testing/environment.ts";
import type { EngineTestEnvironment } from "../testing/environment.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };
const sagemaker = { ServiceNamespace: "sagemaker" } as const;

/** The scaling of earlier versions: an alarm on one metric, which adds one instance, and target tracking that scales in. */
const earlierScaling = {
  file: "index.ts",
  current: "{ ...config, endpointName, variantName, replacementTrigger },",
  previous: `{
    ...config, endpointName, variantName, replacementTrigger, scaleIn: "tracking",
    transform: {
      policies: {
        fromZero: {
          stepScalingPolicyConfiguration: {
            adjustmentType: "ChangeInCapacity",
            metricAggregationType: "Average",
            cooldown: 300,
            stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
          },
        },
      },
      alarms: {
        fromZero: (args) => {
          delete args.metricQueries;
          Object.assign(args, {
            namespace: "AWS/SageMaker",
            metricName: "HasBacklogWithoutCapacity",
            dimensions: { EndpointName: endpointName },
            statistic: "Average",
            period: 60,
          });
        },
      },
    },
  },`,
};

/** Earlier versions had no second policy to start instances. */
const withoutRetryPolicy = { file: "scaling.ts", current: "      fromZeroRetry: retry,\n", previous: "" };
const withoutRetryAlarm = {
  file: "scaling.ts",
  current: "    alarms: {\n      ...alarmsFromZero<Text, Count>(variant),",
  previous: "    alarms: {\n      fromZero: alarmsFromZero<Text, Count>(variant).fromZero,",
};

describe("the scaling of a stack", () => {
  let environment: EngineTestEnvironment;
  let deployment: Deployment;
  let configFile: string;
  let scaling: ApplicationAutoScalingClient;
  let cloudwatch: CloudWatchClient;

  before(async () => {
    environment = await startEngineTestEnvironment(60);
    const { aws, paths, folder } = environment;
    const { url: endpoint, region, credentials, providerPort } = aws;
    scaling = new ApplicationAutoScalingClient({ endpoint, region, credentials });
    cloudwatch = new CloudWatchClient({ endpoint, region, credentials });
    configFile = join(folder, "Pulumi.local.yaml");
    await configure();
    const stack = { stackName: "local", configFile, paths, providerPort, environment: awsEnvironment(aws) };
    const projectFolder = await earlierProgram(folder, [earlierScaling, withoutRetryAlarm, withoutRetryPolicy]);
    await (await Deployment.openAt({ ...stack, projectFolder })).up(step, signal);
    deployment = await Deployment.openAt({ ...stack, projectFolder: repoRoot });
  });

  after(async () => {
    scaling.destroy();
    cloudwatch.destroy();
    await environment[Symbol.asyncDispose]();
  });

  /** Writes the stack's file with changed settings. */
  async function configure(...settings: string[]): Promise<void> {
    const changes = [`modelArtifact=${environment.artifact}`, ...settings].map(parseSetting);
    await changeSettings(join(repoRoot, "Pulumi.local.yaml"), configFile, changes);
  }

  /** Deploys with changed settings; returns the number of resources by operation, without unchanged ones. */
  async function upWith(...settings: string[]): Promise<Record<string, number>> {
    await configure(...settings);
    const { same = 0, ...others } = (await deployment.up(step, signal)).changes;
    assert.ok(same > 0);
    return others;
  }

  async function policyCount(): Promise<number> {
    return (await scaling.send(new DescribeScalingPoliciesCommand(sagemaker))).ScalingPolicies?.length ?? 0;
  }

  it("replaces the policies and the alarm of an earlier version in place, and adds the others, in one update", async () => {
    assert.equal(await policyCount(), 2);
    const { planned } = await deployment.preview(step, signal);
    const shown = planned.map(({ operation, type, name }) => `${operation} ${type.split(":").at(-1)} ${name}`);
    assert.deepEqual(shown.toSorted(), [
      "create MetricAlarm video-local-from-zero-retry",
      "create MetricAlarm video-local-idle",
      "create MetricAlarm video-local-mostly-idle",
      "create Policy video-local-from-zero-retry",
      "create Policy video-local-to-zero",
      "update Dashboard video-local",
      "update MetricAlarm video-local-from-zero",
      "update Policy video-local-backlog",
      "update Policy video-local-from-zero",
    ]);
    await upWith();
    assert.equal(await policyCount(), 4);
    const { MetricAlarms: alarms = [] } = await cloudwatch.send(new DescribeAlarmsCommand({}));
    const tracking = alarms.filter(({ AlarmName = "" }) => AlarmName.startsWith("TargetTracking"));
    assert.equal(tracking.length, 1, "only the alarm that starts instances");
  });

  it("changes to target tracking, as in the blog post, and back", async () => {
    // Deleted: the policy to zero and its two alarms. Updated: the tracking, and the dashboard.
    assert.deepEqual(await upWith("scaleIn=tracking"), { delete: 3, update: 2 });
    assert.equal(await policyCount(), 3);
    assert.deepEqual(await upWith(), { create: 3, update: 2 });
  });

  it("adds a warm window with two scheduled actions, and removes it", async () => {
    const warmWindow = { days: "SUN", start: "01:00", end: "02:00", timeZone: "Etc/UTC", instances: 1 };
    // The alarm on idle instances waits for the window.
    assert.deepEqual(await upWith(`warmWindow=${JSON.stringify(warmWindow)}`), { create: 2, update: 1 });
    const { ScheduledActions: actions = [] } = await scaling.send(new DescribeScheduledActionsCommand(sagemaker));
    assert.deepEqual(actions.map(({ Schedule }) => Schedule).toSorted(), [
      "cron(0 1 ? * SUN *)",
      "cron(0 2 ? * SUN *)",
    ]);
    const { planned } = await deployment.preview(step, signal);
    assert.deepEqual(planned, []);
    assert.deepEqual(await upWith(), { delete: 2, update: 1 });
  });

  it("is destroyed completely", async () => {
    await deployment.destroy(step, signal);
    assert.equal(await policyCount(), 0);
    const { MetricAlarms: alarms = [] } = await cloudwatch.send(new DescribeAlarmsCommand({}));
    assert.deepEqual(alarms, []);
  });
});
