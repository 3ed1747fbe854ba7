/** Tests the rehearsal: good changes pass all stages, and each bad change fails at the right stage. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import {
  ApplicationAutoScalingClient,
  DescribeScalingPoliciesCommand,
  PutScalingPolicyCommand,
} from "@aws-sdk/client-application-auto-scaling";
import { CloudWatchClient, DescribeAlarmsCommand, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import {
  CreateBucketCommand,
  GetBucketTaggingCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { DescribeEndpointConfigCommand, ListEndpointConfigsCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { recordCalls } from "../../emulator/testing/aws-calls.ts";
import type { Recorder } from "../../emulator/testing/aws-calls.ts";
import { openStack } from "../../client/src/index.ts";
import { startProvider } from "../../emulator/provider/server.ts";
import type { RunningProvider } from "../../emulator/provider/server.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { awsEnvironment, Deployment } from "../../ops/deployment/deployment.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { localState } from "../../ops/local/local-stack.ts";
import { Progress } from "../../lib/progress.ts";
import { rehearse, stageNames } from "../../ops/rehearsal/rehearsal.ts";
import type { Rehearsal, StageName } from "../../ops/rehearsal/rehearsal.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import type { Setting } from "../../ops/deployment/settings-file.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { leftProcesses, run } from "../../ops/testing/commands.ts";
import { freePort } from "../../lib/ports.ts";
import { takeDownLeftover } from "../testing/leftover-stack.ts";
import { startTestEnvironment } from "../testing/environment.ts";
import type { TestEnvironment } from "../testing/environment.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };
const progress = new Progress({ write: () => true });
/** Bucket outside the stack. */
const sourceBucket = "team-videos";

before(() => takeDownLeftover());

