/** Serves the artifact with TorchServe and with Ray Serve, as AWS's two images do, and compares their answers: `npm run test:ray`. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { after, before, describe, it } from "mocha";
import { createEmulator } from "../../emulator/emulator.ts";
import type { Emulator } from "../../emulator/emulator.ts";
import { ArtifactCache } from "../../emulator/model-server/artifact.ts";
import { ModelServerLauncher } from "../../emulator/model-server/launcher.ts";
import type { Invocation } from "../../emulator/services/sagemaker/invocation.ts";
import {
  FakeFleet,
  FakeLogs,
  FakeObjects,
  testArtifact,
  testModelData,
  testRole,
} from "../../emulator/testing/fake-aws.ts";
import { descendantsOf, isAlive } from "../../lib/testing/processes.ts";
import { RayServe } from "../../emulator/testing/ray-serve.ts";
import type { Instance } from "../../emulator/core/worker.ts";
import { sdkConfig } from "../../emulator/testing/test-gateway.ts";
import { ministackPython, repoRoot, servingPython } from "../../tools/paths.mjs";

/**
 * Environment of both servers: the same number of workers gives each the same number of threads, so they round alike. With
 * ALLOWED_SOURCES, the handler loads only if its image has boto3.
 */
const environment = {
  SAGEMAKER_MODEL_SERVER_WORKERS: "2",
  TS_MAX_REQUEST_SIZE: "50000000",
  ALLOWED_SOURCES: "s3://videos/input/",
  AWS_DEFAULT_REGION: "us-east-1",
};

/** Returns the variables by which a container reads from an emulator's S3. */
function variablesFor({ url, credentials }: Emulator): Readonly<Record<string, string>> {
  return {
    ...environment,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
}

/** Media type of a request object. */
const requestType = "application/vnd.async-video.request+json";

/** The state TCP_LISTEN in /proc/net/tcp. */
const listening = "0A";
/** The address 127.0.0.1 in /proc/net/tcp and /proc/net/tcp6. */
const loopback = ["0100007F", "0000000000000000FFFF00000100007F"];

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Request {
  readonly body: Uint8Array;
  readonly contentType: string;
  /** The request's CustomAttributes. */
  readonly options: string;
}

/** A server that serves the artifact. */
interface Server {
  answer(request: Request): Promise<Answer>;
  stop(): Promise<void>;
}

async function buildArtifact(file: string): Promise<void> {
  const child = spawn(servingPython, ["model/package.py", "--out", file], { cwd: repoRoot, stdio: "inherit" });
  const [status] = (await once(child, "exit")) as [number | null];
  assert.equal(status, 0);
}

async function startTorchServe(folder: string, artifact: string, aws: Emulator): Promise<Server> {
  const objects = new FakeObjects();
  objects.set(testArtifact, await readFile(artifact));
  const container = {
    endpointName: "torchserve",
    variantName: "v",
    roleArn: testRole,
    modelData: testModelData,
    environment: variablesFor(aws),
    startupTimeout: 240_000,
  };
  const instance: Instance<Invocation> = await new ModelServerLauncher(container, {
    python: servingPython,
    region: "us-east-1",
    stateDir: folder,
    objects,
    artifacts: new ArtifactCache(join(folder, "artifacts")),
    logs: new FakeLogs(),
    clock: { now: () => Date.now() },
  }).launch("v-1", AbortSignal.timeout(240_000));
  let count = 0;
  return {
    async answer({ body, contentType, options }) {
      const key = String(++count);
      objects.set(`s3://in/${key}`, body);
      const invocation: Invocation = {
        inferenceId: key,
        receivedAt: Date.now(),
        ttl: 600_000,
        timeout: 600_000,
        input: { bucket: "in", key },
        inputLocation: `s3://in/${key}`,
        output: { bucket: "out", key, kmsKeyId: undefined },
        failure: undefined,
        contentType,
        accept: "application/json",
        customAttributes: options,
        answer: undefined,
      };
      const outcome = await instance.run(invocation, AbortSignal.timeout(240_000));
      const refused = outcome.status === "failed" ? outcome.modelStatus : 200;
      const stored = objects.text(`s3://out/${key}`) ?? Buffer.from(invocation.answer?.body ?? "").toString("utf8");
      return { status: refused ?? 0, body: stored };
    },
    stop: () => instance.stop(),
  };
}

async function startRayServe(folder: string, artifact: string, aws: Emulator): Promise<Server> {
  const server = await RayServe.start({ folder, artifact, environment: variablesFor(aws) });
  await server.untilHealthy();
  return {
    async answer({ body, contentType, options }) {
      const { status, text } = await server.ask(body, {
        "Content-Type": contentType,
        Accept: "application/json",
        "X-Amzn-SageMaker-Custom-Attributes": options,
      });
      return { status, body: text };
    },
    stop: () => server.stop(),
  };
}

/** Addresses that processes listen on, as Linux's /proc/net prints them: in hexadecimal, with the bytes of each word reversed. */
async function listeningAddresses(pids: readonly number[]): Promise<Set<string>> {
  const sockets = new Set<string>();
  for (const pid of pids) {
    // A process may end meanwhile.
    for (const fd of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined) sockets.add(inode);
    }
  }
  const addresses = new Set<string>();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of (await readFile(`/proc/net/${table}`, "utf8")).trim().split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] === listening && sockets.has(fields[9] ?? "")) addresses.add(fields[1]?.split(":")[0] ?? "");
    }
  }
  return addresses;
}

/** Removes the times from a result; only they may differ. */
function withoutTimes(body: string): string {
  assert.match(body, /"timing":\{[^{}]*\}/);
  return body.replace(/"timing":\{[^{}]*\}/, '"timing":{}');
}

