/** Tests requests that refer to their videos. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, it } from "mocha";
import { videoBytes } from "../testing/command-fixture.ts";
import { objectKey, startFakeAws } from "../testing/fake-aws.ts";
import type { FakeAws } from "../testing/fake-aws.ts";
import { retryAtOnce } from "../testing/retry-at-once.ts";
import { checkLocation } from "./allowed-sources.ts";
import { findVideos } from "./find-videos.ts";
import { readRequest, requestUri } from "./request-object.ts";
import { connect } from "./stack.ts";
import type { Stack } from "./stack.ts";
import { invoke } from "./submit.ts";
import { submitAll } from "./submit-all.ts";
import { uploadVideo } from "./upload.ts";

const schemaFile = join(import.meta.dirname, "..", "..", "model", "request.schema.json");
const video = { inputLocation: "s3://source/clips/a.mp4", contentType: "video/mp4" };

describe("a request that refers to its video", () => {
  let aws: FakeAws;
  let stack: Stack;
  let folder: string;

  beforeEach(async () => {
    aws = await startFakeAws();
    aws.requestMode = "reference";
    stack = retryAtOnce(connect(aws.outputs));
    folder = await mkdtemp(join(tmpdir(), "request-"));
    aws.objects.set("source/clips/a.mp4", videoBytes("a"));
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const stored = (uri: string): unknown => JSON.parse(String(aws.objects.get(objectKey(uri))));
  const etagOf = async (uri: string): Promise<string | undefined> => (await readRequest(stack, uri))?.etag;

  it("is an object below the input prefix, with its own media type and the model's schema", async () => {
    const job = await invoke(stack, { ...video, inferenceId: "mine" });
    const [invocation] = aws.invocations;
    const uri = "s3://in/videos/requests/mine/part-00000.json";
    assert.deepEqual([job.requestLocation, invocation?.inputLocation], [uri, uri]);
    assert.deepEqual([job.inputLocation, job.contentType], [video.inputLocation, "video/mp4"]);
    const type = "application/vnd.async-video.request+json";
    assert.equal(invocation?.headers["x-amzn-sagemaker-content-type"], type);
    const put = aws.requests.find(({ operation }) => operation === "PutObject");
    assert.equal(put?.headers["content-type"], type);
    const check = new Ajv2020({ allowUnionTypes: true }).compile(
      JSON.parse(readFileSync(schemaFile, "utf8")) as Record<string, unknown>,
    );
    assert.ok(check(stored(uri)), JSON.stringify(check.errors));
  });

  it("leaves the model's options in the call, the one place where they are", async () => {
    const { requestLocation } = await invoke(stack, { ...video, customAttributes: "fps=2", timeoutSeconds: 60 });
    assert.equal(aws.invocations[0]?.headers["x-amzn-sagemaker-custom-attributes"], "fps=2;timeout=60");
    assert.deepEqual(Object.keys(stored(requestLocation!) as object), ["video", "etag", "from", "to"]);
  });

  it("has the ETag of the upload", async () => {
    const file = join(folder, "b.mp4");
    await writeFile(file, videoBytes("b"));
    const uploaded = await uploadVideo(stack, file);
    const { requestLocation } = await invoke(stack, uploaded);
    assert.deepEqual(stored(requestLocation!), {
      video: uploaded.inputLocation,
      etag: uploaded.etag,
      from: 0,
      to: null,
    });
  });

  it("has the ETag that the job's record has", async () => {
    const [first] = await submitAll(stack, [{ video: video.inputLocation, inferenceId: "mine" }]);
    const recorded = aws.record("mine").source.etag;
    assert.ok(first !== undefined && "job" in first);
    assert.equal(await etagOf(first.job.requestLocation!), recorded);
    const [again] = await submitAll(stack, [{ video: video.inputLocation, inferenceId: "mine.redrive-1" }]);
    assert.ok(again !== undefined && "job" in again);
    assert.equal(again.job.requestLocation, first.job.requestLocation);
    assert.equal(await etagOf(again.job.requestLocation!), recorded);
  });

  for (const [what, change, problem] of [
    [
      "has changed",
      () => aws.objects.set("source/clips/a.mp4", videoBytes("another")),
      /has changed since the job was/,
    ],
    ["is gone", () => aws.objects.delete("source/clips/a.mp4"), /There is no object s3:\/\/source\/clips\/a\.mp4/],
  ] as const) {
    it(`is not sent again if the object ${what}`, async () => {
      await submitAll(stack, [{ video: video.inputLocation, inferenceId: "mine" }]);
      change();
      const [again] = await submitAll(stack, [{ video: video.inputLocation, inferenceId: "mine.redrive-1" }]);
      assert.match(again !== undefined && "problem" in again ? again.problem.message : "", problem);
      assert.equal(aws.invocations.length, 1);
    });
  }

  it("is named in the job's record", async () => {
    await submitAll(stack, [{ video: video.inputLocation, inferenceId: "mine" }]);
    const [invocation] = aws.record("mine").parts[0]!.invocations;
    assert.equal(
      invocation?.state === "accepted" && invocation.requestLocation,
      requestUri(stack.outputs, { inferenceId: "mine" }),
    );
  });

  it("is refused for a video that does not exist, before the call", async () => {
    const invocation = { ...video, inputLocation: "s3://source/clips/none.mp4" };
    await assert.rejects(invoke(stack, invocation), /There is no object s3:\/\/source\/clips\/none\.mp4/);
    assert.equal(aws.invocations.length, 0);
  });

  it("is refused if the caller may not read the video's ETag", async () => {
    aws.fail({ operation: "HeadObject", answer: { status: 403, code: "Forbidden" } });
    await assert.rejects(invoke(stack, video), /may not read s3:\/\/source\/clips\/a\.mp4, so its ETag is unknown/);
    assert.equal(aws.invocations.length, 0);
  });

  it("is refused for a video that the endpoint may not read, before anything is written", async () => {
    await assert.rejects(
      invoke(stack, { ...video, inputLocation: "s3://private/a.mp4" }),
      /may not read s3:\/\/private/,
    );
    assert.equal(aws.count("PutObject"), 0);
  });

  for (const key of ["results/a.mp4", "models/a.mp4", "clips/../a.mp4", "clips/./a.mp4", "clips/.."]) {
    it(`is refused for the key ${key}, which the handler never reads`, async () => {
      using open = connect({ ...aws.outputs, sourceLocations: ["s3://source/"] });
      const inputLocation = `s3://source/${key}`;
      await assert.rejects(invoke(open, { ...video, inputLocation }), /reads no key that starts with models\//);
      checkLocation({ ...open.outputs, requests: "payload" }, inputLocation);
    });
  }

  it("may name keys that only look like those", () => {
    for (const key of ["clips/results/a.mp4", "results.mp4", "clips/..a.mp4", "a../b.mp4"]) {
      checkLocation({ ...stack.outputs, sourceLocations: ["s3://source/"] }, `s3://source/${key}`);
    }
  });

  it("is written again after a transient error", async () => {
    aws.fail({ operation: "PutObject", times: 8, answer: { status: 503, code: "SlowDown" } });
    const { requestLocation } = await invoke(stack, video);
    assert.ok(stored(requestLocation!));
  });

  it("is not taken for a video", async () => {
    aws.objects.set("in/videos/b.mp4", videoBytes("b"));
    await invoke(stack, { ...video, inferenceId: "mine" });
    aws.objects.set("in/videos/requests/mine/planted.mp4", videoBytes("c"));
    const { videos, skipped } = await findVideos(stack, ["s3://in/videos/"]);
    assert.deepEqual(
      videos.map((each) => each.video),
      ["s3://in/videos/b.mp4"],
    );
    assert.equal(skipped, undefined);
  });

  for (const [what, content] of Object.entries({ "a video": videoBytes("a"), "another object": '{"video":"/etc"}' })) {
    it(`is not read from ${what}`, async () => {
      aws.objects.set("in/videos/x", Buffer.from(content));
      assert.equal(await readRequest(stack, "s3://in/videos/x"), undefined);
    });
  }

  it("is not read from an object that has expired", async () => {
    assert.equal(await readRequest(stack, "s3://in/videos/x"), undefined);
  });
});
