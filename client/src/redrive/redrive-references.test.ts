/** Tests for the redrive of requests that refer to their videos. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { submitAll } from "../submit-all.ts";
import { objectKey } from "../../testing/fake-aws.ts";
import { failureOf } from "../../testing/fake-sqs.ts";
import { kindsOf, startRedriveFixture } from "../../testing/redrive-fixture.ts";
import type { RedriveFixture } from "../../testing/redrive-fixture.ts";

describe("a redrive of requests that refer to their videos", () => {
  const [bucket, key] = ["in", "videos/requests/video-1/part-00000.json"];
  const requestParameters = {
    inputLocation: `s3://${bucket}/${key}`,
    contentType: "application/vnd.async-video.request+json",
  };

  let fixture: RedriveFixture;

  beforeEach(async () => {
    fixture = await startRedriveFixture();
    fixture.aws.requestMode = "reference";
    fixture.reconnect();
    fixture.aws.objects.set("in/videos/a.mp4", Buffer.from("a video"));
  });

  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  const run = (...args: Parameters<RedriveFixture["run"]>) => fixture.run(...args);

  const sentVideo = (): unknown => {
    const [invocation] = fixture.aws.invocations.slice(-1);
    return JSON.parse(String(fixture.aws.objects.get(objectKey(invocation!.inputLocation))));
  };

  it("sends the same request again, with the ETag of the job's record", async () => {
    await submitAll(fixture.stack, [{ video: "s3://in/videos/a.mp4", inferenceId: "video-1" }]);
    const first = sentVideo();
    fixture.aws.objects.set("in/videos/a.mp4", Buffer.from("another video"));
    fixture.queues.put(failureOf("video-1", { requestParameters }));
    assert.deepEqual(kindsOf(await run()), ["sent"]);
    assert.deepEqual(fixture.sent, ["video-1", "video-1.redrive-1"]);
    assert.deepEqual(sentVideo(), first);
  });

  it("finds the video in the request if neither journal nor record has the job", async () => {
    const request = { video: "s3://in/videos/a.mp4", etag: '"old"' };
    fixture.aws.objects.set(`${bucket}/${key}`, Buffer.from(JSON.stringify(request)));
    fixture.queues.put(failureOf("video-1", { requestParameters }));
    assert.deepEqual(kindsOf(await run()), ["sent"]);
    assert.equal(fixture.aws.record("video-1").source.uri, "s3://in/videos/a.mp4");
    assert.equal(fixture.aws.record("video-1").source.contentType, "video/mp4");
  });

  describe("for a part of a video", () => {
    const part = { job: "video", number: 1, from: 10, to: 20 };
    const location = "s3://in/videos/requests/video/part-00001.json";
    const message = failureOf("video-1", { requestParameters: { ...requestParameters, inputLocation: location } });

    it("sends only that part again, with the part of the job's record", async () => {
      await submitAll(fixture.stack, [{ video: "s3://in/videos/a.mp4", inferenceId: "video-1", part }]);
      const first = sentVideo();
      fixture.queues.put(message);
      assert.deepEqual(kindsOf(await run()), ["sent"]);
      assert.deepEqual(fixture.sent, ["video-1", "video-1.redrive-1"]);
      assert.deepEqual(sentVideo(), first);
      const [recorded] = fixture.aws.record("video").parts;
      assert.deepEqual([recorded?.from, recorded?.to, recorded?.invocations.length], [10, 20, 2]);
    });

    it("finds the part in the request if neither journal nor record has the job", async () => {
      const request = { video: "s3://in/videos/a.mp4", etag: '"old"', from: 10, to: 20 };
      fixture.aws.objects.set(location.slice("s3://".length), Buffer.from(JSON.stringify(request)));
      fixture.queues.put(message);
      assert.deepEqual(kindsOf(await run()), ["sent"]);
      assert.equal(fixture.aws.invocations[0]?.inputLocation, location);
      assert.deepEqual(fixture.aws.record("video").parts[0]?.from, 10);
    });
  });

  const foreign = ["s3://other/requests/video-1/part-00000.json", "s3://x/", "s3://in/videos/requests/", "s3://in/a"];
  for (const inputLocation of foreign) {
    it(`does not read ${inputLocation}, and sends the other jobs`, async () => {
      const answer = { status: 403, code: "AccessDenied" };
      fixture.aws.fail({ operation: "GetObject", object: "other/", answer });
      fixture.queues.put(failureOf("video-1", { requestParameters: { ...requestParameters, inputLocation } }));
      const request = { video: "s3://in/videos/a.mp4", etag: '"old"' };
      fixture.aws.objects.set("in/videos/requests/video-2/part-00000.json", Buffer.from(JSON.stringify(request)));
      const good = { ...requestParameters, inputLocation: "s3://in/videos/requests/video-2/part-00000.json" };
      fixture.queues.put(failureOf("video-2", { requestParameters: good }));
      assert.deepEqual(kindsOf(await run()), ["no-input", "sent"]);
      assert.deepEqual(fixture.sent, ["video-2.redrive-1"]);
      assert.equal(fixture.queues.deadLetters.length, 1);
    });
  }

  it("never takes the request for the video if the record has the job as refused", async () => {
    fixture.aws.fail({ operation: "InvokeEndpointAsync", answer: { status: 400, code: "ValidationError" } });
    const submission = { video: "s3://in/videos/a.mp4", inferenceId: "video-1" };
    await assert.rejects(submitAll(fixture.stack, [submission]), { name: "ValidationError" });
    fixture.queues.put(failureOf("video-1", { requestParameters }));
    assert.deepEqual(kindsOf(await run()), ["sent"]);
    assert.partialDeepStrictEqual(sentVideo(), { video: "s3://in/videos/a.mp4" });
  });

  it("does not send a whole video for a part that a record has under another name", async () => {
    await submitAll(fixture.stack, [{ video: "s3://in/videos/a.mp4", inferenceId: "mine" }]);
    const { parts, ...record } = fixture.aws.record("mine");
    const spoiled = { ...record, parts: parts.map((part) => ({ ...part, from: 10, to: 20 })) };
    fixture.aws.objects.set("out/jobs/mine.json", Buffer.from(JSON.stringify(spoiled)));
    const request = { video: "s3://in/videos/a.mp4", etag: '"old"', from: 10, to: 20 };
    fixture.aws.objects.set(`${bucket}/${key}`, Buffer.from(JSON.stringify(request)));
    fixture.queues.put(failureOf("mine", { requestParameters }));
    assert.deepEqual(kindsOf(await run()), ["refused"]);
    assert.deepEqual(fixture.sent, ["mine"]);
  });

  it("refuses a request for a part whose name is none of a part's", async () => {
    const request = { video: "s3://in/videos/a.mp4", etag: '"old"', from: 10, to: 20 };
    fixture.aws.objects.set(`${bucket}/${key}`, Buffer.from(JSON.stringify(request)));
    fixture.queues.put(failureOf("mine", { requestParameters }));
    const [outcome] = await run();
    assert.ok(outcome?.kind === "refused");
    assert.match(outcome.problem, /its name is none of a part's/);
    assert.deepEqual([fixture.sent, fixture.queues.deadLetters.length], [[], 1]);
  });

  it("says that the video is unknown if the request has expired, too", async () => {
    fixture.queues.put(failureOf("video-1", { requestParameters }));
    assert.deepEqual(kindsOf(await run()), ["no-input"]);
  });
});
