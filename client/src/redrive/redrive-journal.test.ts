/** Tests for the redrive of a journal. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import { submitAll } from "../submit-all.ts";
import { objectKey } from "../../testing/fake-aws.ts";
import { failureOf } from "../../testing/fake-sqs.ts";
import { kindsOf, startRedriveFixture } from "../../testing/redrive-fixture.ts";
import type { RedriveFixture } from "../../testing/redrive-fixture.ts";
import { redriveJournal } from "./redrive.ts";

describe("a redrive of a journal", () => {
  let fixture: RedriveFixture;

  forEachTest(startRedriveFixture, (started) => (fixture = started));

  const run = (...args: Parameters<RedriveFixture["run"]>) => fixture.run(...args);

  const submit = (names: readonly string[]) =>
    submitAll(
      fixture.stack,
      names.map((name) => ({ video: `s3://in/videos/${name}.mp4`, inferenceId: name, customAttributes: "fps=2" })),
      { journal: fixture.journal, concurrency: 1 },
    );
  const end = (inferenceId: string, how: "completed" | "failed"): void => {
    const { outputLocation, failureLocation } = fixture.aws.invocations.find(
      (each) => each.inferenceId === inferenceId,
    )!;
    if (how === "completed") fixture.aws.objects.set(objectKey(outputLocation), Buffer.from("{}"));
    else fixture.aws.objects.set(objectKey(failureLocation), Buffer.from('{"error":"no"}'));
  };

  it("sends only failed and expired jobs again, with their options", async () => {
    await submit(["done", "failed", "waiting", "smoke-1"]);
    end("done", "completed");
    end("failed", "failed");
    end("smoke-1", "failed");
    assert.deepEqual(kindsOf(await run({}, redriveJournal)), ["sent"]);
    assert.deepEqual(fixture.sent.slice(-2), ["smoke-1", "waiting"]);
    assert.equal(fixture.aws.invocations.at(-1)?.inferenceId, "failed.redrive-1");
    assert.equal(fixture.aws.invocations.at(-1)?.headers["x-amzn-sagemaker-custom-attributes"], "fps=2;timeout=900");
    fixture.aws.now = new Date(fixture.aws.now.getTime() + 8 * 3600_000);
    fixture.reconnect();
    assert.deepEqual(kindsOf(await run({}, redriveJournal)), ["already-sent", "sent", "sent"]);
    assert.deepEqual(
      fixture.sent.filter((name) => name.includes("redrive")),
      ["failed.redrive-1", "failed.redrive-2", "waiting.redrive-1"],
    );
  });

  it("leaves out jobs that the model refused, also if the end is recorded", async () => {
    await submit(["video-1"]);
    const { failureLocation } = fixture.aws.invocations[0]!;
    fixture.aws.objects.set(objectKey(failureLocation), Buffer.from('{"error":"no track","code":400}'));
    fixture.journal.note({ event: "ended", inferenceId: "video-1", status: "failed", reason: "old" });
    assert.deepEqual(await run({}, redriveJournal), [
      { kind: "bad-input", inferenceId: "video-1", reason: "no track" },
    ]);
    assert.deepEqual(kindsOf(await run({ includeBadInput: true }, redriveJournal)), ["sent"]);
  });

  it("recognises a second run's jobs, and does not send a job that completed when sent again", async () => {
    await submit(["video-1"]);
    end("video-1", "failed");
    await run({}, redriveJournal);
    end("video-1.redrive-1", "completed");
    await fixture.reopen();
    assert.deepEqual(kindsOf(await run({}, redriveJournal)), ["already-sent"]);
    assert.deepEqual(fixture.sent, ["video-1", "video-1.redrive-1"]);
  });

  it("gives up a job that has been sent again as often as allowed, and keeps the limit", async () => {
    await submit(["video-1.redrive-3", "video-2", "video-3"]);
    for (const name of ["video-1.redrive-3", "video-2", "video-3"]) end(name, "failed");
    assert.deepEqual(kindsOf(await run({ limit: 1 }, redriveJournal)), ["over-limit", "poison", "sent"]);
  });

  it("and one of the error queue recognise each other's jobs", async () => {
    await submit(["video-1"]);
    end("video-1", "failed");
    fixture.queues.put(failureOf("video-1"));
    await run({}, redriveJournal);
    assert.deepEqual(kindsOf(await run()), ["already-sent"]);
    assert.deepEqual([fixture.sent, fixture.queues.error], [["video-1", "video-1.redrive-1"], []]);
  });
});
