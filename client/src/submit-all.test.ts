import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { JobJournal, readJournal } from "./journal.ts";
import { connect } from "./stack.ts";
import type { Stack } from "./stack.ts";
import { resumeAll, submitAll } from "./submit-all.ts";
import type { Outcome } from "./submit-all.ts";
import { videoBytes } from "../testing/command-fixture.ts";
import { objectKey, startFakeAws } from "../testing/fake-aws.ts";
import type { FakeAws } from "../testing/fake-aws.ts";

const place = "s3://in/videos/here.mp4";

describe("submitting many videos", () => {
  let aws: FakeAws;
  let stack: Stack;
  let folder: string;
  let file: string;
  let videos: string[];

  beforeEach(async () => {
    aws = await startFakeAws();
    stack = connect(aws.outputs);
    folder = await mkdtemp(join(tmpdir(), "submit-"));
    file = join(folder, "journal.jsonl");
    videos = ["a", "b", "c", "d"].map((name) => join(folder, `${name}.mp4`));
    for (const video of videos) await writeFile(video, videoBytes(video));
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const submissions = () => videos.map((video) => ({ video }));
  const jobOf = (outcome: Outcome) => ("job" in outcome ? outcome.job : assert.fail(outcome.problem));

  it("returns their jobs in order, each accepted once, and records each step before it is made", async () => {
    await using journal = await JobJournal.create(file);
    const seen: [boolean, boolean][] = [];
    aws.onInvocation = ({ inferenceId }) => {
      const entry = journal.entries.get(inferenceId)!;
      seen.push([entry.attempts === 1, entry.job === undefined]);
    };
    const told: Outcome[] = [];
    const outcomes = await submitAll(stack, submissions(), { journal, onOutcome: (outcome) => told.push(outcome) });
    assert.deepEqual(
      outcomes.map(({ video }) => video),
      videos,
    );
    assert.deepEqual(new Set(told), new Set(outcomes));
    assert.deepEqual(seen, Array(4).fill([true, true]));
    const written = [...(await readJournal(file)).values()].map(({ job }) => job);
    assert.deepEqual(written, outcomes.map(jobOf));
  });

  it("uses an object in S3 in place and passes on the model's options", async () => {
    const [outcome] = await submitAll(stack, [
      { video: place, inferenceId: "mine", ttlSeconds: 60, timeoutSeconds: 30, customAttributes: "fps=2;masks=rle" },
    ]);
    assert.equal(aws.count("PutObject"), 0);
    const { headers, inputLocation } = aws.invocations[0]!;
    assert.equal(inputLocation, place);
    assert.equal(headers["x-amzn-sagemaker-custom-attributes"], "fps=2;masks=rle;timeout=30");
    assert.equal(headers["x-amzn-sagemaker-requestttlseconds"], "60");
    assert.equal(jobOf(outcome!).customAttributes, "fps=2;masks=rle");
  });

  it("keeps the limit on concurrent calls, and on requests for records", async () => {
    aws.answerMs = 50;
    await submitAll(stack, submissions(), { concurrency: 2 });
    assert.equal(aws.maxConcurrent, 2);
    assert.equal(aws.maxConcurrentRecords, 2);
  });

  it("refuses a form's content type before the upload, and sends the others", async () => {
    const [form, video] = await submitAll(stack, [
      { video: videos[0]!, contentType: "Multipart/Form-Data; boundary=x" },
      { video: videos[1]! },
    ]);
    assert.match(
      form !== undefined && "problem" in form ? form.problem.message : "",
      /has content type .*: set the video's/,
    );
    assert.ok(video !== undefined && "job" in video);
    assert.equal(aws.count("PutObject"), 1);
    assert.equal(aws.invocations.length, 1);
  });

  it("skips an invalid video with a reason, and sends the others", async () => {
    await writeFile(videos[1]!, "");
    await using journal = await JobJournal.create(file);
    const outcomes = await submitAll(stack, submissions(), { journal });
    assert.deepEqual(
      outcomes.map((outcome) => "problem" in outcome && outcome.problem.message.includes("is empty")),
      [false, true, false, false],
    );
    assert.equal(aws.invocations.length, 3);
    assert.match(journal.entries.get(outcomes[1]!.inferenceId)!.problem!, /is empty/);
  });

  it("refuses two jobs of one name before anything is sent", async () => {
    const twice = [0, 1].map(() => ({ video: place, inferenceId: "mine" }));
    await assert.rejects(submitAll(stack, twice), /Two jobs have the InferenceId mine/);
    assert.deepEqual(aws.requests, []);
  });

  it("refuses a part whose name does not tell its job and number", async () => {
    const part = { job: "mine", number: 1, from: 10, to: 20 };
    for (const inferenceId of [undefined, "mine", "mine-2"]) {
      await assert.rejects(submitAll(stack, [{ video: place, inferenceId, part }]), {
        name: "SetupError",
        message: /is not that of part 1 of job mine: name it mine-1/,
      });
    }
    assert.deepEqual(aws.requests, []);
  });

  it("stops at the first refusal of the service, which concerns all videos, and resumes from there", async () => {
    aws.fail({
      operation: "InvokeEndpointAsync",
      answer: { status: 403, code: "AccessDeniedException", message: "not you" },
    });
    {
      await using journal = await JobJournal.create(file);
      await assert.rejects(submitAll(stack, submissions(), { journal, concurrency: 1 }), /not you/);
    }
    assert.equal(aws.count("InvokeEndpointAsync"), 1);
    await using journal = await JobJournal.open(file);
    const outcomes = await resumeAll(stack, journal);
    assert.equal(outcomes.length, 4);
    assert.deepEqual(
      aws.invocations.map(({ inferenceId }) => inferenceId).toSorted(),
      [...journal.entries.keys()].toSorted(),
    );
  });

  it("repeats a call that may have been accepted, with the same name and video; the last answer's locations count", async () => {
    aws.fail({ operation: "InvokeEndpointAsync", times: 100, answer: "lose the answer" });
    const controller = new AbortController();
    {
      await using journal = await JobJournal.create(file);
      aws.onInvocation = () => {
        controller.abort();
      };
      const submitting = submitAll(stack, [{ video: videos[0]! }], { journal, signal: controller.signal });
      await assert.rejects(submitting, { name: "AbortError" });
    }
    const lost = aws.invocations.length;
    assert.ok(lost >= 1);
    await rm(videos[0]!);
    aws.answerAgain();
    await using journal = await JobJournal.open(file);
    const job = jobOf((await resumeAll(stack, journal))[0]!);
    assert.equal(new Set(aws.invocations.map(({ inferenceId }) => inferenceId)).size, 1);
    assert.equal(aws.invocations.length, lost + 1);
    assert.equal(job.outputLocation, aws.invocations.at(-1)!.outputLocation);
    assert.ok(job.attempts >= 2);
    assert.ok(aws.objects.has(objectKey(job.inputLocation)));
    assert.deepEqual(await resumeAll(stack, journal), []);
  }).timeout(60_000);

  for (const [change, act] of Object.entries({
    "has changed": async (video: string) => {
      await writeFile(video, videoBytes("another"));
    },
    "is gone": async (video: string) => {
      await rm(video);
    },
  })) {
    it(`resumes the parts of a video from the object that the others refer to if the file ${change}`, async () => {
      aws.requestMode = "reference";
      using referring = connect(aws.outputs);
      const [video = ""] = videos;
      const submissions = [0, 1, 2].map((number) => {
        const part = { job: "mine", number, from: 10 * number, to: number === 2 ? null : 10 * number + 10 };
        return { video, inferenceId: `mine-${number}`, part };
      });
      {
        await using journal = await JobJournal.create(file);
        const controller = new AbortController();
        aws.onInvocation = () => {
          controller.abort();
        };
        const options = { journal, concurrency: 1, signal: controller.signal };
        await assert.rejects(submitAll(referring, submissions, options), { name: "AbortError" });
        // The journal has no location for the others, because they were not tried.
        assert.deepEqual(
          [...journal.entries.values()].map(({ attempts }) => attempts),
          [1, 0, 0],
        );
      }
      await act(video);
      await using journal = await JobJournal.open(file);
      const outcomes = await resumeAll(referring, journal);
      assert.equal(outcomes.map(jobOf).length, 2);
      const etags = [...journal.entries.values()].map(({ job }) => {
        const { video, etag } = JSON.parse(String(aws.objects.get(objectKey(job!.requestLocation!)))) as object & {
          video: string;
          etag: string;
        };
        return `${video} ${etag}`;
      });
      assert.equal(new Set(etags).size, 1);
      assert.equal(aws.record("mine").parts.length, 3);
    });
  }

  it("resumes a foreign journal without sending a file that is not a video", async () => {
    const secret = join(folder, "credentials");
    await writeFile(secret, "[default]\naws_secret_access_key = canary\n");
    {
      await using journal = await JobJournal.create(file);
      aws.fail({ operation: "HeadObject", answer: { status: 301, code: "" } });
      await assert.rejects(submitAll(stack, [{ video: secret }, { video: videos[0]! }], { journal, concurrency: 1 }));
    }
    aws.requests.length = 0;
    await using journal = await JobJournal.open(file);
    const outcomes = await resumeAll(stack, journal);
    assert.deepEqual(
      outcomes.map((outcome) => "problem" in outcome && outcome.problem.message.includes("credentials is not a video")),
      [true, false],
    );
    assert.match(journal.entries.get(outcomes[0]!.inferenceId)!.problem!, /is not a video/);
    assert.ok(aws.requests.every(({ body }) => !body.includes("canary")));
    assert.equal(aws.invocations.length, 1);
  });

  it("never resumes another endpoint's journal", async () => {
    await using journal = await JobJournal.create(file);
    aws.fail({ operation: "HeadObject", answer: { status: 301, code: "" } });
    await assert.rejects(submitAll(stack, [{ video: videos[0]! }], { journal }), /in another region/);
    using other = connect({ ...aws.outputs, endpointName: "other" });
    await assert.rejects(resumeAll(other, journal), /are for endpoint video, but this stack's is other/);
    assert.equal(aws.count("InvokeEndpointAsync"), 0);
  });

  it("gives a call under way time for its answer when it is interrupted, and starts no other", async () => {
    const controller = new AbortController();
    await using journal = await JobJournal.create(file);
    aws.onInvocation = () => {
      controller.abort();
    };
    const submitting = submitAll(stack, submissions(), { journal, concurrency: 1, signal: controller.signal });
    await assert.rejects(submitting, { name: "AbortError" });
    const states = [...journal.entries.values()].map(({ attempts, job }) => [attempts, job === undefined]);
    assert.deepEqual(states, [
      [1, false],
      [0, true],
      [0, true],
      [0, true],
    ]);
  });
});
