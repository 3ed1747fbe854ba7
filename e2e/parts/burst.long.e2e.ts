import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, it } from "mocha";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import {
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { Deployment } from "../../ops/deployment/deployment.ts";
import { spawnEmulator } from "../../ops/local/emulator.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import { statePaths } from "../../ops/local/local-folder.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { waitUntil } from "../../ops/local/wait.ts";
import { run } from "../../ops/testing/commands.ts";
import type { BurstFigures } from "../../client/cli/burst/figures.ts";
import { openBrowser } from "../../lib/report-page/testing/browser.ts";
import { readRenderedPage } from "../../lib/report-page/testing/rendered-page.ts";
import { waitForInstances } from "../../client/src/capacity.ts";
import { checkOutputs, connect, invoke, readJournal, waitForJob } from "../../client/src/index.ts";
import type { Stack } from "../../client/src/index.ts";
import { openAlarmInbox } from "../../client/testing/alarm-inbox.ts";
import type { AlarmInbox } from "../../client/testing/alarm-inbox.ts";
import { defaults } from "../../infra/defaults.ts";
import { readBurst } from "../../planner/burst.ts";
import type { MeasuredResult } from "../../planner/burst.ts";
import type { PlanResult } from "../../planner/plan.ts";
import { assertAgreement } from "../testing/plan-agreement.ts";
import { packScriptedModel, scripts } from "../../client/testing/scripted-model.ts";

const count = 200;
const repoRoot = join(import.meta.dirname, "..", "..");

describe("a burst on the local stack with a scripted model", function () {
  this.timeout(15 * 60_000);
  const signal = new AbortController().signal;
  let folder: string;
  let aws: RunningEmulator;
  let stack: Stack;
  let sqs: SQSClient;
  let outputs: string;
  let report: string;
  let measurements: string;
  let paths: StatePaths;
  let model: string;
  let deployed: Record<string, unknown>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "burst-"));
    paths = statePaths(join(folder, "local"));
    await mkdir(paths.aws, { recursive: true });
    // The client expects the key pair in the same folder.
    outputs = paths.outputs;
    report = join(folder, "out", "report.html");
    aws = await spawnEmulator({ paths, port: 0, speed: 240, signal });
    model = await packScriptedModel(folder);
    deployed = await up();
    await writeFile(outputs, JSON.stringify(deployed));
    stack = connect(checkOutputs(deployed, "The stack's outputs"), aws.credentials);
    sqs = new SQSClient({ ...stack.clientConfig });
  });

  after(async () => {
    sqs.destroy();
    stack.close();
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  /** Deploys the scripted model with a concurrency of two, as in dev and prod, and further settings; returns the outputs. */
  async function up(...settings: readonly string[]): Promise<Record<string, unknown>> {
    const file = join(folder, "Pulumi.local.yaml");
    const changes = [`modelArtifact=${model}`, "maxConcurrency=2", ...settings].map(parseSetting);
    await changeSettings(join(repoRoot, "Pulumi.local.yaml"), file, changes);
    const deployment = await Deployment.open(aws, paths, file);
    return (await deployment.up({ detail: () => undefined }, signal)).outputs;
  }

  const command = (...args: readonly string[]) => run(["ops/main.ts", ...args, "--outputs", outputs]);

  /** Receives and deletes all messages of a queue; returns their bodies. */
  async function drain(QueueUrl: string): Promise<readonly { inferenceId?: string; invocationStatus?: string }[]> {
    const bodies: { inferenceId?: string; invocationStatus?: string }[] = [];
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 2 }),
      );
      if (Messages.length === 0) return bodies;
      bodies.push(...Messages.map(({ Body = "" }) => JSON.parse(Body) as { inferenceId?: string }));
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
  }

  it(`completes all ${count} jobs, and writes the table and the report`, async () => {
    // As in a plan, the burst starts at zero.
    assert.equal((await waitForInstances(stack, 0, { limitSeconds: 120 })).current, 0);
    const { status, stdout, stderr } = await command(
      ...["burst", "--count", String(count), "--until-zero", "--json", "--out", dirname(report)],
    ).finished;
    assert.equal(status, 0, stderr);
    const figures = JSON.parse(stdout) as BurstFigures & Record<"name" | "report" | "measurements" | "journal", string>;
    measurements = figures.measurements;
    assert.deepEqual(
      [figures.invocations, figures.completed, figures.failed, figures.expired],
      [count, count, 0, 0],
      stderr,
    );
    assert.equal(figures.concurrency, stack.outputs.maxConcurrency);
    assert.equal(figures.instanceType, stack.outputs.instanceType);
    assert.equal(figures.outputBytes, '{"slept": 1}'.length);
    assert.ok(figures.inputBytes > 1000);
    assert.ok(figures.modelSeconds !== null && figures.modelSeconds.mean >= 1, "the model did not sleep for a second");
    assert.ok(figures.instances.most >= 1 && figures.instances.most <= stack.outputs.maxCapacity);
    const { perMinute, backlogSeconds, totalSeconds } = figures;
    assert.ok(perMinute !== null && backlogSeconds !== null && totalSeconds !== null);
    assert.equal(Math.round(perMinute.mean * perMinute.minutes), count);
    assert.ok(backlogSeconds.most >= backlogSeconds.mean && totalSeconds.mean > backlogSeconds.mean);
    assert.equal(figures.report, report);
    const entries = [...(await readJournal(figures.journal)).values()];
    assert.equal(entries.length, count);
    assert.ok(entries.every(({ job, end }) => job !== undefined && end?.status === "completed"));
  });

  it("agrees with the plan of its measured starts, processing times and phase", async () => {
    const { status, stdout, stderr } = await run([
      ...["ops/main.ts", "plan", "--stack", "local", "--from-burst", measurements, "--json"],
    ]).finished;
    assert.equal(status, 0, stderr);
    console.log(`      planned and measured: ${stdout.trim()}`);
    const burst = await readBurst(measurements);
    const { requests, measured } = JSON.parse(stdout) as PlanResult & { measured: MeasuredResult };
    assert.deepEqual([requests, measured], [count, burst.result]);
    await assertAgreement(burst, defaults, { instanceMinutes: 1 });
  });

  it("publishes each job once to the success topic, and none to the error topic", async () => {
    const announced = (await drain(stack.outputs.successQueueUrl)).flatMap(({ inferenceId = [] }) => inferenceId);
    assert.equal(announced.length, count);
    assert.equal(new Set(announced).size, count);
    assert.deepEqual(
      (await drain(stack.outputs.errorQueueUrl)).filter(({ inferenceId }) => inferenceId !== undefined),
      [],
    );
  });

  describe("in its report in a browser", () => {
    let opened: Awaited<ReturnType<typeof openBrowser>>;

    before(async function () {
      opened = await openBrowser();
      if ("browser" in opened) return;
      console.log(`      skipped, no browser: ${opened.missing}`);
      this.skip();
    });

    after(async () => {
      if ("browser" in opened) await opened.close();
    });

    for (const scheme of ["light", "dark"] as const) {
      it(`shows data in every chart in the ${scheme} scheme`, async () => {
        assert.ok("browser" in opened);
        const { charts, problems, requests } = await readRenderedPage(
          opened.browser,
          pathToFileURL(report).href,
          scheme,
        );
        assert.deepEqual([problems, requests], [[], [pathToFileURL(report).href]]);
        assert.equal(charts.length, 6);
        for (const { id, series, inkedPixels } of charts) {
          assert.ok(inkedPixels > 50, `${id} has ${inkedPixels} pixels in its series' colours`);
          for (const { label, values } of series) assert.ok(values.length > 0, `${id}: ${label}`);
        }
        const marks = (id: string) => charts.find((chart) => chart.id === id)?.series[0]?.values ?? [];
        const most = (id: string) => Math.max(...marks(id).map((value) => value ?? 0));
        const capacity = stack.outputs.maxConcurrency * stack.outputs.maxCapacity;
        assert.ok(most("backlog") > capacity, "the backlog does not show the burst");
        assert.equal(
          marks("processed").reduce<number>((sum, value) => sum + (value ?? 0), 0),
          count,
        );
        assert.equal(marks("instances").at(-1), 0, "the chart does not end with zero instances");
      });
    }
  });

  describe("with failure alarms", () => {
    let inbox: AlarmInbox;

    before(async () => {
      inbox = await openAlarmInbox(stack, String(deployed["operationsTopicArn"]));
    });

    after(async () => {
      inbox[Symbol.dispose]();
      // Keep the failures out of the redrive below.
      await drain(stack.outputs.errorQueueUrl);
    });

    /** Sends jobs that all fail, and waits until each has failed. */
    async function failJobs(script: keyof typeof scripts, ...names: readonly string[]): Promise<void> {
      const object = { Bucket: stack.outputs.inputBucket, Key: `${stack.outputs.inputPrefix}${script}.mp4` };
      await stack.s3.send(new PutObjectCommand({ ...object, Body: scripts[script] }));
      const input = { inputLocation: `s3://${object.Bucket}/${object.Key}`, contentType: "video/mp4" };
      const jobs = await Promise.all(names.map((inferenceId) => invoke(stack, { ...input, inferenceId })));
      for (const job of jobs) {
        assert.equal((await waitForJob(stack, job, { limitSeconds: 300 })).status, "failed");
      }
    }

    /** Waits for minutes of the service's clock, at most 120 s of real time. Each alarm is evaluated once a minute. */
    async function laterBy(minutes: number): Promise<void> {
      const now = await stack.clock.now();
      await waitUntil(aws, new Date(now.getTime() + minutes * 60_000), { limitSeconds: 120, signal });
    }

    /** Returns the names of the failure alarms in the state ALARM. */
    async function alarmed(): Promise<string[]> {
      const { MetricAlarms: alarms = [] } = await stack.cloudwatch.send(
        new DescribeAlarmsCommand({ AlarmNamePrefix: "video-local-failure", StateValue: "ALARM" }),
      );
      return alarms.map(({ AlarmName = "" }) => AlarmName);
    }

    it("sends no notification about a file that the model refuses", async () => {
      await failJobs("refused", "refused-1");
      await laterBy(3);
      assert.deepEqual(await alarmed(), []);
      assert.deepEqual(await inbox.take(), []);
    });

    it("sends one notification about server failures, and none about the recovery", async () => {
      // Enough for the failure rate, even if its 15 minutes include many jobs of earlier tests.
      await failJobs("fails", ...Array.from({ length: 10 }, (_value, index) => `fails-${index + 1}`));
      await laterBy(2);
      assert.deepEqual(await inbox.take(), ["video-local-failure-rate ALARM", "video-local-failures ALARM"]);
      await laterBy(16);
      assert.deepEqual(await alarmed(), []);
      assert.deepEqual(await inbox.take(), []);
    });

    it("sends a notification about the recovery if notifyRecovery is set", async () => {
      await up("notifyRecovery=true");
      await failJobs("fails", "fails-11");
      // CloudWatch evaluates up to two more periods than an alarm's setting if some have no data.
      await laterBy(16);
      assert.deepEqual(await inbox.take(), ["video-local-failures ALARM", "video-local-failures OK"]);
    });
  });

  describe("with a job that always fails", () => {
    const summary = (stdout: string) => JSON.parse(stdout) as Record<string, unknown>;

    /** Waits for a job of the redrive's journal; asserts that it fails. */
    const assertFails = async (inferenceId: string): Promise<void> => {
      const job = (await readJournal(join(folder, "redrive.jsonl"))).get(inferenceId)?.job;
      assert.ok(job);
      const state = await waitForJob(stack, job, { limitSeconds: 300 });
      assert.equal(state.status, "failed");
    };

    /** Returns the URL of the error queue's dead-letter queue. */
    const deadLetterUrl = async (): Promise<string> => {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: stack.outputs.errorQueueUrl, AttributeNames: ["RedrivePolicy"] }),
      );
      const policy = JSON.parse(Attributes?.RedrivePolicy ?? "") as { deadLetterTargetArn: string };
      const QueueName = policy.deadLetterTargetArn.split(":").at(-1);
      return (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl ?? "";
    };

    const redrive = (...args: readonly string[]) =>
      command("redrive", "--json", "--times", "2", "--journal", join(folder, "redrive.jsonl"), ...args).finished;

    it("moves that job to the dead-letter queue after one new attempt per redrive", async () => {
      const object = { Bucket: stack.outputs.inputBucket, Key: `${stack.outputs.inputPrefix}fail.mp4` };
      await stack.s3.send(new PutObjectCommand({ ...object, Body: scripts.fails }));
      const inputLocation = `s3://${object.Bucket}/${object.Key}`;
      const job = await invoke(stack, { inputLocation, contentType: "video/mp4", inferenceId: "bad-1" });
      const smoke = await invoke(stack, { inputLocation, contentType: "video/mp4", inferenceId: "smoke-1" });
      for (const each of [job, smoke]) {
        assert.equal((await waitForJob(stack, each, { limitSeconds: 300 })).status, "failed");
      }
      const first = await redrive();
      // The new job may fail before the first redrive finds the queue empty; the redrive then leaves it and reports it.
      assert.equal(first.status, summary(first.stdout)["failed-again"] === 0 ? 0 : 1, first.stderr);
      assert.deepEqual([summary(first.stdout)["sent"], summary(first.stdout)["smoke"]], [1, 1]);
      await assertFails("bad-1.redrive-1");
      const second = await redrive();
      assert.equal(summary(second.stdout)["sent"], 1, second.stderr);
      await assertFails("bad-1.redrive-2");
      const third = await redrive();
      assert.equal(third.status, 1, third.stderr);
      assert.deepEqual([summary(third.stdout)["sent"], summary(third.stdout)["poison"]], [0, 1]);
      assert.deepEqual(await drain(stack.outputs.errorQueueUrl), []);
      assert.deepEqual(
        (await drain(await deadLetterUrl())).map(({ inferenceId }) => inferenceId),
        ["bad-1.redrive-2"],
      );
    });
  });

  it("prints the number of running jobs after Ctrl-C, and leaves a journal that status can read", async () => {
    const out = join(folder, "interrupted");
    const running = command("burst", "--count", "20", "--out", out);
    await running.said(/backlog/);
    running.child.kill("SIGINT");
    const { status, stderr } = await running.finished;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /accepted \d+ of 20 jobs, ended \d+; still running \d+\. .*npm run status/);
    const entries = await readJournal(join(out, "jobs.jsonl"));
    assert.equal(entries.size, 20);
    const shown = await command("status", join(out, "jobs.jsonl"), "--json").finished;
    assert.equal(shown.stdout.trim().split("\n").length, 21);
  });
});
