import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import { startCommandFixture, videoBytes } from "../testing/command-fixture.ts";
import type { CommandFixture } from "../testing/command-fixture.ts";
import { failureOf, FakeQueues } from "../testing/fake-sqs.ts";
import { sampleResult } from "../testing/sample-result.ts";
import { Client } from "./client.ts";
import { AwsError, ClientError } from "./errors.ts";

describe("the client of a stack", () => {
  let fixture: CommandFixture;
  let client: Client;

  beforeEach(async () => {
    fixture = await startCommandFixture();
    client = await Client.connect({ outputs: fixture.aws.outputs });
  });

  afterEach(async () => {
    client.close();
    await fixture[Symbol.asyncDispose]();
  });

  it("submits a video with options, waits for the job and returns its result", async () => {
    fixture.aws.onInvocation = fixture.complete;
    const job = await client.submit(fixture.path("a.mp4"), { fps: 2, ttlSeconds: 60, format: "ndjson" });
    const [sent] = fixture.aws.invocations;
    assert.equal(sent?.headers["x-amzn-sagemaker-custom-attributes"], "fps=2;timeout=900");
    assert.equal(sent.headers["x-amzn-sagemaker-requestttlseconds"], "60");
    assert.equal(sent.headers["x-amzn-sagemaker-accept"], "application/x-ndjson");
    assert.deepEqual(await client.wait(job), { status: "completed", outputLocation: job.outputLocation });
    assert.deepEqual(await client.result(job), sampleResult);
  });

  it("reads the outputs of a file", async () => {
    await writeFile(fixture.path("outputs.json"), JSON.stringify(fixture.aws.outputs));
    using other = await Client.connect({ outputs: fixture.path("outputs.json") });
    assert.deepEqual(other.outputs, client.outputs);
  });

  it("returns the status of a job, and the error NoResultError while there is no result", async () => {
    const job = await client.submit(fixture.path("a.mp4"));
    assert.deepEqual(await client.status(job), { status: "pending" });
    assert.deepEqual(await client.wait(job, { limitSeconds: 0.1 }), { status: "pending" });
    await assert.rejects(client.result(job), {
      name: "NoResultError",
      message: /has not completed, or a lifecycle rule/,
    });
    fixture.fail(fixture.aws.invocations[0]!);
    assert.deepEqual(await client.status(job), { status: "failed", reason: "not a video" });
  });

  it("sends the failed jobs of the error queue again, once, with a journal as its memory", async () => {
    const queues = new FakeQueues(fixture.aws);
    const journal = fixture.path("redrive.jsonl");
    for (const kind of ["sent", "already-sent"]) {
      queues.put(failureOf("video-1"));
      const outcomes = await client.redrive({ journal });
      assert.deepEqual(
        outcomes.map((outcome) => outcome.kind),
        [kind],
      );
    }
    assert.equal(fixture.aws.invocations.length, 1);
  });

  for (const [what, submitting, expected] of [
    ["a file that is missing", () => client.submit(fixture.path("none.mp4")), { name: "InputError" }],
    ["a folder of two videos", () => client.submit(fixture.path("clips")), { name: "InputError", message: /2 videos/ }],
    ["an option out of range", () => client.submit(fixture.path("a.mp4"), { fps: 0 }), { name: "SetupError" }],
    ["incomplete outputs", () => Client.connect({ outputs: {} }), { name: "SetupError", message: /is missing/ }],
  ] as const) {
    it(`sends nothing and throws a ClientError for ${what}`, async () => {
      await mkdir(fixture.path("clips"));
      for (const name of ["clips/1.mp4", "clips/2.mp4"]) await writeFile(fixture.path(name), videoBytes(name));
      await assert.rejects(submitting, (error) => error instanceof ClientError);
      await assert.rejects(submitting, expected);
      assert.equal(fixture.aws.invocations.length, 0);
    });
  }

  it("throws an AwsError with AWS's code and error if AWS refuses", async () => {
    const answer = { status: 400, code: "AccessDeniedException", message: "no" };
    fixture.aws.fail({ operation: "InvokeEndpointAsync", answer });
    await assert.rejects(client.submit(fixture.path("a.mp4")), (error) => {
      assert.ok(error instanceof AwsError);
      assert.equal(error.code, "AccessDeniedException");
      assert.match(error.message, /AccessDeniedException: no \(these AWS credentials may not do this/);
      assert.equal((error.cause as Error).name, "AccessDeniedException");
      return true;
    });
  });

  it("throws the reason of the caller's signal", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await assert.rejects(client.submit(fixture.path("a.mp4"), { signal }), reason);
  });
});
