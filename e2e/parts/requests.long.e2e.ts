/** Tests requests on the emulator with the real handler: those that refer to their videos, and those that contain them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { InvokeEndpointAsyncCommand } from "@aws-sdk/client-sagemaker-runtime";
import {
  checkOutputs,
  connect,
  fetchResult,
  invoke,
  parseS3Uri,
  uploadVideo,
  waitForJob,
} from "../../client/src/index.ts";
import type { Job, Stack } from "../../client/src/index.ts";
import { Deployment } from "../../ops/deployment/deployment.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { startTestEnvironment } from "../testing/environment.ts";
import type { TestEnvironment } from "../testing/environment.ts";

const sample = join(repoRoot, "model", "samples", "street.mp4");
const mediaType = "application/vnd.async-video.request+json";
const limitSeconds = 300;

describe("requests to the endpoint", function () {
  this.timeout(15 * 60_000);
  const { signal } = new AbortController();
  let environment: TestEnvironment;
  let stack: Stack;
  /** The sample's result, from a request that refers to it. */
  let referred: Job;

  /** Deploys the stack with further settings, and connects to it. */
  async function deploy(...settings: readonly string[]): Promise<void> {
    const { aws, folder, paths } = environment;
    const file = join(folder, "Pulumi.local.yaml");
    await changeSettings(join(repoRoot, "Pulumi.local.yaml"), file, settings.map(parseSetting));
    const deployment = await Deployment.open(aws, paths, file);
    const { outputs } = await deployment.up({ detail: () => undefined }, signal);
    stack = connect(checkOutputs(outputs, "The stack's outputs"), aws.credentials);
  }

  before(async () => {
    environment = await startTestEnvironment(240);
    await deploy();
    referred = await invoke(stack, { ...(await uploadVideo(stack, sample)), inferenceId: "referred" });
  });

  after(async () => {
    stack.close();
    await environment[Symbol.asyncDispose]();
  });

  /** Sends a body that is not the client's; returns the reason of its failure. */
  async function reasonFor(inferenceId: string, body: object, ContentType = mediaType): Promise<string> {
    const { inputBucket, inputPrefix, endpointName } = stack.outputs;
    const InputLocation = `s3://${inputBucket}/${inputPrefix}requests/${inferenceId}/part-00000.json`;
    await stack.s3.send(new PutObjectCommand({ ...parseS3Uri(InputLocation), Body: JSON.stringify(body) }));
    const { OutputLocation = "", FailureLocation = "" } = await stack.runtime.send(
      new InvokeEndpointAsyncCommand({
        EndpointName: endpointName,
        InputLocation,
        ContentType,
        Accept: "application/json",
        InferenceId: inferenceId,
      }),
    );
    const job: Job = { ...referred, inferenceId, outputLocation: OutputLocation, failureLocation: FailureLocation };
    const state = await waitForJob(stack, job, { signal, limitSeconds });
    return state.status === "failed" ? state.reason : assert.fail(`${inferenceId} is ${state.status}`);
  }

  it("may refer to a video, which the container reads with the execution role", async () => {
    assert.equal(stack.outputs.requests, "reference");
    assert.equal((await waitForJob(stack, referred, { signal, limitSeconds })).status, "completed");
    assert.ok((await fetchResult(stack, referred)).frames.length > 0);
  });

  it("fail for a video outside the allowed locations, which the reason names", async () => {
    for (const [name, video] of [
      ["results", referred.outputLocation],
      ["models", `s3://${stack.outputs.inputBucket}/models/model.tar.gz`],
      ["foreign", "s3://another-bucket/a.mp4"],
    ] as const) {
      const reason = await reasonFor(name, { video, etag: '"1"' });
      assert.match(reason, /^This endpoint may not read s3:\/\/.*: it reads videos below s3:\/\/.*\/input\/\.$/);
    }
  });

  it("fail for a video that has changed, and for one that does not exist", async () => {
    const video = referred.inputLocation;
    assert.match(
      await reasonFor("changed", { video, etag: '"old"' }),
      /does not have the ETag .*Submit the video again/,
    );
    assert.match(await reasonFor("missing", { video: `${video}.none`, etag: '"1"' }), /There is no object s3:/);
  });

  it("fail with the type application/json, and the reason names the right one", async () => {
    const body = { video: referred.inputLocation, etag: '"1"' };
    const reason = await reasonFor("json", body, "application/json");
    assert.ok(reason.startsWith(`The content type of a request object is ${mediaType}, not application/json`), reason);
  });

  it("fail with another form of a request object, with the right form", async () => {
    assert.match(await reasonFor("form", { videos: [] }), /The request object has another form: a request object is/);
  });

  it("give the same result if they contain the video, and refer to none then", async () => {
    const before = await fetchResult(stack, referred);
    stack.close();
    await deploy("requests=payload");
    assert.equal(stack.outputs.requests, "payload");
    const contained = await invoke(stack, { ...(await uploadVideo(stack, sample)), inferenceId: "contained" });
    assert.equal(contained.requestLocation, undefined);
    assert.equal((await waitForJob(stack, contained, { signal, limitSeconds })).status, "completed");
    assert.deepEqual((await fetchResult(stack, contained)).frames, before.frames);
    const reason = await reasonFor("refused", { video: referred.inputLocation, etag: '"1"' });
    assert.match(reason, /This endpoint reads no videos from S3, because ALLOWED_SOURCES is not set/);
  });
});
