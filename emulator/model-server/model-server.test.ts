/** Tests how requests travel between S3 and a model server, with a plain HTTP server as the model. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import { FakeObjects } from "../testing/fake-aws.ts";
import type { Invocation } from "../services/sagemaker/invocation.ts";
import { ModelServer } from "./model-server.ts";

describe("A request to a model server", () => {
  let folder: string;
  let server: Server;
  let objects: FakeObjects;
  let instance: ModelServer;
  let asked: { headers: IncomingMessage["headers"]; body: Buffer }[];
  let answer: (response: ServerResponse, request: IncomingMessage) => void;
  let stopped: string[];
  let died: PromiseWithResolvers<string>;

  const invocation = (change: Partial<Invocation> = {}): Invocation => ({
    inferenceId: "job-1",
    receivedAt: 0,
    ttl: 60_000,
    timeout: 60_000,
    input: { bucket: "videos", key: "a.mp4" },
    inputLocation: "s3://videos/a.mp4",
    output: { bucket: "results", key: "a.out", kmsKeyId: undefined },
    failure: undefined,
    contentType: "video/mp4",
    accept: "application/json",
    customAttributes: "fps=2",
    answer: undefined,
    ...change,
  });
  const run = (given = invocation(), signal = new AbortController().signal) => instance.run(given, signal);

  beforeEach(async () => {
    asked = [];
    stopped = [];
    answer = (response) => {
      response.setHeader("Content-Type", "application/json");
      response.end('{"ok":true}');
    };
    server = createServer((request, response) => {
      void request
        .toArray()
        .then((chunks) => {
          asked.push({ headers: request.headers, body: Buffer.concat(chunks as Buffer[]) });
          answer(response, request);
        })
        // A request that breaks off.
        .catch(() => undefined);
    });
    folder = await mkdtemp(join(tmpdir(), "model-server-"));
    const socketPath = join(folder, "inference");
    server.listen(socketPath);
    await once(server, "listening");
    objects = new FakeObjects();
    objects.set("s3://videos/a.mp4", "a video");
    died = Promise.withResolvers<string>();
    instance = new ModelServer({
      server: {
        socket: { socketPath, token: "token" },
        process: {
          pid: 0,
          ended: died.promise,
          async stop() {
            await Promise.resolve();
            stopped.push("process");
          },
        },
      },
      objects,
      async cleanUp() {
        await Promise.resolve();
        stopped.push("folders");
      },
    });
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    await rm(folder, { recursive: true });
  });

  it("carries the object, its type and the caller's parameters", async () => {
    await run();
    assert.equal(asked.length, 1);
    const [{ headers, body } = { headers: {}, body: Buffer.of() }] = asked;
    assert.equal(body.toString(), "a video");
    assert.equal(headers["content-length"], "7");
    assert.equal(headers.authorization, "Bearer token");
    assert.equal(headers["content-type"], "video/mp4");
    assert.equal(headers.accept, "application/json");
    assert.equal(headers["x-amzn-sagemaker-custom-attributes"], "fps=2");
    assert.equal(headers["x-amzn-sagemaker-inference-id"], "job-1");
  });

  it("omits parameters that the caller did not set", async () => {
    await run(invocation({ contentType: undefined, accept: undefined, customAttributes: undefined }));
    const headers = asked[0]?.headers ?? {};
    for (const name of ["content-type", "accept", "x-amzn-sagemaker-custom-attributes"]) {
      assert.equal(headers[name], undefined);
    }
  });

  it("stores the answer in S3 with its type, and reports the duration of each step", async () => {
    const given = invocation({ output: { bucket: "results", key: "a.out", kmsKeyId: "key" } });
    const outcome = await run(given);
    assert.equal(outcome.status, "completed");
    assert.deepEqual(Object.keys(outcome.timings).sort(), ["download", "model", "upload"]);
    assert.deepEqual(objects.stored.get("s3://results/a.out"), {
      body: Buffer.from('{"ok":true}'),
      contentType: "application/json",
      kmsKeyId: "key",
    });
    assert.deepEqual(given.answer, { contentType: "application/json", body: Buffer.from('{"ok":true}') });
  });

  it("may be empty, and so may its answer", async () => {
    objects.set("s3://videos/a.mp4", "");
    answer = (response) => response.end();
    assert.equal((await run()).status, "completed");
    assert.equal(asked[0]?.body.byteLength, 0);
    assert.equal(objects.text("s3://results/a.out"), "");
  });

  it("may have a large answer, which is not kept in memory", async () => {
    const large = Buffer.alloc(5_000_000, "x");
    answer = (response) => response.end(large);
    const given = invocation();
    await run(given);
    assert.ok(objects.stored.get("s3://results/a.out")?.body.equals(large));
    assert.equal(given.answer?.body, undefined);
  });

  for (const [status, words] of [
    [400, "client error (400)"],
    [413, "client error (413)"],
    [500, "server error (500)"],
    [507, "server error (507)"],
  ] as const) {
    it(`fails with AWS's message and keeps the model's answer if the model answers ${status}`, async () => {
      answer = (response) => response.writeHead(status, { "Content-Type": "text/plain" }).end("not a video");
      const given = invocation();
      const outcome = await run(given);
      assert.ok(outcome.status === "failed");
      assert.equal(outcome.modelStatus, status);
      assert.equal(
        outcome.reason,
        `ClientError: Received ${words} from model. See the SageMaker Endpoint logs in your account for more information.`,
      );
      assert.deepEqual(given.answer, { contentType: "text/plain", body: Buffer.from("not a video") });
      assert.equal(objects.stored.has("s3://results/a.out"), false);
    });
  }

  it("fails with the status of a model that refuses before it has read everything", async () => {
    objects.set("s3://videos/a.mp4", Buffer.alloc(20_000_000));
    server.removeAllListeners("request");
    server.on("request", (request: IncomingMessage, response) => {
      response.writeHead(413, { Connection: "close" }).end("too large", () => {
        // As TorchServe does: the rest of the body is not read.
        setTimeout(() => request.socket.destroy(), 50);
      });
    });
    const outcome = await run();
    assert.ok(outcome.status === "failed");
    assert.equal(outcome.modelStatus, 413);
  });

  it("fails if the input does not exist", async () => {
    const outcome = await run(invocation({ input: { bucket: "videos", key: "none.mp4" } }));
    assert.ok(outcome.status === "failed");
    assert.equal(outcome.stage, "download");
    assert.match(outcome.reason, /there is no object at s3:\/\/videos\/none.mp4/);
    assert.deepEqual(asked, []);
  });

  it("fails if the answer cannot be written", async () => {
    objects.unwritable = "s3://results/";
    const outcome = await run();
    assert.ok(outcome.status === "failed");
    assert.equal(outcome.stage, "upload");
    assert.match(outcome.reason, /s3:\/\/results\/a.out: Access Denied/);
  });

  it("fails if the model ends during its answer, and leaves no partial result", async () => {
    answer = (response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("half");
      setTimeout(() => response.destroy(), 20);
    };
    const outcome = await run();
    assert.equal(outcome.status, "failed");
    assert.equal(objects.stored.has("s3://results/a.out"), false);
  });

  it("fails if there is no server", async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    const outcome = await run();
    assert.ok(outcome.status === "failed");
    assert.match(outcome.reason, /ENOENT|ECONNREFUSED/);
    folder = await mkdtemp(join(tmpdir(), "model-server-"));
    const socketPath = join(folder, "inference");
    server.listen(socketPath);
    await once(server, "listening");
  });

  it("ends soon when it is aborted", async () => {
    const closed = Promise.withResolvers<undefined>();
    answer = (response) => {
      response.on("close", () => {
        closed.resolve(undefined);
      });
    };
    const abort = new AbortController();
    const running = run(invocation(), abort.signal);
    while (asked.length === 0) await sleep(5);
    abort.abort();
    assert.equal((await running).status, "failed");
    await closed.promise;
  });

  for (const [when, cutOff] of [
    ["before it answers", (response: ServerResponse) => response.destroy()],
    [
      "in the middle of its answer",
      (response: ServerResponse) => {
        response.writeHead(200, { "Content-Length": "100" }).write("half");
        setTimeout(() => response.destroy(), 20);
      },
    ],
  ] as const) {
    it(`does not fail if the server ends ${when}: it lasts until the instance is stopped`, async () => {
      answer = (response) => {
        cutOff(response);
        setTimeout(() => {
          died.resolve("signal SIGKILL");
        }, 100);
      };
      const abort = new AbortController();
      let isOver = false;
      const running = run(invocation(), abort.signal).finally(() => (isOver = true));
      assert.equal(await instance.lost, "its model server has ended (signal SIGKILL)");
      await sleep(50);
      assert.equal(isOver, false);
      abort.abort();
      await running;
      assert.equal(objects.stored.has("s3://results/a.out"), false);
    });
  }

  it("is impossible after the instance is stopped: its processes, then its folders are removed", async () => {
    await Promise.all([instance.stop(), instance.stop()]);
    assert.deepEqual(stopped, ["process", "folders"]);
  });
});