describe("The artifact in AWS's Ray Serve image", function () {
  this.timeout(600_000);
  let folder: string;
  let video: Buffer;
  let aws: Emulator;
  let etag: string | undefined;
  let servers: { readonly torchServe: Server; readonly rayServe: Server };

  const both = (request: Request): Promise<[torchServe: Answer, rayServe: Answer]> =>
    Promise.all([servers.torchServe.answer(request), servers.rayServe.answer(request)]);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ray-"));
    video = await readFile(join(repoRoot, "model", "samples", "street.mp4"));
    const artifact = join(folder, "model.tar.gz");
    await buildArtifact(artifact);
    const fleet = new FakeFleet();
    const sageMaker = { launcherFor: fleet.launcherFor.bind(fleet) };
    aws = await createEmulator({ port: 0, stateDir: join(folder, "aws"), ministackPython, servingPython, sageMaker });
    const s3 = new S3Client({ ...sdkConfig(aws, aws.credentials), forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: "videos" }));
    const object = { Bucket: "videos", Key: "input/street.mp4", Body: video };
    ({ ETag: etag } = await s3.send(new PutObjectCommand(object)));
    s3.destroy();
    const torchServe = await startTorchServe(join(folder, "t"), artifact, aws);
    try {
      servers = { torchServe, rayServe: await startRayServe(join(folder, "r"), artifact, aws) };
    } catch (error) {
      await torchServe.stop();
      throw error;
    }
  });
  after(async () => {
    const pids = await descendantsOf(process.pid);
    await Promise.all([servers.torchServe.stop(), servers.rayServe.stop()]);
    await aws.stop();
    assert.deepEqual(pids.filter(isAlive), []);
    await rm(folder, { recursive: true, force: true });
  });

  it("answers the sample video with the same bytes as TorchServe, except for times", async () => {
    const [torchServe, rayServe] = await both({
      body: video,
      contentType: "video/mp4",
      options: "fps=2;masks=rle",
    });
    assert.deepEqual([torchServe.status, rayServe.status], [200, 200]);
    assert.equal(rayServe.body.match(/"timestamp":/g)?.length, 24);
    assert.match(rayServe.body, /"mask":\{/);
    assert.equal(withoutTimes(rayServe.body), withoutTimes(torchServe.body));
  });

  it("refuses a body that is not a video like TorchServe, with a reason and no traceback", async () => {
    const [torchServe, rayServe] = await both({ body: Buffer.from("no video"), contentType: "video/mp4", options: "" });
    assert.equal(rayServe.status, 400);
    assert.deepEqual(rayServe, torchServe);
  });

  for (const [what, contentType, status, reason] of [
    ["for a video that it may not read", requestType, 403, /may not read s3:\/\/other/],
    ["of the type application/json", "application/json", 415, /request\+json, not application\/json/],
  ] as const) {
    it(`refuses a request object ${what} like TorchServe`, async () => {
      const body = Buffer.from(JSON.stringify({ video: "s3://other/a.mp4", etag: '"1"' }));
      const [torchServe, rayServe] = await both({ body, contentType, options: "" });
      assert.equal(rayServe.status, status);
      assert.match(rayServe.body, reason);
      assert.deepEqual(rayServe, torchServe);
    });
  }

  it("reads a video from S3, and answers with the same bytes as TorchServe and for the video itself", async () => {
    const body = Buffer.from(JSON.stringify({ video: "s3://videos/input/street.mp4", etag }));
    const [torchServe, rayServe] = await both({ body, contentType: requestType, options: "fps=2" });
    assert.deepEqual([torchServe.status, rayServe.status], [200, 200], rayServe.body);
    assert.equal(withoutTimes(rayServe.body), withoutTimes(torchServe.body));
    const sent = await servers.rayServe.answer({ body: video, contentType: "video/mp4", options: "fps=2" });
    assert.equal(withoutTimes(rayServe.body), withoutTimes(sent.body));
  });

  it("reads a part of a video from S3", async () => {
    const body = Buffer.from(JSON.stringify({ video: "s3://videos/input/street.mp4", etag, from: 4, to: 8 }));
    const [torchServe, rayServe] = await both({ body, contentType: requestType, options: "fps=2" });
    assert.deepEqual([torchServe.status, rayServe.status], [200, 200], rayServe.body);
    assert.match(rayServe.body, /"part":\{"from":4(\.0)?,"to":8(\.0)?\}/);
    assert.equal(rayServe.body.match(/"timestamp":/g)?.length, 8);
    assert.equal(withoutTimes(rayServe.body), withoutTimes(torchServe.body));
  });

  it("refuses a video that has changed like TorchServe", async () => {
    const body = Buffer.from(JSON.stringify({ video: "s3://videos/input/street.mp4", etag: '"old"' }));
    const [torchServe, rayServe] = await both({ body, contentType: requestType, options: "" });
    assert.match(rayServe.body, /does not have the ETag .*Submit the video again/);
    assert.deepEqual(rayServe, torchServe);
  });

  it("answers more requests at a time than it has workers, each with the same result", async () => {
    const [one, two, three] = await Promise.all([
      both({ body: video, contentType: "video/mp4", options: "fps=1" }),
      both({ body: video, contentType: "video/mp4", options: "fps=1" }),
      both({ body: video, contentType: "video/mp4", options: "fps=1" }),
    ]);
    const results = [...one, ...two, ...three].map(({ body }) => withoutTimes(body));
    assert.equal(new Set(results).size, 1);
  });

  it("listens only on the loopback address", async () => {
    const addresses = await listeningAddresses(await descendantsOf(process.pid));
    assert.ok(addresses.size > 0);
    assert.deepEqual(
      [...addresses].filter((address) => !loopback.includes(address)),
      [],
    );
  });
});