describe("the rehearsal of a change", () => {
  let environment: TestEnvironment;
  let folder: string;
  let paths: StatePaths;
  let aws: RunningEmulator;
  let recorder: Recorder;
  let provider: RunningProvider;
  let stack: Record<string, unknown>;

  before(async () => {
    environment = await startTestEnvironment(240);
    ({ folder, paths, aws } = environment);
    recorder = await recordCalls(aws);
    provider = await startProvider({
      endpoint: recorder.url,
      region: aws.region,
      credentials: aws.credentials,
      programDirectory: join(repoRoot, "infra"),
      retryBudget: 5_000,
    });
    ({ outputs: stack } = await (await open()).up(step, signal));
  });

  after(async () => {
    await provider.stop();
    recorder.stop();
    await environment[Symbol.asyncDispose]();
  });

  /** Opens the stack with changed settings and a recorder of its AWS calls. */
  async function open(...settings: Setting[]): Promise<Deployment> {
    // Each deployment has a separate file, because a rehearsal uses several at once.
    const configFile = join(await mkdtemp(join(folder, "settings-")), "Pulumi.local.yaml");
    await changeSettings(join(repoRoot, "Pulumi.local.yaml"), configFile, settings);
    const environment = awsEnvironment({ ...aws, url: recorder.url });
    return await Deployment.openAt(
      { stackName: "local", projectFolder: repoRoot, configFile, paths, providerPort: provider.port, environment },
      paths.outputs,
    );
  }

  /** Rehearses changed settings; runs all stages by default. */
  async function rehearsalOf(settings: readonly string[], stages?: readonly StageName[]): Promise<Rehearsal> {
    const parsed = settings.map(parseSetting);
    const deployment = await open(...parsed);
    const planFile = join(folder, "plan.json");
    const deploymentWith = (...further: Setting[]) => open(...parsed, ...further);
    const { outputs } = paths;
    const roles = { deployment, previewed: deployment, environment: {}, connect: () => openStack({ outputs }) };
    const change = { ...roles, deploymentWith, outputs, planFile, folder, video: undefined };
    return await rehearse(change, progress, signal, stages);
  }

  const outcomes = ({ stages }: Rehearsal) => stages.map(({ name, outcome }) => `${name} ${outcome}`);
  const outputOf = ({ stages }: Rehearsal, stage: StageName) => stages.find(({ name }) => name === stage)?.said ?? "";

  /** Returns the actions of the recorded calls that change something. */
  const writes = () =>
    recorder.calls.map(({ action }) => action).filter((action) => !/:(Get|List|Describe|Head)/.test(action));

  const config = () => ({ endpoint: aws.url, region: aws.region, credentials: aws.credentials });

  it("records the calls that create a stack", () => {
    for (const call of [
      "s3:PutBucket*",
      "sagemaker:CreateEndpoint",
      "application-autoscaling:RegisterScalableTarget",
    ]) {
      assert.ok(writes().includes(call), `${call} among ${[...new Set(writes())].join(", ")}`);
    }
  });

  for (const [setting, policy, remedy] of [
    ["minCapacity=1", "min-capacity-zero", /minCapacity.*0/s],
    ["instanceType=ml.m5.xlarge", "gpu-instance-type", /instanceType.*ml\.g/s],
  ] as const) {
    it(`stops ${setting} at the preview with the remedy, before any change`, async () => {
      const before = writes().length;
      const rehearsal = await rehearsalOf([setting]);
      assert.equal(rehearsal.passed, false);
      assert.deepEqual(outcomes(rehearsal), [
        "preview failed",
        ...["up", "smoke", "source", "scaling", "rollback", "drift"].map((name) => `${name} not run`),
      ]);
      assert.ok(outputOf(rehearsal, "preview").includes(policy), outputOf(rehearsal, "preview"));
      assert.match(outputOf(rehearsal, "preview"), remedy);
      assert.match(rehearsal.next, /Nothing was deployed/);
      assert.deepEqual(writes().slice(before), []);
    });
  }

  /** Settings that the tests below start from. */
  const settings = ["maxConcurrency=2", `sourceBuckets=[{bucket: ${sourceBucket}, prefix: clips/}]`];

  it("passes another concurrency and a source bucket, and deploys them", async () => {
    // The test of the command runs the other stages.
    const stages = ["preview", "up", "smoke", "drift"] as const;
    const rehearsal = await rehearsalOf(settings, stages);
    assert.deepEqual(
      outcomes(rehearsal),
      stages.map((name) => `${name} passed`),
      JSON.stringify(rehearsal),
    );
    assert.equal(rehearsal.passed, true);
    assert.match(outputOf(rehearsal, "preview"), /replace/);
    assert.match(outputOf(rehearsal, "smoke"), /[5-9] tests passed/);
    const sagemaker = new SageMakerClient(config());
    const { EndpointConfigs: found = [] } = await sagemaker.send(new ListEndpointConfigsCommand({}));
    const [{ EndpointConfigName } = {}] = found;
    const { AsyncInferenceConfig: asynchronous } = await sagemaker.send(
      new DescribeEndpointConfigCommand({ EndpointConfigName }),
    );
    assert.equal(asynchronous?.ClientConfig?.MaxConcurrentInvocationsPerInstance, 2);
    sagemaker.destroy();
  });

  it("processes a video in a source bucket without an upload", async () => {
    const Bucket = sourceBucket;
    const s3 = new S3Client({ ...config(), forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket }));
    const sample = await readFile(join(repoRoot, "model/samples/street.mp4"));
    await s3.send(new PutObjectCommand({ Bucket, Key: "clips/street.mp4", Body: sample }));
    s3.destroy();

    const submit = async (...args: string[]) =>
      await run(["ops/main.ts", "submit", ...args, "--outputs", paths.outputs]).finished;
    const before = writes().length;
    const { status, stdout, stderr } = await submit(
      `s3://${Bucket}/clips/`,
      ...["--wait", "--json", "--journal", join(folder, "source.jsonl")],
    );
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.match(stdout, /"inputLocation":"s3:\/\/team-videos\/clips\/street\.mp4".*"status":"completed"/);
    // The job's record is created and the request is written before the call, and the record is changed after it.
    const expected = ["s3:PutObject", "s3:PutObject", "sagemaker:InvokeEndpointAsync", "s3:PutObject"];
    assert.deepEqual(writes().slice(before), expected);
    const outsidePrefix = await submit(`s3://${Bucket}/private/street.mp4`);
    assert.equal(outsidePrefix.status, 2, outsidePrefix.stdout);
    assert.match(outsidePrefix.stderr, /may not read s3:\/\/team-videos\/private\/.*setting sourceBuckets/);
  });

  it("finds changes made without Pulumi, names them, and passes once they are reverted", async () => {
    const s3 = new S3Client({ ...config(), forcePathStyle: true });
    const scaling = new ApplicationAutoScalingClient(config());
    const cloudwatch = new CloudWatchClient(config());
    const Bucket = String(stack["inputBucket"]);
    const { TagSet = [] } = await s3.send(new GetBucketTaggingCommand({ Bucket }));
    await s3.send(
      new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet: [...TagSet, { Key: "owner", Value: "me" }] } }),
    );
    const { ScalingPolicies: policies = [] } = await scaling.send(
      new DescribeScalingPoliciesCommand({ ServiceNamespace: "sagemaker" }),
    );
    const tracking = policies.find(({ PolicyType: type }) => type === "TargetTrackingScaling");
    assert.ok(tracking !== undefined);
    const { PolicyName, ServiceNamespace, ResourceId, ScalableDimension, PolicyType } = tracking;
    const TargetTrackingScalingPolicyConfiguration = {
      ...tracking.TargetTrackingScalingPolicyConfiguration,
      TargetValue: 50,
    };
    const policy = { PolicyName, ServiceNamespace, ResourceId, ScalableDimension, PolicyType };
    await scaling.send(new PutScalingPolicyCommand({ ...policy, TargetTrackingScalingPolicyConfiguration }));
    const { MetricAlarms: alarms = [] } = await cloudwatch.send(
      new DescribeAlarmsCommand({ AlarmNamePrefix: "video-local-failures" }),
    );
    const [failures] = alarms;
    assert.ok(failures !== undefined);
    await cloudwatch.send(new PutMetricAlarmCommand({ ...failures, AlarmName: failures.AlarmName!, Threshold: 1000 }));
    for (const client of [s3, scaling, cloudwatch]) client.destroy();

    const before = writes().length;
    const rehearsal = await rehearsalOf(settings, ["drift"]);
    assert.equal(rehearsal.passed, false);
    const report = outputOf(rehearsal, "drift");
    assert.match(report, /video-local-input \(aws:s3\/bucket.*tags/, report);
    assert.match(report, /\(aws:appautoscaling\/policy:Policy\): targetTracking\S*targetValue/, report);
    assert.match(report, /video-local-failures \(aws:cloudwatch\/metricAlarm:MetricAlarm\): threshold/, report);
    assert.equal(report.trim().split("\n").length, 4, report);
    assert.deepEqual(writes().slice(before), [], "the drift check changed something");

    const deployment = await open(...settings.map(parseSetting));
    await deployment.refresh(step, signal);
    await deployment.up(step, signal);
    assert.equal((await rehearsalOf(settings, ["drift"])).passed, true);
  });

  it("stops at a failed smoke test, with the next steps", async () => {
    // No detection reaches this threshold: the stack works, but finds nothing.
    const rehearsal = await rehearsalOf([...settings, "scoreThreshold=1"]);
    assert.deepEqual(
      outcomes(rehearsal),
      [
        "preview passed",
        "up passed",
        "smoke failed",
        ...["source", "scaling", "rollback", "drift"].map((name) => `${name} not run`),
      ],
      JSON.stringify(rehearsal),
    );
    assert.match(outputOf(rehearsal, "smoke"), /has no detections/);
    assert.match(rehearsal.next, /not promoted, and prod is unchanged.*git revert/s);
  });
});

