/** Tests the emulator while MiniStack is still starting, or if it does not start. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateModelCommand, ListEndpointsCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { servingPython } from "../tools/paths.mjs";
import { createEmulator } from "./emulator.ts";
import type { Emulator } from "./emulator.ts";
import { failing, failure, pythonThatFirst, untilThereIs } from "./testing/delayed-ministack.ts";
import { descendantsOf, isAlive } from "../lib/testing/processes.ts";
import { goodModel } from "./testing/sagemaker-fixture.ts";
import { sdkConfig, signed } from "./testing/test-gateway.ts";

describe("The emulator before MiniStack is ready", function () {
  this.timeout(60_000);
  let folder: string;
  let go: string;
  let aws: Emulator;
  let family: number[];

  /** Starts it with a MiniStack that runs a shell script first. */
  const start = async (script: string): Promise<void> => {
    const before = new Set(await descendantsOf(process.pid));
    const ministackPython = await pythonThatFirst(script, folder);
    aws = await createEmulator({ port: 0, stateDir: join(folder, "aws"), ministackPython, servingPython });
    family = (await descendantsOf(process.pid)).filter((pid) => !before.has(pid));
    assert.ok(family.length > 0, "MiniStack is being started");
  };
  const config = () => sdkConfig(aws, aws.credentials);
  const callS3 = async (path: string, signal?: AbortSignal): Promise<Response> => {
    const request = await signed(`${aws.url}${path}`, { service: "s3", credentials: aws.credentials });
    return await fetch(`${aws.url}${path}`, { ...request, ...(signal === undefined ? {} : { signal }) });
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "late-"));
    go = join(folder, "go");
  });
  afterEach(async () => {
    await aws.stop();
    assert.deepEqual(family.filter(isAlive), []);
    await rm(folder, { recursive: true, force: true });
  });

  it("serves SageMaker at once, and answers requests for MiniStack when it is ready", async () => {
    await start(untilThereIs(go));
    const [s3, sts, sagemaker] = [new S3Client(config()), new STSClient(config()), new SageMakerClient(config())];
    assert.deepEqual((await sagemaker.send(new ListEndpointsCommand({}))).Endpoints, []);
    const Body = "x".repeat(2 ** 20);
    let answered = 0;
    const waiting = [
      s3.send(new CreateBucketCommand({ Bucket: "videos" })),
      sts.send(new GetCallerIdentityCommand({})),
      // SageMaker assumes the execution role.
      assert.rejects(sagemaker.send(new CreateModelCommand(goodModel)), /Could not assume role/),
      // The gateway reads the bucket's CORS configuration.
      fetch(`${aws.url}/videos/a`, { headers: { origin: "http://page.example" } }).then(({ status }) => {
        assert.equal(status, 403);
      }),
    ].map(async (answer) => {
      await answer;
      answered++;
    });
    const leaves = new AbortController();
    const left = assert.rejects(callS3("/videos/left", leaves.signal), { name: "AbortError" });
    await sleep(300);
    leaves.abort();
    await left;
    assert.equal(answered, 0);
    await writeFile(go, "");
    await Promise.all(waiting);
    await s3.send(new PutObjectCommand({ Bucket: "videos", Key: "a", Body }));
    const { Body: stored } = await s3.send(new GetObjectCommand({ Bucket: "videos", Key: "a" }));
    assert.equal(await text(stored as NodeJS.ReadableStream), Body);
    for (const client of [s3, sts, sagemaker]) client.destroy();
  });

  it("answers with the end of MiniStack's log if it does not start", async () => {
    await start(`${untilThereIs(go)}\n${failing}`);
    const early = callS3("/videos/a");
    await writeFile(go, "");
    for (const answer of [await early, await callS3("/videos/a")]) {
      assert.equal(answer.status, 503);
      assert.match((await answer.text()).replaceAll("&#xA;", "\n"), failure);
    }
    assert.match((await aws.broken).message, failure);
    assert.deepEqual(family.filter(isAlive), []);
  });

  it("leaves no process if it is stopped", async () => {
    await start("exec sleep 600");
    const early = assert.rejects(callS3("/videos/a"));
    await aws.stop();
    await early;
  });
});
