/** Tests for the redrive of requests that refer to their videos. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { redriveJournal } from "./redrive.ts";
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

  const replace = (): void => {
    fixture.aws.objects.set("in/videos/a.mp4", Buffer.from("another video"));
  };

  const etag = (): string => fixture.aws.s3.etag("in/videos/a.mp4");

  const sentVideo = (): unknown => {
    const [invocation] = fixture.aws.invocations.slice(-1);
    return JSON.parse(String(fixture.aws.objects.get(objectKey(invocation!.inputLocation))));
  };

  it("sends the same request again, with the ETag of the job's record", async () => {
    await submitAll(fixture.stack, [{ video: "s3://in/videos/a.mp4", inferenceId: "video-1" }]);
    const first = sentVideo();
    fixture.queues.put(failureOf("video-1", { requestParameters }));
    assert.deepEqual(kindsOf(await run()), ["sent"]);
    assert.deepEqual(fixture.sent, ["video-1", "video-1.redrive-1"]);
    assert.deepEqual(sentVideo(), first);
  });

  it("finds the video in the request if neither journal nor record has the job", async () => {
    const request = { video: "s3://in/videos/a.mp4", etag: etag() };
    fixture.aws.objects.set(`${bucket}/${key}`, Buffer.from(JSON.stringify(request)));
    fixture.queues.put(failureOf("video-1", { requestParameters }));
    assert.deepEqual(kindsOf(await run()), ["sent"]);
    assert.equal(fixture.aws.record("video-1").source.uri, "s3://in/videos/a.mp4");
    assert.equal(fixture.aws.record("video-1").source.contentType, "video/mp4");
  });

  describe("whose video has changed since", () => {
    const submission = { video: "s3://in/videos/a.mp4", inferenceId: "video-1" };
    const refusal = { failureReason: 'Received client error (400) from primary with message "no"' };

    it("sends nothing, and names the video, both ETags and the remedy", async () => {
      await submitAll(fixture.stack, [submission]);
      const first = etag();
      replace();
      fixture.queues.put(failureOf("video-1", { requestParameters }));
      const [outcome] = await run();
      assert.ok(outcome?.kind === "changed");
      assert.equal(
        outcome.problem,
        `The video s3://in/videos/a.mp4 has changed since the job was submitted (ETag ${first}, now ${etag()}): submit it again, as a new job.`,
      );
      assert.deepEqual(fixture.sent, ["video-1"]);
      assert.deepEqual([fixture.queues.error.length, fixture.queues.deadLetters.length], [0, 1]);
      assert.equal(fixture.journal.entries.size, 0);
    });

    it("sends nothing if the object is gone", async () => {
      await submitAll(fixture.stack, [submission]);
      fixture.aws.objects.delete("in/videos/a.mp4");
      fixture.queues.put(failureOf("video-1", { requestParameters }));
      const [outcome] = await run();
      assert.ok(outcome?.kind === "changed");
      assert.match(outcome.problem, /^There is no object s3:\/\/in\/videos\/a\.mp4: submit the video again\.$/);
    });

    it("sends nothing, with and without includeBadInput, if the model refused it for that", async () => {
      await submitAll(fixture.stack, [submission]);
      replace();
      for (const includeBadInput of [true, false]) {
        fixture.queues.put(failureOf("video-1", { requestParameters, ...refusal }));
        assert.deepEqual(kindsOf(await run({ includeBadInput })), ["changed"]);
      }
      assert.deepEqual(fixture.sent, ["video-1"]);
    });

    it("deletes the message of a video that the model refused, on request", async () => {
      await submitAll(fixture.stack, [submission]);
      replace();
      fixture.queues.put(failureOf("video-1", { requestParameters, ...refusal }));
      assert.deepEqual(kindsOf(await run({ deleteBadInput: true })), ["deleted-bad-input"]);
      assert.deepEqual([fixture.queues.error.length, fixture.queues.deadLetters.length], [0, 0]);
    });

    it("keeps the message of a video that failed otherwise, on the same request", async () => {
      await submitAll(fixture.stack, [submission]);
      replace();
      fixture.queues.put(failureOf("video-1", { requestParameters }));
      assert.deepEqual(kindsOf(await run({ deleteBadInput: true })), ["changed"]);
    });

    it("sends nothing if only the request shows the ETag", async () => {
      const request = { video: "s3://in/videos/a.mp4", etag: etag() };
      fixture.aws.objects.set(`${bucket}/${key}`, Buffer.from(JSON.stringify(request)));
      replace();
      fixture.queues.put(failureOf("video-1", { requestParameters }));
      assert.deepEqual(kindsOf(await run()), ["changed"]);
    });

    it("sends nothing of a journal's jobs if their records have expired", async () => {
      fixture.aws.onInvocation = ({ failureLocation }) => {
        fixture.aws.objects.set(objectKey(failureLocation), Buffer.from("no"));
      };
      await submitAll(fixture.stack, [submission], { journal: fixture.journal });
      fixture.aws.objects.delete("out/jobs/video-1.json");
      replace();
      assert.deepEqual(kindsOf(await run({}, redriveJournal)), ["changed"]);
      assert.deepEqual(fixture.sent, ["video-1"]);
    });

    it("sends the video as it is to a stack whose requests contain it", async () => {
      await submitAll(fixture.stack, [submission]);
      replace();
      fixture.aws.requestMode = "payload";
      fixture.reconnect();
      fixture.queues.put(failureOf("video-1", { requestParameters }));
      assert.deepEqual(kindsOf(await run()), ["sent"]);
    });
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

    it("sends nothing if the video has changed, and sends the other parts of other videos", async () => {
      fixture.aws.objects.set("in/videos/b.mp4", Buffer.from("a video"));
      const other = { ...part, job: "other" };
      await submitAll(fixture.stack, [
        { video: "s3://in/videos/a.mp4", inferenceId: "video-1", part },
        { video: "s3://in/videos/b.mp4", inferenceId: "other-1", part: other },
      ]);
      replace();
      fixture.queues.put(message);
      fixture.queues.put(failureOf("other-1"));
      assert.deepEqual(kindsOf(await run()), ["changed", "sent"]);
      assert.deepEqual(fixture.sent, ["other-1", "other-1.redrive-1", "video-1"]);
    });

    it("finds the part in the request if neither journal nor record has the job", async () => {
      const request = { video: "s3://in/videos/a.mp4", etag: etag(), from: 10, to: 20 };
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
      const request = { video: "s3://in/videos/a.mp4", etag: etag() };
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
    const request = { video: "s3://in/videos/a.mp4", etag: etag(), from: 10, to: 20 };
    fixture.aws.objects.set(`${bucket}/${key}`, Buffer.from(JSON.stringify(request)));
    fixture.queues.put(failureOf("mine", { requestParameters }));
    assert.deepEqual(kindsOf(await run()), ["refused"]);
    assert.deepEqual(fixture.sent, ["mine"]);
  });

  it("refuses a request for a part whose name is none of a part's", async () => {
    const request = { video: "s3://in/videos/a.mp4", etag: etag(), from: 10, to: 20 };
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
