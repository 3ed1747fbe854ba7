import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { mock } from "node:test";
import fc from "fast-check";
import { eventually } from "../../local/testing/processes.ts";
import { Manifest } from "../manifest.ts";
import { connect } from "../stack.ts";
import type { Stack } from "../stack.ts";
import { submitAll } from "../submit-all.ts";
import { objectKey, startFakeAws } from "../testing/fake-aws.ts";
import type { FakeAws } from "../testing/fake-aws.ts";
import { failureOf, FakeQueues } from "../testing/fake-sqs.ts";
import { redriveManifest, redriveQueue } from "./redrive.ts";
import type { Outcome, RedriveOptions } from "./redrive.ts";

describe("redrive", () => {
  let aws: FakeAws;
  let queues: FakeQueues;
  let stack: Stack;
  let folder: string;
  let manifest: Manifest;

  beforeEach(async () => {
    aws = await startFakeAws();
    queues = new FakeQueues(aws);
    stack = connect(aws.outputs);
    folder = await mkdtemp(path.join(tmpdir(), "redrive-"));
    manifest = await Manifest.create(path.join(folder, "manifest.jsonl"));
  });

  afterEach(async () => {
    await manifest[Symbol.asyncDispose]();
    stack.close();
    await aws[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const defaults = { limit: 1000, times: 3 };
  const run = async (options: Partial<RedriveOptions> = {}, way = redriveQueue): Promise<readonly Outcome[]> => {
    const outcomes: Outcome[] = [];
    await way(stack, manifest, { ...defaults, ...options, onOutcome: (outcome) => outcomes.push(outcome) });
    return outcomes;
  };
  const kinds = (outcomes: readonly Outcome[]) => outcomes.map(({ kind }) => kind).sort();
  const sent = () => aws.invocations.map(({ inferenceId }) => inferenceId).sort();

  /** What a process leaves that ends here, and another finds. */
  const reopen = async (): Promise<void> => {
    await manifest[Symbol.asyncDispose]();
    manifest = await Manifest.open(manifest.file, { acceptIncomplete: true });
    queues.timeOut();
  };

  describe("of the error queue", () => {
    it("sends each failed job again from where its video is, and deletes its message", async () => {
      queues.put(failureOf("video-1"));
      queues.put(
        failureOf("video-2", { requestParameters: { inputLocation: "s3://in/videos/b.webm", contentType: "video/x" } }),
      );
      assert.deepEqual(kinds(await run()), ["sent", "sent"]);
      assert.deepEqual(sent(), ["video-1.redrive-1", "video-2.redrive-1"]);
      const [first, second] = [...aws.invocations].sort((a, b) => a.inferenceId.localeCompare(b.inferenceId));
      assert.equal(first?.inputLocation, "s3://in/videos/video-1.mp4");
      assert.equal(first.headers["x-amzn-sagemaker-content-type"], "video/mp4");
      assert.deepEqual(
        [second?.inputLocation, second?.headers["x-amzn-sagemaker-content-type"]],
        ["s3://in/videos/b.webm", "video/x"],
      );
      assert.deepEqual([queues.error, queues.deadLetters], [[], []]);
    });

    it("sends a job once whose notification comes twice, at once or in another run", async () => {
      queues.put(failureOf("video-1"));
      queues.put(failureOf("video-1"));
      assert.deepEqual(kinds(await run()), ["already-sent", "sent"]);
      queues.put(failureOf("video-1"));
      await reopen();
      assert.deepEqual(kinds(await run()), ["already-sent"]);
      assert.deepEqual(sent(), ["video-1.redrive-1"]);
      assert.deepEqual(queues.error, []);
    });

    it("does not send again what it sent before a crash, and deletes the message then", async () => {
      queues.put(failureOf("video-1"));
      aws.fail({ operation: "DeleteMessageBatch", answer: { status: 400, code: "AccessDenied" } });
      await assert.rejects(run(), { name: "AccessDenied" });
      assert.deepEqual(sent(), ["video-1.redrive-1"]);
      await reopen();
      assert.deepEqual(kinds(await run()), ["already-sent"]);
      assert.deepEqual(sent(), ["video-1.redrive-1"]);
      assert.deepEqual(queues.error, []);
    });

    it("goes on under the same name where nobody knows whether the call arrived", async () => {
      queues.put(failureOf("video-1"));
      aws.fail({ operation: "InvokeEndpointAsync", answer: { status: 403, code: "AccessDeniedException" } });
      await assert.rejects(run(), { name: "AccessDeniedException" });
      assert.equal(queues.visible.length, 1, "the message is given back");
      assert.equal(manifest.entries.get("video-1.redrive-1")?.intents, 1);
      await reopen();
      assert.deepEqual(kinds(await run()), ["sent"]);
      assert.deepEqual(sent(), ["video-1.redrive-1"]);
      assert.equal(manifest.entries.size, 1);
    });

    it("deletes what the smoke test caused and tests of the topic, and never sends them", async () => {
      queues.put(failureOf("smoke-1-bad"));
      queues.put({ eventVersion: "1.0", eventSource: "aws:sagemaker", eventName: "TestNotification" });
      assert.deepEqual(kinds(await run()), ["smoke", "test"]);
      assert.deepEqual([sent(), queues.error, queues.deadLetters], [[], [], []]);
    });

    it("leaves out what the model refused, and gives its message back, unless it is asked for", async () => {
      const failureReason = "ClientError: Received client error (400) from model.";
      queues.put(failureOf("video-1", { failureReason }));
      queues.put(failureOf("video-2"));
      assert.deepEqual(kinds(await run()), ["bad-input", "sent"]);
      assert.deepEqual([sent(), queues.visible.length], [["video-2.redrive-1"], 1]);
      assert.deepEqual(kinds(await run({ includeBadInput: true })), ["sent"]);
      assert.deepEqual([sent(), queues.error], [["video-1.redrive-1", "video-2.redrive-1"], []]);
    });

    it("gives the reason of the failure object if the manifest has the job", async () => {
      await submitAll(stack, [{ video: "s3://in/videos/a.mp4", inferenceId: "video-1" }], { manifest });
      aws.objects.set(objectKey(aws.invocations[0]!.failureLocation), Buffer.from('{"error":"no track","code":400}'));
      queues.put(failureOf("video-1", { failureReason: undefined }));
      assert.deepEqual(await run(), [{ kind: "bad-input", inferenceId: "video-1", reason: "no track" }]);
    });

    it("sends nothing and gives all messages back without a manifest to write to", async () => {
      for (const body of [failureOf("video-1"), failureOf("video-1"), failureOf("smoke-1"), "hello"]) queues.put(body);
      const outcomes: Outcome[] = [];
      const onOutcome = (outcome: Outcome) => outcomes.push(outcome);
      await redriveQueue(stack, { entries: manifest.entries }, { ...defaults, onOutcome });
      assert.deepEqual(kinds(outcomes), ["already-sent", "smoke", "unreadable", "would-send"]);
      assert.deepEqual([sent(), queues.visible.length, queues.deadLetters, manifest.entries.size], [[], 4, [], 0]);
    });

    it("reads a message in SNS's envelope, too", async () => {
      queues.put({ Type: "Notification", Message: JSON.stringify(failureOf("video-1")) });
      assert.deepEqual(kinds(await run()), ["sent"]);
    });

    it("moves to the dead-letter queue what it cannot read", async () => {
      const bodies = ["hello", "{}", JSON.stringify(failureOf("video-1", { invocationStatus: "Completed" }))];
      for (const body of bodies) queues.put(body);
      assert.deepEqual(kinds(await run()), ["unreadable", "unreadable", "unreadable"]);
      assert.deepEqual(queues.deadLetters.map(({ body }) => body).sort(), bodies.sort());
      assert.deepEqual([queues.error, sent()], [[], []]);
    });

    it("moves to the dead-letter queue a job that has been sent again as often as allowed", async () => {
      queues.put(failureOf("video-1.redrive-2"));
      queues.put(failureOf("video-2.redrive-3"));
      assert.deepEqual(kinds(await run()), ["poison", "sent"]);
      assert.deepEqual(sent(), ["video-1.redrive-3"]);
      assert.deepEqual(
        queues.deadLetters.map(({ body }) => (JSON.parse(body) as { inferenceId: string }).inferenceId),
        ["video-2.redrive-3"],
      );
    });

    it("keeps poison in the error queue rather than lose it where there is no dead-letter queue", async () => {
      queues.hasDeadLetters = false;
      queues.put("hello");
      await assert.rejects(run(), { name: "SetupError", message: /no dead-letter queue/ });
      assert.equal(queues.visible.length, 1);
    });

    it("ends with a job that always fails in the dead-letter queue, one attempt a run", async () => {
      aws.onInvocation = ({ inferenceId, inputLocation }) => {
        queues.put(failureOf(inferenceId, { requestParameters: { inputLocation } }));
      };
      queues.put(failureOf("video-1"));
      for (let attempt = 1; attempt <= 3; attempt++) {
        assert.deepEqual(kinds(await run()), ["failed-again", "sent"]);
        assert.equal(queues.visible.length, 1, "the new failure waits for the next run");
        await reopen();
      }
      assert.deepEqual(kinds(await run()), ["poison"]);
      assert.deepEqual(sent(), ["video-1.redrive-1", "video-1.redrive-2", "video-1.redrive-3"]);
      assert.equal(queues.deadLetters.length, 1);
    });

    it("sends no more than the limit, and takes no message that it will not deal with", async () => {
      for (let index = 0; index < 25; index++) queues.put(failureOf(`video-${index}`));
      assert.equal((await run({ limit: 12 })).length, 12);
      assert.deepEqual([sent().length, queues.visible.length, queues.error.length], [12, 13, 13]);
      assert.ok(queues.error.every(({ receives }) => receives === 0));
    });

    it("moves aside what the service refuses, and goes on with the others", async () => {
      for (const name of ["video-1", "video-2", "video-3"]) queues.put(failureOf(name));
      aws.fail({
        operation: "InvokeEndpointAsync",
        answer: { status: 400, code: "ValidationError", message: "bad input" },
      });
      assert.deepEqual(kinds(await run()), ["refused", "sent", "sent"]);
      assert.deepEqual([sent().length, queues.deadLetters.length, queues.error.length], [2, 1, 0]);
    });

    it("refuses a job whose video the endpoint may not read, and does not call it sent", async () => {
      queues.put(failureOf("video-1", { requestParameters: { inputLocation: "s3://other/a.mp4", contentType: "x" } }));
      assert.deepEqual(kinds(await run()), ["refused"]);
      assert.equal(aws.invocations.length, 0);
      assert.equal(queues.deadLetters.length, 1);
    });

    it("takes place, options and time limits from the manifest where it has the job", async () => {
      await submitAll(
        stack,
        [
          {
            video: "s3://in/videos/a.mp4",
            inferenceId: "video-1",
            ttlSeconds: 60,
            timeoutSeconds: 5,
            customAttributes: "fps=2",
            format: "ndjson",
          },
        ],
        { manifest },
      );
      queues.put({ inferenceId: "video-1", invocationStatus: "Failed" });
      queues.put({ inferenceId: "video-2", invocationStatus: "Failed" });
      assert.deepEqual(kinds(await run()), ["no-input", "sent"]);
      const again = aws.invocations.at(-1);
      assert.deepEqual([again?.inferenceId, again?.inputLocation], ["video-1.redrive-1", "s3://in/videos/a.mp4"]);
      assert.deepEqual(
        ["custom-attributes", "accept", "requestttlseconds", "invocationtimeoutseconds"].map(
          (header) => again?.headers[`x-amzn-sagemaker-${header}`],
        ),
        ["fps=2;timeout=5", "application/x-ndjson", "60", "5"],
      );
      assert.equal(queues.deadLetters.length, 1);
    });

    it("gives messages back when it is interrupted", async () => {
      for (const name of ["video-1", "video-2"]) queues.put(failureOf(name));
      const controller = new AbortController();
      aws.fail({ operation: "InvokeEndpointAsync", answer: "hang", times: 2 });
      const interrupted = assert.rejects(run({ signal: controller.signal }), { name: "AbortError" });
      await eventually("both calls are under way", () => aws.count("InvokeEndpointAsync") === 2);
      mock.timers.enable({ apis: ["setTimeout"] });
      try {
        controller.abort();
        // The calls have this long to be answered.
        mock.timers.tick(5_000);
      } finally {
        mock.timers.reset();
      }
      await interrupted;
      assert.equal(queues.visible.length, 2);
    });

    it("loses no job and sends none twice, whatever comes in which order", async () => {
      const message = fc.oneof(
        fc.record({ job: fc.nat(8), times: fc.nat(4) }).map(({ job, times }) => ({
          of: times === 0 ? `video-${job}` : `video-${job}.redrive-${times}`,
          body: failureOf(times === 0 ? `video-${job}` : `video-${job}.redrive-${times}`),
        })),
        fc
          .constantFrom<object | string>("hello", failureOf("smoke-1"), { eventName: "TestNotification" })
          .map((body) => ({
            of: undefined,
            body,
          })),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(message, { maxLength: 25 }), fc.nat(3), async (messages, crashes) => {
          aws.invocations.length = 0;
          queues.error.length = 0;
          queues.deadLetters.length = 0;
          await manifest[Symbol.asyncDispose]();
          manifest = await Manifest.create(path.join(folder, `${crypto.randomUUID()}.jsonl`));
          for (const { body } of messages) queues.put(body);
          const answer = { status: 403, code: "AccessDenied" };
          for (let crash = 0; crash < crashes; crash++) {
            aws.fail({ operation: crash % 2 === 0 ? "DeleteMessageBatch" : "SendMessage", answer });
            await run().catch(() => undefined);
            await reopen();
          }
          aws.answerAgain();
          await run();
          await reopen();
          await run();
          assert.equal(new Set(sent()).size, sent().length, "a job was sent twice");
          const buried = queues.deadLetters.map(({ body }) => body);
          for (const { of } of messages) {
            if (of === undefined) continue;
            const isSent = aws.invocations.some(({ inferenceId }) => nextOf(of) === inferenceId);
            assert.ok(isSent || buried.some((body) => body.includes(`"${of}"`)), `${of} is lost`);
          }
          assert.ok(!sent().some((name) => name.startsWith("smoke-")));
        }),
        { numRuns: 25 },
      );
    }).timeout(60_000);
  });

  describe("of a manifest", () => {
    const submit = (names: readonly string[]) =>
      submitAll(
        stack,
        names.map((name) => ({ video: `s3://in/videos/${name}.mp4`, inferenceId: name, customAttributes: "fps=2" })),
        { manifest, concurrency: 1 },
      );
    const end = (inferenceId: string, how: "completed" | "failed"): void => {
      const { outputLocation, failureLocation } = aws.invocations.find((each) => each.inferenceId === inferenceId)!;
      if (how === "completed") aws.objects.set(objectKey(outputLocation), Buffer.from("{}"));
      else aws.objects.set(objectKey(failureLocation), Buffer.from('{"error":"no"}'));
    };

    it("sends again what failed or expired, with its own options, and nothing else", async () => {
      await submit(["done", "failed", "waiting", "smoke-1"]);
      end("done", "completed");
      end("failed", "failed");
      end("smoke-1", "failed");
      assert.deepEqual(kinds(await run({}, redriveManifest)), ["sent"]);
      assert.deepEqual(sent().slice(-2), ["smoke-1", "waiting"]);
      assert.equal(aws.invocations.at(-1)?.inferenceId, "failed.redrive-1");
      assert.equal(aws.invocations.at(-1)?.headers["x-amzn-sagemaker-custom-attributes"], "fps=2;timeout=900");
      aws.now = new Date(aws.now.getTime() + 8 * 3600_000);
      // Another process, which has not read the service's clock before.
      stack.close();
      stack = connect(aws.outputs);
      assert.deepEqual(kinds(await run({}, redriveManifest)), ["already-sent", "sent", "sent"]);
      assert.deepEqual(
        sent().filter((name) => name.includes("redrive")),
        ["failed.redrive-1", "failed.redrive-2", "waiting.redrive-1"],
      );
    });

    it("leaves out what the model refused, also if the end is recorded", async () => {
      await submit(["video-1"]);
      const { failureLocation } = aws.invocations[0]!;
      aws.objects.set(objectKey(failureLocation), Buffer.from('{"error":"no track","code":400}'));
      manifest.note({ event: "ended", inferenceId: "video-1", status: "failed", reason: "old" });
      assert.deepEqual(await run({}, redriveManifest), [
        { kind: "bad-input", inferenceId: "video-1", reason: "no track" },
      ]);
      assert.deepEqual(kinds(await run({ includeBadInput: true }, redriveManifest)), ["sent"]);
    });

    it("knows a second run's jobs, and leaves a job alone that completed when sent again", async () => {
      await submit(["video-1"]);
      end("video-1", "failed");
      await run({}, redriveManifest);
      end("video-1.redrive-1", "completed");
      await reopen();
      assert.deepEqual(kinds(await run({}, redriveManifest)), ["already-sent"]);
      assert.deepEqual(sent(), ["video-1", "video-1.redrive-1"]);
    });

    it("gives a job up that has been sent again as often as allowed, and keeps to the limit", async () => {
      await submit(["video-1.redrive-3", "video-2", "video-3"]);
      for (const name of ["video-1.redrive-3", "video-2", "video-3"]) end(name, "failed");
      assert.deepEqual(kinds(await run({ limit: 1 }, redriveManifest)), ["over-limit", "poison", "sent"]);
    });

    it("and the error queue know of each other", async () => {
      await submit(["video-1"]);
      end("video-1", "failed");
      queues.put(failureOf("video-1"));
      await run({}, redriveManifest);
      assert.deepEqual(kinds(await run()), ["already-sent"]);
      assert.deepEqual([sent(), queues.error], [["video-1", "video-1.redrive-1"], []]);
    });
  });
});

function nextOf(inferenceId: string): string {
  const [, first = inferenceId, times = "0"] = /^(.+)\.redrive-(\d+)$/.exec(inferenceId) ?? [];
  return `${first}.redrive-${Number(times) + 1}`;
}
