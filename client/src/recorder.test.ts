import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { JobJournal } from "./journal.ts";
import { checkOutputs } from "./outputs.ts";
import { connect } from "./stack.ts";
import type { Stack } from "./stack.ts";
import { resumeAll, submitAll } from "./submit-all.ts";
import type { Outcome } from "./submit-all.ts";
import { videoBytes } from "../testing/command-fixture.ts";
import { startFakeAws } from "../testing/fake-aws.ts";
import type { FakeAws, SeenRequest } from "../testing/fake-aws.ts";
import { retryAtOnce } from "../testing/retry-at-once.ts";

describe("the record of a job", () => {
  let aws: FakeAws;
  let stack: Stack;
  let folder: string;
  let video: string;

  beforeEach(async () => {
    aws = await startFakeAws();
    stack = retryAtOnce(connect(aws.outputs));
    folder = await mkdtemp(join(tmpdir(), "record-"));
    video = join(folder, "street.mp4");
    await writeFile(video, videoBytes("street"));
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const jobOf = ([outcome]: readonly Outcome[]) =>
    outcome !== undefined && "job" in outcome ? outcome.job : assert.fail(outcome?.problem ?? "no outcome");
  const problemOf = ([outcome]: readonly Outcome[]) =>
    outcome !== undefined && "problem" in outcome ? outcome.problem.message : assert.fail("the job was sent");
  const recordWrites = () => aws.requests.filter(({ operation }) => operation === "PutRecord");
  const conditionOf = ({ headers }: SeenRequest) => [headers["if-none-match"], headers["if-match"] !== undefined];

  it("has the video, the options and the locations that the service returned", async () => {
    const options = { inferenceId: "mine", ttlSeconds: 60, timeoutSeconds: 30, customAttributes: "fps=2" };
    const job = jobOf(await submitAll(stack, [{ video, ...options }]));
    const { etag, ...source } = aws.record("mine").source;
    assert.deepEqual(source, {
      uri: job.inputLocation,
      contentType: "video/mp4",
      bytes: videoBytes("street").length,
      name: "street.mp4",
    });
    assert.equal(etag, `"${createHash("md5").update(videoBytes("street")).digest("hex")}"`);
    assert.deepEqual(aws.record("mine").options, { ttlSeconds: 60, timeoutSeconds: 30, customAttributes: "fps=2" });
    const { outputLocation, failureLocation, submittedAt } = job;
    const invocation = { inferenceId: "mine", endpointName: "video", outputLocation, failureLocation, submittedAt };
    assert.deepEqual(aws.record("mine").parts, [
      { from: 0, to: null, invocations: [{ state: "accepted", ...invocation, attempts: 1 }] },
    ]);
  });

  it("is created before the call, and changed after it, each only if no other process has written it", async () => {
    const before: unknown[] = [];
    aws.onInvocation = ({ inferenceId }) => before.push(aws.record(inferenceId).parts[0]!.invocations);
    await submitAll(stack, [{ video, inferenceId: "mine" }]);
    assert.deepEqual(before, [[{ state: "sending", inferenceId: "mine", endpointName: "video" }]]);
    assert.deepEqual(recordWrites().map(conditionOf), [
      ["*", false],
      [undefined, true],
    ]);
  });

  it("names the result's place in the call, in a folder of the job", async () => {
    await submitAll(stack, [{ video, inferenceId: "mine", format: "ndjson" }]);
    const { headers } = aws.invocations[0]!;
    assert.equal(headers["x-amzn-sagemaker-s3outputpathextension"], "mine");
    assert.equal(headers["x-amzn-sagemaker-filename"], "part-00000.ndjson");
  });

  it("has the properties of an object that is used in place, which are read once for many jobs", async () => {
    aws.objects.set("in/videos/here.mp4", Buffer.from("12345"));
    const submissions = ["a", "b", "c"].map((inferenceId) => ({ video: "s3://in/videos/here.mp4", inferenceId }));
    await submitAll(stack, submissions);
    assert.deepEqual(
      ["a", "b", "c"].map((id) => aws.record(id).source.bytes),
      [5, 5, 5],
    );
    assert.equal(aws.count("HeadObject"), 1);
  });

  it("has no properties of an object that the caller may not read", async () => {
    aws.s3.mayList = false;
    await submitAll(stack, [{ video: "s3://in/videos/secret.mp4", inferenceId: "mine" }]);
    const { etag, bytes } = aws.record("mine").source;
    assert.deepEqual([etag, bytes], [null, null]);
  });

  it("is written once if the answers to both writes are lost", async () => {
    aws.fail({ operation: "PutRecord", times: 1, answer: "lose the answer" });
    aws.onInvocation = () => {
      aws.fail({ operation: "PutRecord", times: 1, answer: "lose the answer" });
    };
    const job = jobOf(await submitAll(stack, [{ video, inferenceId: "mine" }]));
    assert.partialDeepStrictEqual(aws.record("mine").parts[0]!.invocations, [{ outputLocation: job.outputLocation }]);
    assert.equal(aws.invocations.length, 1);
  });

  it("keeps what another process has written meanwhile", async () => {
    aws.onInvocation = () => {
      const other = { ...aws.record("mine"), callback: { url: "https://example.com" } };
      aws.objects.set("out/jobs/mine.json", Buffer.from(JSON.stringify(other)));
    };
    const job = jobOf(await submitAll(stack, [{ video, inferenceId: "mine" }]));
    const record = aws.record("mine");
    assert.deepEqual(record["callback"], { url: "https://example.com" });
    assert.partialDeepStrictEqual(record.parts[0]!.invocations, [{ outputLocation: job.outputLocation }]);
  });

  it("is created again if it was removed during the call", async () => {
    aws.onInvocation = () => aws.objects.delete("out/jobs/mine.json");
    const job = jobOf(await submitAll(stack, [{ video, inferenceId: "mine" }]));
    assert.partialDeepStrictEqual(aws.record("mine").parts[0]!.invocations, [{ outputLocation: job.outputLocation }]);
  });

  it("keeps its job from being sent under the same name by another submission", async () => {
    await submitAll(stack, [{ video, inferenceId: "mine" }]);
    assert.match(problemOf(await submitAll(stack, [{ video, inferenceId: "mine" }])), /has a job mine already: give/);
    const other = { video: "s3://in/videos/other.mp4", inferenceId: "mine" };
    assert.match(problemOf(await submitAll(stack, [other])), /has a job mine already, of s3:\/\/in\/.*: give/);
    assert.equal(aws.invocations.length, 1);
  });

  it("concerns only its job if it is not valid", async () => {
    aws.objects.set("out/jobs/mine.json", Buffer.from('{"schemaVersion":2}'));
    const outcomes = await submitAll(stack, [{ video, inferenceId: "mine" }, { video }]);
    assert.match(
      problemOf(outcomes),
      /out\/jobs\/mine\.json does not match client\/job\.schema\.json: schemaVersion: /,
    );
    assert.equal(aws.invocations.length, 1);
  });

  it("is left as it is if it is spoiled during the call, and the job stays accepted", async () => {
    const spoiled = Buffer.from('{"schemaVersion":2}');
    aws.onInvocation = () => aws.objects.set("out/jobs/mine.json", spoiled);
    const notices: string[] = [];
    const onNotice = (notice: string) => notices.push(notice);
    await using journal = await JobJournal.create(join(folder, "journal.jsonl"));
    jobOf(await submitAll(stack, [{ video, inferenceId: "mine" }], { journal, onNotice }));
    assert.match(
      notices.join(),
      /^Job mine was accepted, but its record cannot be kept\. The job record .* does not match/,
    );
    const { job, problem, recorded } = journal.entries.get("mine")!;
    assert.deepEqual([job !== undefined, problem, recorded], [true, undefined, undefined]);
    assert.equal(aws.objects.get("out/jobs/mine.json"), spoiled);
  });

  it("tells that the service refused the job", async () => {
    const answer = { status: 400, code: "ValidationError", message: "no such endpoint" };
    aws.fail({ operation: "InvokeEndpointAsync", answer });
    await assert.rejects(submitAll(stack, [{ video, inferenceId: "mine" }]), /no such endpoint/);
    assert.partialDeepStrictEqual(aws.record("mine").parts[0]!.invocations, [
      { state: "refused", problem: "no such endpoint" },
    ]);
  });

  it("is not written for a stack of an earlier version, whose call leaves the result's place to the service", async () => {
    const outputs = Object.entries(aws.outputs).filter(([name]) => name !== "jobsLocation");
    using earlier = connect(checkOutputs(Object.fromEntries(outputs), "the test"));
    await submitAll(earlier, [{ video }]);
    assert.equal(recordWrites().length, 0);
    assert.equal(aws.invocations[0]!.headers["x-amzn-sagemaker-filename"], undefined);
  });

  describe("when a submission is resumed", () => {
    let file: string;

    /** Submits, and keeps only some lines of the journal: the process was killed before the others. */
    const killedAfter = async (...events: readonly string[]) => {
      file = join(folder, "journal.jsonl");
      {
        await using journal = await JobJournal.create(file);
        await submitAll(stack, [{ video, inferenceId: "mine" }], { journal });
      }
      const lines = (await readFile(file, "utf8")).split("\n");
      const kept = lines.filter((line) => events.some((event) => line.startsWith(`{"event":"${event}"`)));
      await writeFile(file, kept.map((line) => `${line}\n`).join(""));
    };

    const resume = async () => {
      await using journal = await JobJournal.open(file);
      return await resumeAll(stack, journal);
    };

    it("gives the acceptance that the journal does not have, and no call is repeated", async () => {
      await killedAfter("planned", "attempt");
      const job = jobOf(await resume());
      assert.equal(job.outputLocation, aws.invocations[0]!.outputLocation);
      assert.equal(aws.invocations.length, 1);
    });

    it("gets the acceptance that only the journal has", async () => {
      await killedAfter("planned", "attempt", "accepted");
      const { parts, ...record } = aws.record("mine");
      const sending = [{ state: "sending", inferenceId: "mine", endpointName: "video" }];
      const before = { ...record, parts: [{ ...parts[0], invocations: sending }] };
      aws.objects.set("out/jobs/mine.json", Buffer.from(JSON.stringify(before)));
      assert.deepEqual(await resume(), []);
      assert.deepEqual(aws.record("mine").parts, parts);
      aws.requests.length = 0;
      assert.deepEqual(await resume(), []);
      assert.deepEqual(aws.requests, [], "the journal shows that the record is complete");
    });

    it("does not keep the other jobs from being sent if it is spoiled", async () => {
      await killedAfter("planned", "attempt", "accepted");
      aws.objects.set("out/jobs/mine.json", Buffer.from('{"schemaVersion":2}'));
      await using journal = await JobJournal.open(file);
      const planned = { ...journal.entries.get("mine")!.planned, inferenceId: "other" };
      await journal.plan([planned]);
      const notices: string[] = [];
      const outcomes = await resumeAll(stack, journal, { onNotice: (notice) => notices.push(notice) });
      assert.equal(jobOf(outcomes).inferenceId, "other");
      assert.match(notices.join(), /^Job mine was accepted, but/);
    });

    it("is created for a job that a client without records has sent", async () => {
      await killedAfter("planned", "attempt", "accepted");
      const { parts } = aws.record("mine");
      aws.objects.delete("out/jobs/mine.json");
      await resume();
      assert.deepEqual(aws.record("mine").parts, parts);
    });
  });
});
