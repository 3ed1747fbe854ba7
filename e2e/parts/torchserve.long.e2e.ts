/** Tests the handler under the real serving stack (TorchServe with SageMaker's toolkit) with every sample video and every bad file. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { z } from "zod";
import { inParallel } from "../../client/src/parallel.ts";
import { parseResult } from "../../client/src/result.ts";
import { repoRoot, servingPython } from "../../tools/paths.mjs";
import { TorchServe } from "../../emulator/testing/torchserve.ts";
import type { Answer } from "../../emulator/testing/torchserve.ts";

const run = promisify(execFile);

/** Number of concurrent requests, and of workers. */
const concurrency = 2;

/** Schema of the list of files that `python -m videos` writes. */
const sampleList = z.array(
  z.discriminatedUnion("kind", [
    z.object({
      kind: z.literal("good"),
      file: z.string(),
      about: z.string(),
      bytes: z.number(),
      truncated: z.boolean(),
    }),
    z.object({ kind: z.literal("bad"), file: z.string(), about: z.string(), bytes: z.number(), reason: z.string() }),
  ]),
);
const refusal = z.strictObject({ error: z.string(), code: z.int() });

describe("The handler under TorchServe", function () {
  this.timeout(600_000);
  let folder: string;
  let server: TorchServe | undefined;
  let samples: z.infer<typeof sampleList>;

  const send = async (file: string): Promise<Answer> => {
    assert.ok(server !== undefined);
    const body = await readFile(join(folder, "samples", file));
    return await server.ask(body, { "Content-Type": "video/mp4", Accept: "application/json" });
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "serving-"));
    await run(servingPython, ["-m", "videos", "--out", join(folder, "samples")], { cwd: join(repoRoot, "model") });
    samples = sampleList.parse(JSON.parse(await readFile(join(folder, "samples", "list.json"), "utf8")));
    server = await TorchServe.start({ folder, workers: concurrency });
  });
  after(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("answers every sample video with a valid result, two at a time", async () => {
    const good = samples.filter((sample) => sample.kind === "good");
    assert.ok(good.length >= 30);
    await inParallel(good, concurrency, async (sample) => {
      const { status, type, text } = await send(sample.file);
      assert.equal(status, 200, `${sample.file}: ${text}`);
      assert.equal(type, "application/json", sample.file);
      const result = parseResult(text, sample.file);
      assert.equal(result.truncated, sample.truncated, sample.file);
      for (const [second, { timestamp }] of result.frames.entries()) {
        // Samples with a variable frame rate have at least 5 frames per second, all others at least 10.
        assert.ok(Math.abs(timestamp - second) <= 0.11, `${sample.file}: frame ${second} is at ${timestamp} s`);
      }
    });
  });

  it("refuses every bad file in one line, and keeps its workers", async () => {
    const bad = samples.filter((sample) => sample.kind === "bad");
    const [good] = samples.filter((sample) => sample.kind === "good");
    assert.ok(bad.length >= 15 && good !== undefined);
    const before = await server?.workers();
    assert.equal(before?.length, concurrency);
    await inParallel(bad, concurrency, async ({ file, reason }) => {
      const { status, type, text } = await send(file);
      assert.ok(status >= 400 && status < 500, `${file}: status ${status}: ${text}`);
      assert.equal(type, "application/json", file);
      const { error, code } = refusal.parse(JSON.parse(text));
      assert.equal(code, status, file);
      assert.match(error, new RegExp(reason, "i"), file);
      assert.doesNotMatch(error, /\n|Traceback/, file);

      const next = await send(good.file);
      assert.equal(next.status, 200, `after ${file}: ${next.text}`);
      parseResult(next.text, good.file);
    });
    // TorchServe would have replaced a dead worker with another process.
    assert.deepEqual(await server?.workers(), before);
    assert.doesNotMatch(await readFile(server?.logFile ?? "", "utf8"), /Traceback|Worker died|WORKER_ERROR/);
  });

  it("is measured by the benchmark with larger bodies", async () => {
    const { stdout } = await run(process.execPath, [
      join(repoRoot, "emulator", "testing", "body-seconds.ts"),
      "1",
      "8",
    ]);
    const seconds = z.record(z.string(), z.number()).parse(JSON.parse(stdout));
    assert.deepEqual(Object.keys(seconds), ["1", "8"]);
    assert.ok(Object.values(seconds).every((each) => each > 0));
  });
});
