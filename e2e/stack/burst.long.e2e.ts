import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
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
import { spawnEmulator, type RunningEmulator } from "../../ops/local/emulator.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import { statePaths, type StatePaths } from "../../ops/local/state.ts";
import { run } from "../../ops/testing/commands.ts";
import { freePort } from "../../lib/ports.ts";
import type { BurstFigures } from "../../client/cli/burst/figures.ts";
import { openBrowser } from "../../client/cli/burst/testing/browser.ts";
import { lookAt } from "../../client/cli/burst/testing/report-page.ts";
import { checkOutputs, connect, invoke, readManifest, waitForJob } from "../../client/src/index.ts";
import type { Stack } from "../../client/src/index.ts";
import { poll } from "../../client/src/poll.ts";
import { openAlarmInbox, type AlarmInbox } from "../../client/testing/alarm-inbox.ts";
import { packScriptedModel, scripts } from "../../client/testing/scripted-model.ts";

const COUNT = 200;
const repoRoot = path.join(import.meta.dirname, "..", "..");

describe("a burst on the local stack, with a model that only sleeps", function () {
  this.timeout(15 * 60_000);
  const signal = new AbortController().signal;
  let folder: string;
  let aws: RunningEmulator;
  let stack: Stack;
  let sqs: SQSClient;
  let outputs: string;
  let report: string;
  let paths: StatePaths;
  let model: string;
  let deployed: Record<string, unknown>;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "burst-"));
    paths = statePaths(path.join(folder, "local"));
    await mkdir(paths.aws, { recursive: true });
    // Next to the key pair, where the client looks for it.
    outputs = paths.outputs;
    report = path.join(folder, "out", "report.html");
    aws = await spawnEmulator({ paths, port: await freePort(), speed: 240, signal });
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

  /** Deploys the scripted model with two jobs at a time, as dev and prod run them, and further settings; returns the outputs. */
  async function up(...settings: readonly string[]): Promise<Record<string, unknown>> {
    const file = path.join(folder, "Pulumi.local.yaml");
    const changes = [`modelArtifact=${model}`, "maxConcurrency=2", ...settings].map(parseSetting);
    await changeSettings(path.join(repoRoot, "Pulumi.local.yaml"), file, changes);
    const deployment = await Deployment.open(aws, paths, file);
    return (await deployment.up({ detail: () => undefined }, signal)).outputs;
  }

  const command = (...args: readonly string[]) => run(["client/cli/main.ts", ...args, "--outputs", outputs]);

  /** Takes all messages of a queue. */
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

  it(`ends with ${COUNT} Completed, the table and the report`, async () => {
    const { status, stdout, stderr } = await command(
      ...["burst", "--count", String(COUNT), "--until-zero", "--json", "--out", path.dirname(report)],
    ).finished;
    assert.equal(status, 0, stderr);
    const figures = JSON.parse(stdout) as BurstFigures & { name: string; report: string; manifest: string };
    assert.deepEqual(
      [figures.invocations, figures.completed, figures.failed, figures.expired],
      [COUNT, COUNT, 0, 0],
      stderr,
    );
    assert.equal(figures.concurrency, stack.outputs.maxConcurrency);
    assert.equal(figures.instanceType, stack.outputs.instanceType);
    assert.equal(figures.outputBytes, '{"slept": 1}'.length);
    assert.ok(figures.inputBytes > 1000);
    assert.ok(figures.modelSeconds !== null && figures.modelSeconds.mean >= 1, "the model sleeps for a second");
    assert.ok(figures.instances.most >= 1 && figures.instances.most <= stack.outputs.maxCapacity);
    const { perMinute, backlogSeconds, totalSeconds } = figures;
    assert.ok(perMinute !== null && backlogSeconds !== null && totalSeconds !== null);
    assert.equal(Math.round(perMinute.mean * perMinute.minutes), COUNT);
    assert.ok(backlogSeconds.most >= backlogSeconds.mean && totalSeconds.mean > backlogSeconds.mean);
    assert.equal(figures.report, report);
    const entries = [...(await readManifest(figures.manifest)).values()];
    assert.equal(entries.length, COUNT);
    assert.ok(entries.every(({ job, end }) => job !== undefined && end?.status === "completed"));
  });

  it("announces each job once on the success topic, and none on the error topic", async () => {
    const announced = (await drain(stack.outputs.successQueueUrl)).flatMap(({ inferenceId = [] }) => inferenceId);
    assert.equal(announced.length, COUNT);
    assert.equal(new Set(announced).size, COUNT);
    assert.deepEqual(
      (await drain(stack.outputs.errorQueueUrl)).filter(({ inferenceId }) => inferenceId !== undefined),
      [],
    );
  });

  describe("and its report in a browser", () => {
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
      it(`has charts that show data, ${scheme}`, async () => {
        assert.ok("browser" in opened);
        const { charts, problems, requests } = await lookAt(opened.browser, pathToFileURL(report).href, scheme);
        assert.deepEqual([problems, requests], [[], [pathToFileURL(report).href]]);
        assert.equal(charts.length, 6);
        for (const { id, series, inkedPixels } of charts) {
          assert.ok(inkedPixels > 50, `${id} has ${inkedPixels} pixels in its series' colours`);
          for (const { label, values } of series) assert.ok(values.length > 0, `${id}: ${label}`);
        }
        const marks = (id: string) => charts.find((chart) => chart.id === id)?.series[0]?.values ?? [];
        const most = (id: string) => Math.max(...marks(id).map((value) => value ?? 0));
        const atATime = stack.outputs.maxConcurrency * stack.outputs.maxCapacity;
        assert.ok(most("backlog") > atATime, "the burst is seen in the backlog");
        assert.equal(
          marks("processed").reduce<number>((sum, value) => sum + (value ?? 0), 0),
          COUNT,
        );
        assert.equal(marks("instances").at(-1), 0, "the endpoint is seen to go back to zero");
      });
    }
  });

  describe("and its alarms on failures", () => {
    let inbox: AlarmInbox;

    before(async () => {
      inbox = await openAlarmInbox(stack, String(deployed["operationsTopicArn"]));
    });

    after(async () => {
      inbox[Symbol.dispose]();
      // The failures are no business of the redrive below.
      await drain(stack.outputs.errorQueueUrl);
    });

    /** Sends jobs that all fail, and waits for their ends. */
    async function failJobs(script: keyof typeof scripts, ...names: readonly string[]): Promise<void> {
      const place = { Bucket: stack.outputs.inputBucket, Key: `${stack.outputs.inputPrefix}${script}.mp4` };
      await stack.s3.send(new PutObjectCommand({ ...place, Body: scripts[script] }));
      const input = { inputLocation: `s3://${place.Bucket}/${place.Key}`, contentType: "video/mp4" };
      const jobs = await Promise.all(names.map((inferenceId) => invoke(stack, { ...input, inferenceId })));
      for (const job of jobs) {
        assert.equal((await waitForJob(stack, job, { limitSeconds: 300 })).status, "failed");
      }
    }

    /** Waits until the service's clock is minutes later: each alarm is evaluated once a minute. */
    async function laterBy(minutes: number): Promise<void> {
      const end = (await stack.clock.now()).getTime() + minutes * 60_000;
      const now = await poll(
        async () => (await stack.clock.now()).getTime(),
        (moment) => moment >= end,
        { limitSeconds: 120 },
      );
      assert.ok(now >= end, "the service's clock stands still");
    }

    async function alarmed(): Promise<string[]> {
      const { MetricAlarms: alarms = [] } = await stack.cloudwatch.send(
        new DescribeAlarmsCommand({ AlarmNamePrefix: "video-local-failure", StateValue: "ALARM" }),
      );
      return alarms.map(({ AlarmName = "" }) => AlarmName);
    }

    it("is not told of a file that the model refuses", async () => {
      await failJobs("refused", "refused-1");
      await laterBy(3);
      assert.deepEqual(await alarmed(), []);
      assert.deepEqual(await inbox.take(), []);
    });

    it("is told once of failures of the server, and not of the recovery", async () => {
      // Enough for the rate, even if many jobs of the tests before ended within its 15 minutes.
      await failJobs("fails", ...Array.from({ length: 10 }, (_value, index) => `fails-${index + 1}`));
      await laterBy(2);
      assert.deepEqual(await inbox.take(), ["video-local-failure-rate ALARM", "video-local-failures ALARM"]);
      await laterBy(16);
      assert.deepEqual(await alarmed(), []);
      assert.deepEqual(await inbox.take(), []);
    });

    it("is told of the recovery too if notifyRecovery is set", async () => {
      await up("notifyRecovery=true");
      await failJobs("fails", "fails-11");
      // An alarm is compared with up to two more periods than it is set to, if some have no data.
      await laterBy(16);
      assert.deepEqual(await inbox.take(), ["video-local-failures ALARM", "video-local-failures OK"]);
    });
  });

  describe("and a job that always fails", () => {
    const summary = (stdout: string) => JSON.parse(stdout) as Record<string, unknown>;

    const failed = async (inferenceId: string): Promise<void> => {
      const job = (await readManifest(path.join(folder, "redrive.jsonl"))).get(inferenceId)?.job;
      assert.ok(job);
      const state = await waitForJob(stack, job, { limitSeconds: 300 });
      assert.equal(state.status, "failed");
    };

    const deadLetters = async (): Promise<string> => {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: stack.outputs.errorQueueUrl, AttributeNames: ["RedrivePolicy"] }),
      );
      const policy = JSON.parse(Attributes?.RedrivePolicy ?? "") as { deadLetterTargetArn: string };
      const QueueName = policy.deadLetterTargetArn.split(":").at(-1);
      return (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl ?? "";
    };

    const redrive = (...args: readonly string[]) =>
      command("redrive", "--json", "--times", "2", "--manifest", path.join(folder, "redrive.jsonl"), ...args).finished;

    it("is sent again once a run, and ends in the dead-letter queue", async () => {
      const place = { Bucket: stack.outputs.inputBucket, Key: `${stack.outputs.inputPrefix}fail.mp4` };
      await stack.s3.send(new PutObjectCommand({ ...place, Body: scripts.fails }));
      const inputLocation = `s3://${place.Bucket}/${place.Key}`;
      const job = await invoke(stack, { inputLocation, contentType: "video/mp4", inferenceId: "bad-1" });
      const smoke = await invoke(stack, { inputLocation, contentType: "video/mp4", inferenceId: "smoke-1" });
      for (const each of [job, smoke]) {
        assert.equal((await waitForJob(stack, each, { limitSeconds: 300 })).status, "failed");
      }
      const first = await redrive();
      // The new job may have failed before the first run has seen the queue empty: it is then left, and the run says so.
      assert.equal(first.status, summary(first.stdout)["failed-again"] === 0 ? 0 : 1, first.stderr);
      assert.deepEqual([summary(first.stdout)["sent"], summary(first.stdout)["smoke"]], [1, 1]);
      await failed("bad-1.redrive-1");
      const second = await redrive();
      assert.equal(summary(second.stdout)["sent"], 1, second.stderr);
      await failed("bad-1.redrive-2");
      const third = await redrive();
      assert.equal(third.status, 1, third.stderr);
      assert.deepEqual([summary(third.stdout)["sent"], summary(third.stdout)["poison"]], [0, 1]);
      assert.deepEqual(await drain(stack.outputs.errorQueueUrl), []);
      assert.deepEqual(
        (await drain(await deadLetters())).map(({ inferenceId }) => inferenceId),
        ["bad-1.redrive-2"],
      );
    });
  });

  it("says what is under way after Ctrl-C, and leaves a manifest that status goes on with", async () => {
    const out = path.join(folder, "interrupted");
    const running = command("burst", "--count", "20", "--out", out);
    await running.said(/backlog/);
    running.child.kill("SIGINT");
    const { status, stderr } = await running.finished;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /accepted \d+ of 20 jobs, ended \d+; still running \d+\. .*npm run status/);
    const entries = await readManifest(path.join(out, "jobs.jsonl"));
    assert.equal(entries.size, 20);
    const shown = await command("status", path.join(out, "jobs.jsonl"), "--json").finished;
    assert.equal(shown.stdout.trim().split("\n").length, 21);
  });
});