describe("npm run ci:rehearse", function () {
  this.timeout(600_000);

  afterEach(async () => {
    assert.deepEqual(await leftProcesses(), []);
    assert.equal(existsSync(localState.lock), false, "the lock is left");
    assert.equal(existsSync(localState.backend), false, "Pulumi's state is left");
  });

  const command = async (...args: string[]) =>
    await run(["ops/main.ts", "rehearse", "--port", String(await freePort()), ...args]).finished;

  it("passes all stages with a changed setting, prints the duration of each, and takes everything down", async () => {
    const { status, stdout, stderr } = await command("--config", "maxCapacity=1", "--json");
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    const { passed, stages } = JSON.parse(stdout) as Rehearsal;
    assert.equal(passed, true);
    assert.deepEqual(
      stages.map(({ name, outcome }) => [name, outcome]),
      stageNames.map((name) => [name, "passed"]),
    );
    assert.ok(stages.every(({ seconds }) => seconds > 0));
  });

  it("ends with status 1 and the policy's message for a change that the pack refuses", async () => {
    const { status, stdout, stderr } = await command("--config", "minCapacity=1");
    assert.equal(status, 1, stderr);
    assert.match(stdout, /preview +failed/);
    assert.match(stdout, /min-capacity-zero/);
    assert.match(stdout, /smoke +not run/);
  });

  it("leaves nothing after Ctrl-C during the smoke test", async () => {
    const running = run(["ops/main.ts", "rehearse", "--port", String(await freePort())]);
    await running.said(/… smoke: .*waiting/);
    running.child.kill("SIGINT");
    const { status, stderr } = await running.finished;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /Stopped by SIGINT/);
  });

  it("refuses an invalid setting before it starts anything", async () => {
    const { status, stderr } = await command("--config", "minCapacity");
    assert.equal(status, 2);
    assert.match(stderr, /--config takes KEY=VALUE, not "minCapacity"/);
    assert.doesNotMatch(stderr, /Starting AWS/);
  });
});
