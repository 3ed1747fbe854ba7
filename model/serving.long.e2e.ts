/** Tests the handler under the real serving stack, TorchServe with SageMaker's toolkit: every sample video, every bad file. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { extract } from "tar";
import { z } from "zod";
import { inParallel } from "../client/parallel.ts";
import { parseResult } from "../client/result.ts";
import { containerEnvironment } from "../local/model-server/environment.ts";
import { get, invoke } from "../local/model-server/http.ts";
import { untilReady, type ServerSockets } from "../local/model-server/readiness.ts";
import { startGuarded, type GuardedProcess } from "../local/processes/guarded.ts";
import { freePorts } from "../local/processes/ports.ts";
import { repoRoot, servingPython } from "../tools/paths.mjs";

const run = promisify(execFile);
const room = fileURLToPath(new URL(".", import.meta.url));
const starter = join(repoRoot, "local", "model-server", "start.py");

/** Requests that are under way at any time, and workers that take them. */
const atOnce = 2;

/** What `python -m videos` says of the files that it has written. */
const sampleList = z.array(
  z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("good"), file: z.string(), about: z.string(), bytes: z.number(), truncated: z.boolean() }),
    z.object({ kind: z.literal("bad"), file: z.string(), about: z.string(), bytes: z.number(), reason: z.string() }),
  ]),
);
const modelDescription = z.array(z.object({ workers: z.array(z.object({ pid: z.number(), status: z.string() })) }));
const refusal = z.strictObject({ error: z.string() });

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
}

describe("The handler under TorchServe", function () {
  this.timeout(600_000);
  let folder: string;
  let server: GuardedProcess | undefined;
  let sockets: ServerSockets;
  let logFile: string;
  let samples: z.infer<typeof sampleList>;

  const ask = async (file: string): Promise<Answer> => {
    const body = await readFile(join(folder, "samples", file));
    const response = await invoke(sockets.inference, {
      headers: { "Content-Type": "video/mp4", Accept: "application/json" },
      body: Readable.from([body]),
      size: body.byteLength,
      signal: AbortSignal.timeout(300_000),
      onSent: () => undefined,
    });
    return { status: response.status, type: response.contentType, text: await text(response.body) };
  };
  const workers = async (): Promise<number[]> => {
    const [, answer] = await get(sockets.management, "/models/model", AbortSignal.timeout(10_000));
    const [model] = modelDescription.parse(JSON.parse(answer));
    return (model?.workers ?? []).map(({ pid }) => pid).sort((a, b) => a - b);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "serving-"));
    const artifact = join(folder, "model.tar.gz");
    await run(servingPython, ["-m", "videos", "--out", join(folder, "samples")], { cwd: room });
    await run(servingPython, [join(room, "package.py"), "--weights", "small", "--out", artifact]);
    samples = sampleList.parse(JSON.parse(await readFile(join(folder, "samples", "list.json"), "utf8")));

    const base = join(folder, "instance");
    const temporary = join(folder, "tmp");
    const model = join(base, "ml", "model");
    await mkdir(model, { recursive: true });
    await mkdir(temporary);
    await extract({ file: artifact, cwd: model, strict: true });
    const ports = await freePorts(2);
    logFile = join(folder, "server.log");
    server = await startGuarded({
      python: servingPython,
      command: [servingPython, starter, base, temporary, ...ports.map(String)],
      env: containerEnvironment(base, "us-east-1", {
        SAGEMAKER_MODEL_SERVER_WORKERS: String(atOnce),
        TS_DEFAULT_RESPONSE_TIMEOUT: "300",
      }),
      cwd: base,
      logFile,
      grace: 30_000,
    });
    sockets = await untilReady({ base, temporary }, AbortSignal.timeout(240_000));
  });
  after(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("answers every sample video as the schema says, two at a time", async () => {
    const good = samples.filter((sample) => sample.kind === "good");
    assert.ok(good.length >= 30);
    await inParallel(good, atOnce, async (sample) => {
      const { status, type, text } = await ask(sample.file);
      assert.equal(status, 200, `${sample.file}: ${text}`);
      assert.equal(type, "application/json", sample.file);
      const result = parseResult(text, sample.file);
      assert.equal(result.truncated, sample.truncated, sample.file);
      for (const [asked, { timestamp }] of result.frames.entries()) {
        // No sample but the changing ones has fewer than 10 frames a second; those have at least 5.
        assert.ok(Math.abs(timestamp - asked) <= 0.11, `${sample.file}: frame ${asked} is at ${timestamp} s`);
      }
    });
  });

  it("refuses every bad file in one line, and the same workers go on serving", async () => {
    const bad = samples.filter((sample) => sample.kind === "bad");
    const [good] = samples.filter((sample) => sample.kind === "good");
    assert.ok(bad.length >= 15 && good !== undefined);
    const before = await workers();
    assert.equal(before.length, atOnce);
    await inParallel(bad, atOnce, async ({ file, reason }) => {
      const { status, type, text } = await ask(file);
      assert.ok(status >= 400 && status < 500, `${file}: status ${status}: ${text}`);
      assert.equal(type, "application/json", file);
      const { error } = refusal.parse(JSON.parse(text));
      assert.match(error, new RegExp(reason, "i"), file);
      assert.doesNotMatch(error, /\n|Traceback/, file);

      const next = await ask(good.file);
      assert.equal(next.status, 200, `after ${file}: ${next.text}`);
      parseResult(next.text, good.file);
    });
    // TorchServe replaces a worker that dies, with another process.
    assert.deepEqual(await workers(), before);
    assert.doesNotMatch(await readFile(logFile, "utf8"), /Traceback|Worker died|WORKER_ERROR/);
  });
});
