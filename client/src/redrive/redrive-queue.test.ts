/** Tests for the redrive of the error queue. */
import assert from "node:assert/strict";
import { mock } from "node:test";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import { eventually } from "../../../lib/testing/processes.ts";
import { submitAll } from "../submit-all.ts";
import { objectKey } from "../../testing/fake-aws.ts";
import { failureOf } from "../../testing/fake-sqs.ts";
import { kindsOf, redriveDefaults, startRedriveFixture } from "../../testing/redrive-fixture.ts";
import type { RedriveFixture } from "../../testing/redrive-fixture.ts";
import { redriveQueue } from "./redrive.ts";
import type { Outcome } from "./redrive.ts";

describe("a redrive of the error queue", () => {
  let fixture: RedriveFixture;

  forEachTest(startRedriveFixture, (started) => (fixture = started));

  const run = (...args: Parameters<RedriveFixture["run"]>) => fixture.run(...args);

  it("sends each failed job again with the location of its video, and deletes its message", async () => {
    fixture.queues.put(failureOf("video-1"));
    fixture.queues.put(
      failureOf("video-2", { requestParameters: { inputLocation: "s3://in/videos/b.webm", contentType: "video/x" } }),
    );
    assert.deepEqual(kindsOf(await run()), ["sent", "sent"]);
    assert.deepEqual(fixture.sent, ["video-1.redrive-1", "video-2.redrive-1"]);
    const [first, second] = [...fixture.aws.invocations].sort((a, b) => a.inferenceId.localeCompare(b.inferenceId));
    assert.equal(first?.inputLocation, "s3://in/videos/video-1.mp4");
    assert.equal(first.headers["x-amzn-sagemaker-content-type"], "video/mp4");
    assert.deepEqual(
      [second?.inputLocation, second?.headers["x-amzn-sagemaker-content-type"]],
      ["s3://in/videos/b.webm", "video/x"],
    );
    assert.deepEqual([fixture.queues.error, fixture.queues.deadLetters], [[], []]);
  });

  it("sends a job once if its notification comes twice, in the same run or in another one", async () => {
    fixture.queues.put(failureOf("video-1"));
    fixture.queues.put(failureOf("video-1"));
    assert.deepEqual(kindsOf(await run()), ["already-sent", "sent"]);
    fixture.queues.put(failureOf("video-1"));
    await fixture.reopen();
    assert.deepEqual(kindsOf(await run()), ["already-sent"]);
    assert.deepEqual(fixture.sent, ["video-1.redrive-1"]);
    assert.deepEqual(fixture.queues.error, []);
  });

  it("does not repeat a job that was sent before a crash, and deletes the message then", async () => {
    fixture.queues.put(failureOf("video-1"));
    fixture.aws.fail({ operation: "DeleteMessageBatch", answer: { status: 400, code: "AccessDenied" } });
    await assert.rejects(run(), { name: "AccessDenied" });
    assert.deepEqual(fixture.sent, ["video-1.redrive-1"]);
    await fixture.reopen();
    assert.deepEqual(kindsOf(await run()), ["already-sent"]);
    assert.deepEqual(fixture.sent, ["video-1.redrive-1"]);
    assert.deepEqual(fixture.queues.error, []);
  });

  it("resumes under the same name if the outcome of the call is unknown", async () => {
    fixture.queues.put(failureOf("video-1"));
    fixture.aws.fail({ operation: "InvokeEndpointAsync", answer: { status: 403, code: "AccessDeniedException" } });
    await assert.rejects(run(), { name: "AccessDeniedException" });
    assert.equal(fixture.queues.visible.length, 1, "the message is returned");
    assert.equal(fixture.journal.entries.get("video-1.redrive-1")?.attempts, 1);
    await fixture.reopen();
    assert.deepEqual(kindsOf(await run()), ["sent"]);
    assert.deepEqual(fixture.sent, ["video-1.redrive-1"]);
    assert.equal(fixture.journal.entries.size, 1);
  });

  it("deletes messages of the smoke test and tests of the topic, and never sends them", async () => {
    fixture.queues.put(failureOf("smoke-1-bad"));
    fixture.queues.put({ eventVersion: "1.0", eventSource: "aws:sagemaker", eventName: "TestNotification" });
    assert.deepEqual(kindsOf(await run()), ["smoke", "test"]);
    assert.deepEqual([fixture.sent, fixture.queues.error, fixture.queues.deadLetters], [[], [], []]);
  });

  it("leaves out jobs that the model refused, and returns their messages, unless they are requested", async () => {
    const failureReason = "ClientError: Received client error (400) from model.";
    fixture.queues.put(failureOf("video-1", { failureReason }));
    fixture.queues.put(failureOf("video-2"));
    assert.deepEqual(kindsOf(await run()), ["bad-input", "sent"]);
    assert.deepEqual([fixture.sent, fixture.queues.visible.length], [["video-2.redrive-1"], 1]);
    assert.deepEqual(kindsOf(await run({ includeBadInput: true })), ["sent"]);
    assert.deepEqual([fixture.sent, fixture.queues.error], [["video-1.redrive-1", "video-2.redrive-1"], []]);
  });

  it("gives the reason of the failure object if the journal has the job", async () => {
    await submitAll(fixture.stack, [{ video: "s3://in/videos/a.mp4", inferenceId: "video-1" }], {
      journal: fixture.journal,
    });
    fixture.aws.objects.set(
      objectKey(fixture.aws.invocations[0]!.failureLocation),
      Buffer.from('{"error":"no track","code":400}'),
    );
    fixture.queues.put(failureOf("video-1", { failureReason: undefined }));
    assert.deepEqual(await run(), [
      { kind: "bad-input", inferenceId: "video-1", reason: "no track", deliveries: { count: 1, max: 5 } },
    ]);
  });

  it("gives the model's reason in the message if the journal does not have the job", async () => {
    const failureReason = 'Received client error (400) from model with message "{"error":"no track","code":400}".';
    fixture.queues.put(failureOf("video-1", { failureReason }));
    assert.deepEqual(await run(), [
      { kind: "bad-input", inferenceId: "video-1", reason: "no track", deliveries: { count: 1, max: 5 } },
    ]);
  });

  it("gives no reason if neither the journal nor the message has one", async () => {
    fixture.queues.put(failureOf("video-1", { failureReason: " " }));
    const outcomes = await run();
    assert.deepEqual(
      outcomes.map((outcome) => "reason" in outcome && [outcome.kind, outcome.reason]),
      [["sent", undefined]],
    );
  });

  it("sends nothing and returns all messages without a journal to write to", async () => {
    for (const body of [failureOf("video-1"), failureOf("video-1"), failureOf("smoke-1"), "hello"])
      fixture.queues.put(body);
    const outcomes: Outcome[] = [];
    const onOutcome = (outcome: Outcome) => outcomes.push(outcome);
    await redriveQueue(fixture.stack, { entries: fixture.journal.entries }, { ...redriveDefaults, onOutcome });
    assert.deepEqual(kindsOf(outcomes), ["already-sent", "smoke", "unreadable", "would-send"]);
    assert.deepEqual(
      [fixture.sent, fixture.queues.visible.length, fixture.queues.deadLetters, fixture.journal.entries.size],
      [[], 4, [], 0],
    );
  });

  it("reads a message in SNS's envelope, too", async () => {
    fixture.queues.put({ Type: "Notification", Message: JSON.stringify(failureOf("video-1")) });
    assert.deepEqual(kindsOf(await run()), ["sent"]);
  });

  it("moves unreadable messages to the dead-letter queue", async () => {
    const bodies = ["hello", "{}", JSON.stringify(failureOf("video-1", { invocationStatus: "Completed" }))];
    for (const body of bodies) fixture.queues.put(body);
    assert.deepEqual(kindsOf(await run()), ["unreadable", "unreadable", "unreadable"]);
    assert.deepEqual(fixture.queues.deadLetters.map(({ body }) => body).sort(), bodies.sort());
    assert.deepEqual([fixture.queues.error, fixture.sent], [[], []]);
  });

  it("moves a job that has been sent again as often as allowed to the dead-letter queue", async () => {
    fixture.queues.put(failureOf("video-1.redrive-2"));
    fixture.queues.put(failureOf("video-2.redrive-3"));
    assert.deepEqual(kindsOf(await run()), ["poison", "sent"]);
    assert.deepEqual(fixture.sent, ["video-1.redrive-3"]);
    assert.deepEqual(
      fixture.queues.deadLetters.map(({ body }) => (JSON.parse(body) as { inferenceId: string }).inferenceId),
      ["video-2.redrive-3"],
    );
  });

  it("keeps failing messages in the error queue if there is no dead-letter queue", async () => {
    fixture.queues.hasDeadLetters = false;
    fixture.queues.put("hello");
    await assert.rejects(run(), { name: "SetupError", message: /no dead-letter queue/ });
    assert.equal(fixture.queues.visible.length, 1);
  });

  it("moves a job that always fails to the dead-letter queue after one attempt per run", async () => {
    fixture.aws.onInvocation = ({ inferenceId, inputLocation }) => {
      fixture.queues.put(failureOf(inferenceId, { requestParameters: { inputLocation } }));
    };
    fixture.queues.put(failureOf("video-1"));
    for (let attempt = 1; attempt <= 3; attempt++) {
      assert.deepEqual(kindsOf(await run()), ["failed-again", "sent"]);
      assert.equal(fixture.queues.visible.length, 1, "the new failure waits for the next run");
      await fixture.reopen();
    }
    assert.deepEqual(kindsOf(await run()), ["poison"]);
    assert.deepEqual(fixture.sent, ["video-1.redrive-1", "video-1.redrive-2", "video-1.redrive-3"]);
    assert.equal(fixture.queues.deadLetters.length, 1);
  });

  it("sends jobs up to the limit, and receives no message that it will not handle", async () => {
    for (let index = 0; index < 25; index++) fixture.queues.put(failureOf(`video-${index}`));
    assert.equal((await run({ limit: 12 })).length, 12);
    assert.deepEqual([fixture.sent.length, fixture.queues.visible.length, fixture.queues.error.length], [12, 13, 13]);
    assert.ok(fixture.queues.error.every(({ receives }) => receives === 0));
  });

  it("moves jobs aside that the service refuses, and continues with the others", async () => {
    for (const name of ["video-1", "video-2", "video-3"]) fixture.queues.put(failureOf(name));
    fixture.aws.fail({
      operation: "InvokeEndpointAsync",
      answer: { status: 400, code: "ValidationError", message: "bad input" },
    });
    assert.deepEqual(kindsOf(await run()), ["refused", "sent", "sent"]);
    assert.deepEqual([fixture.sent.length, fixture.queues.deadLetters.length, fixture.queues.error.length], [2, 1, 0]);
  });

  it("refuses a job whose video the endpoint may not read, and does not report it as sent", async () => {
    fixture.queues.put(
      failureOf("video-1", { requestParameters: { inputLocation: "s3://other/a.mp4", contentType: "x" } }),
    );
    assert.deepEqual(kindsOf(await run()), ["refused"]);
    assert.equal(fixture.aws.invocations.length, 0);
    assert.equal(fixture.queues.deadLetters.length, 1);
  });

  it("takes location, options and time limits from the journal if it has the job", async () => {
    await submitAll(
      fixture.stack,
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
      { journal: fixture.journal },
    );
    fixture.queues.put({ inferenceId: "video-1", invocationStatus: "Failed" });
    fixture.queues.put({ inferenceId: "video-2", invocationStatus: "Failed" });
    assert.deepEqual(kindsOf(await run()), ["no-input", "sent"]);
    const again = fixture.aws.invocations.at(-1);
    assert.deepEqual([again?.inferenceId, again?.inputLocation], ["video-1.redrive-1", "s3://in/videos/a.mp4"]);
    assert.deepEqual(
      ["custom-attributes", "accept", "requestttlseconds", "invocationtimeoutseconds"].map(
        (header) => again?.headers[`x-amzn-sagemaker-${header}`],
      ),
      ["fps=2;timeout=5", "application/x-ndjson", "60", "5"],
    );
    assert.equal(fixture.queues.deadLetters.length, 1);
  });

  it("returns messages when it is interrupted", async () => {
    for (const name of ["video-1", "video-2"]) fixture.queues.put(failureOf(name));
    const controller = new AbortController();
    fixture.aws.fail({ operation: "InvokeEndpointAsync", answer: "hang", times: 2 });
    const interrupted = assert.rejects(run({ signal: controller.signal }), { name: "AbortError" });
    await eventually("both calls are under way", () => fixture.aws.count("InvokeEndpointAsync") === 2);
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      controller.abort();
      // The calls have this long to be answered.
      mock.timers.tick(5_000);
    } finally {
      mock.timers.reset();
    }
    await interrupted;
    assert.equal(fixture.queues.visible.length, 2);
  });
});
