import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
import { create } from "tar";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { Deployment } from "../start/deployment.ts";
import { startLocalAws, type RunningLocalAws } from "../start/local-aws.ts";
import { statePaths } from "../start/state.ts";
import { freePort, run } from "../start/testing/commands.ts";
import type { BurstFigures } from "./burst/figures.ts";
import { openBrowser } from "./burst/testing/browser.ts";
import { lookAt } from "./burst/testing/report-page.ts";
import { checkOutputs, connect, invoke, readManifest, waitForJob } from "./index.ts";
import type { Stack } from "./index.ts";

/** Sleeps instead of looking at a video, and fails where it is told to. */
const handler = `
import time

def model_fn(model_dir):
    return None

def transform_fn(model, body, content_type, accept, context=None):
    if bytes(body[:4]) == b"fail":
        raise ValueError("told to fail")
    time.sleep(1)
    return '{"slept": 1}', accept
`;

const COUNT = 200;
const settingsFile = z.object({ config: z.record(z.string(), z.unknown()) }).loose();
const repoRoot = path.join(import.meta.dirname, "..");

describe("a burst on the local stack, with a model that only sleeps", function () {
  this.timeout(15 * 60_000);
  const signal = new AbortController().signal;
  let folder: string;
  let aws: RunningLocalAws;
  let stack: Stack;
  let sqs: SQSClient;
  let outputs: string;
  let report: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "burst-"));
    const paths = statePaths(path.join(folder, "local"));
    await mkdir(paths.aws, { recursive: true });
    // Next to the key pair, where the client looks for it.
    outputs = paths.outputs;
    report = path.join(folder, "out", "report.html");
    aws = await startLocalAws({ paths, port: await freePort(), speed: 240, detached: false, signal });
    const deployment = await Deployment.open(aws, paths, await configuration(await sleeper()));
    const deployed = await deployment.up({ detail: () => undefined }, signal);
    await writeFile(outputs, JSON.stringify(deployed.outputs));
    stack = connect(checkOutputs(deployed.outputs, "The stack's outputs"), aws.credentials);
    sqs = new SQSClient({ ...stack.clientConfig });
  });

  after(async () => {
    sqs.destroy();
    stack.close();
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  /** A model package of a few lines. */
  async function sleeper(): Promise<string> {
    const root = path.join(folder, "model");
    await mkdir(path.join(root, "code"), { recursive: true });
    await writeFile(path.join(root, "code", "inference.py"), handler);
    // TorchServe takes a model's only folder for the model itself, so that there must be something beside code/.
    await writeFile(path.join(root, "weights.pt"), "none");
    const file = path.join(folder, "model.tar.gz");
    await create({ file, cwd: root, gzip: true }, ["code", "weights.pt"]);
    return file;
  }

  /** Pulumi.local.yaml with another model. */
  async function configuration(artifact: string): Promise<string> {
    const settings = settingsFile.parse(parse(await readFile(path.join(repoRoot, "Pulumi.local.yaml"), "utf8")));
    settings.config["async-video-inference:modelArtifact"] = artifact;
    // Two jobs at a time, as dev and prod run them.
    settings.config["async-video-inference:maxConcurrency"] = 2;
    const file = path.join(folder, "Pulumi.local.yaml");
    await writeFile(file, stringify(settings));
    return file;
  }

  const command = (...args: readonly string[]) => run(["client/main.ts", ...args, "--outputs", outputs]);

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
      await stack.s3.send(new PutObjectCommand({ ...place, Body: "fail" }));
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
    assert.match(
      stderr,
      /\d+ of 20 jobs were accepted and \d+ have ended; \d+ are under way and go on\. .*npm run status/,
    );
    const entries = await readManifest(path.join(out, "jobs.jsonl"));
    assert.equal(entries.size, 20);
    const shown = await command("status", path.join(out, "jobs.jsonl"), "--json").finished;
    assert.equal(shown.stdout.trim().split("\n").length, 21);
  });
});
