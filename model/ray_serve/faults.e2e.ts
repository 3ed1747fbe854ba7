/** Tests under the real Ray Serve what callers and SageMaker notice of a worker that fails, dies, or cannot load the model. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { z } from "zod";
import { parseResult } from "../../client/result.ts";
import { RayServe } from "../../local/testing/ray-serve.ts";
import type { Answer } from "../../local/testing/torchserve.ts";
import { repoRoot, servingPython } from "../../tools/paths.mjs";

/** The values of max_side with which model/testing/faulty.py fails. */
const faults = { lostDevice: 101, littleMemory: 102, noMemory: 103, otherError: 104, slow: 105 } as const;

const run = promisify(execFile);
const refusal = z.strictObject({ error: z.string(), code: z.int() });

async function pack(folder: string): Promise<string> {
  const artifact = join(folder, "model.tar.gz");
  await run(servingPython, [join(repoRoot, "model", "package.py"), "--weights", "small", "--out", artifact]);
  return artifact;
}

describe("The handler under Ray Serve, when something fails", function () {
  this.timeout(600_000);
  let folder: string;
  let started: RayServe | undefined;
  let server: RayServe;
  let video: Buffer;

  const ask = (options: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    server.ask(video, {
      "Content-Type": "video/mp4",
      Accept: "application/json",
      "X-Amzn-SageMaker-Custom-Attributes": options,
      ...headers,
    });
  const assertAnswered = ({ status, text }: Answer, frames = 12): void => {
    assert.equal(status, 200, text);
    assert.equal(parseResult(text, "street.mp4").frames.length, frames);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ray-"));
    video = await readFile(join(repoRoot, "model", "samples", "street.mp4"));
    started = await RayServe.start({
      folder,
      artifact: await pack(folder),
      environment: { SAGEMAKER_MODEL_SERVER_WORKERS: "2", RAY_DEDUP_LOGS: "0" },
      standIn: join(repoRoot, "model", "testing", "faulty.py"),
    });
    server = started;
    await server.untilHealthy();
  });
  after(async () => {
    await started?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("logs what the model runs on", async () => {
    assertAnswered(await ask(""));
    assert.match(await server.log(), /Model .* is ready on .*, precision .*, batch \d+\./);
  });

  it("looks at frames one at a time if memory runs out, and answers", async () => {
    assertAnswered(await ask(`max_side=${faults.littleMemory}`));
  });

  for (const [what, option, status, reason] of [
    ["memory that runs out again", faults.noMemory, 503, /^The server ran out of memory/],
    ["any other error", faults.otherError, 500, /^The handler failed on this request/],
  ] as const) {
    it(`answers ${what} with ${status} and one line`, async () => {
      const answer = await ask(`max_side=${option}`);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.type, "application/json");
      const { error, code } = refusal.parse(JSON.parse(answer.text));
      assert.equal(code, status);
      assert.match(error, reason);
      assert.doesNotMatch(answer.text, /Traceback|secret|CUDA/);
      assertAnswered(await ask(""));
    });
  }

  it("replaces a worker that has lost its GPU, whose caller gets no traceback, and answers the other requests", async () => {
    const [lost, other] = await Promise.all([ask(`max_side=${faults.lostDevice}`), ask("")]);
    assert.ok(lost.status >= 500, lost.text);
    assert.doesNotMatch(lost.text, /Traceback|illegal memory access|\.py/);
    assertAnswered(other);
    assertAnswered(await ask(""));
    const log = await server.log();
    assert.match(log, /The GPU is lost to this worker/);
    // Two at a time again, each four seconds.
    const slow = `fps=0.25;max_side=${faults.slow}`;
    await server.until("a second worker has started in place of the lost one", async () => {
      const from = performance.now();
      const answers = await Promise.all([ask(slow), ask(slow)]);
      for (const answer of answers) assertAnswered(answer, 3);
      return performance.now() - from < 20_000;
    });
  });

  it("answers at the deadline with the frames that it has found", async () => {
    const { status, text } = await ask(`max_side=${faults.slow};timeout=20`);
    assert.equal(status, 200, text);
    const result = parseResult(text, "street.mp4");
    assert.ok(result.truncated);
    assert.equal(result.truncation?.reason, "deadline");
    // 10 of the 20 seconds are kept for the answer, and each frame takes 4.
    assert.ok(result.frames.length >= 1 && result.frames.length <= 3, String(result.frames.length));
  });

  it("refuses an option that it does not know with the allowed ones", async () => {
    const { status, text } = await ask("fps=1;patience=900");
    assert.equal(status, 400);
    assert.match(refusal.parse(JSON.parse(text)).error, /^CustomAttributes: 'patience=900' is no option: allowed, .*timeout=/);
  });

  for (const type of ["application/json", "text/csv", "text/plain", "application/octet-stream", "nonsense"]) {
    it(`answers a video that is sent as ${type}`, async () => {
      assertAnswered(await ask("", { "Content-Type": type }));
    });
  }

  it("refuses forms with a reason", async () => {
    const form = new FormData();
    form.set("body", new Blob([new Uint8Array(video)]), "street.mp4");
    const encoded = new Response(form);
    const { status, text } = await server.ask(new Uint8Array(await encoded.arrayBuffer()), {
      "Content-Type": encoded.headers.get("content-type") ?? "",
    });
    assert.equal(status, 400);
    assert.match(refusal.parse(JSON.parse(text)).error, /^The body is a form: /);
  });

  it("finds headers however their names are spelled", async () => {
    for (const name of ["X-Amzn-Sagemaker-Custom-Attributes", "X-AMZN-SAGEMAKER-CUSTOM-ATTRIBUTES"]) {
      assertAnswered(await server.ask(video, { "Content-Type": "video/mp4", [name]: "fps=0.25" }), 3);
    }
    const lines = await server.ask(video, { "content-type": "video/mp4", ACCEPT: "application/x-ndjson" });
    assert.equal(lines.type, "application/x-ndjson");
    assert.equal(lines.text.trim().split("\n").length, 12 + 2);
  });
});

describe("The handler under Ray Serve, without a GPU that it requires", function () {
  this.timeout(600_000);
  let folder: string;
  let started: RayServe | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ray-"));
  });
  after(async () => {
    await started?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("serves nothing, says why in one line, and is never healthy", async () => {
    const environment = { SAGEMAKER_MODEL_SERVER_WORKERS: "2", REQUIRE_GPU: "1" };
    const server = await RayServe.start({ folder, artifact: await pack(folder), environment });
    started = server;
    const reason = "The model does not load, so nothing is served: HardwareError: REQUIRE_GPU is 1, but CUDA cannot use ";
    await server.until("the log says why", async () => {
      assert.equal(await server.isHealthy(), false);
      return (await server.log()).includes(reason);
    });
    // Ray has retried a replica that fails to start several times by then.
    const end = performance.now() + 20_000;
    while (performance.now() < end) {
      assert.equal(await server.isHealthy(), false);
      await sleep(500);
    }
  });
});
