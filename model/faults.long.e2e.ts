/** Tests under the real TorchServe what callers and other requests notice of a worker that fails, dies or runs out of time. */

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { parseResult } from "../client/result.ts";
import { repoRoot } from "../tools/paths.mjs";
import { TorchServe, type Answer } from "../local/testing/torchserve.ts";

/** The values of max_side with which model/testing/faulty.py fails. */
const faults = { lostDevice: 101, littleMemory: 102, noMemory: 103, otherError: 104, slow: 105 } as const;

const workers = 2;
const refusal = z.strictObject({ error: z.string(), code: z.int() });

describe("The handler under TorchServe, when something fails", function () {
  this.timeout(600_000);
  let folder: string;
  let started: TorchServe | undefined;
  let server: TorchServe;
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
  /** Resolves when both workers serve again; one that has died is another process then. */
  const assertReplaced = async (before: readonly number[], replaced: number): Promise<void> => {
    // TorchServe says READY of a worker until it notices that it is gone.
    const limit = AbortSignal.timeout(120_000);
    for (;;) {
      await server.untilReady();
      const now = await server.workers();
      if (now.filter((pid) => !before.includes(pid)).length === replaced) return;
      await sleep(200, undefined, { signal: limit });
    }
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "faults-"));
    video = await readFile(join(repoRoot, "model", "samples", "street.mp4"));
    started = await TorchServe.start({ folder, workers, handler: join(repoRoot, "model", "testing", "faulty.py") });
    server = started;
  });
  after(async () => {
    await started?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("logs once per worker what the model runs on", async () => {
    const ready = (await readFile(server.logFile, "utf8")).match(/Model .* is ready on .*, precision .*, batch \d+\./g);
    assert.equal(ready?.length, workers);
  });

  it("looks at frames one at a time if memory runs out, and answers", async () => {
    assertAnswered(await ask(`max_side=${faults.littleMemory}`));
  });

  for (const [what, option, status, reason] of [
    ["memory that runs out again", faults.noMemory, 503, /^The server ran out of memory/],
    ["any other error", faults.otherError, 500, /^The handler failed on this request/],
  ] as const) {
    it(`answers ${what} with ${status} and one line, and the worker stays`, async () => {
      const before = await server.workers();
      const answer = await ask(`max_side=${option}`);
      assert.equal(answer.status, status, answer.text);
      assert.equal(answer.type, "application/json");
      const { error, code } = refusal.parse(JSON.parse(answer.text));
      assert.equal(code, status);
      assert.match(error, reason);
      assert.doesNotMatch(answer.text, /Traceback|secret|CUDA/);
      assertAnswered(await ask(""));
      assert.deepEqual(await server.workers(), before);
    });
  }

  it("replaces a worker that has lost its GPU, whose caller gets no traceback, and answers the next request", async () => {
    const before = await server.workers();
    const [lost, other] = await Promise.all([ask(`max_side=${faults.lostDevice}`), ask("")]);
    assert.ok(lost.status >= 500, lost.text);
    assert.doesNotMatch(lost.text, /Traceback|illegal memory access|\.py/);
    assertAnswered(other);
    assertAnswered(await ask(""));
    await assertReplaced(before, 1);
    assert.match(await readFile(server.logFile, "utf8"), /The GPU is lost to this worker/);
  });

  it("answers the other request and the next one when a worker is killed midway", async () => {
    const before = await server.workers();
    const options = `fps=0.25;max_side=${faults.slow}`;
    const asked = [ask(options), ask(options)];
    // Both workers look at their first frame, or are about to.
    await sleep(2_000);
    process.kill(before[0] ?? 0, "SIGKILL");
    const [killed, other] = (await Promise.all(asked)).sort((a, b) => b.status - a.status);
    assert.ok(killed !== undefined && other !== undefined);
    assert.ok(killed.status >= 500, killed.text);
    assert.doesNotMatch(killed.text, /Traceback/);
    assertAnswered(other, 3);
    assertAnswered(await ask(""));
    await assertReplaced(before, 1);
    const answers = await Promise.all([ask(""), ask("")]);
    for (const answer of answers) assertAnswered(answer);
  });

  it("answers at the deadline with the frames that it has found", async () => {
    const { status, text } = await ask(`max_side=${faults.slow};timeout=20`);
    assert.equal(status, 200, text);
    const result = parseResult(text, "street.mp4");
    assert.ok(result.truncated);
    // 10 of the 20 seconds are kept for the answer, and each frame takes 4.
    assert.ok(result.frames.length >= 1 && result.frames.length <= 3, String(result.frames.length));
  });

  it("refuses an option that it does not know with what is allowed, as an older handler refuses a newer client's", async () => {
    const { status, text } = await ask("fps=1;patience=900");
    assert.equal(status, 400);
    assert.match(refusal.parse(JSON.parse(text)).error, /^CustomAttributes: 'patience=900' is no option: allowed, .*timeout=/);
  });

  for (const type of [
    "application/json",
    "application/json; charset=utf-8",
    "text/csv",
    "text/plain",
    "application/x-npy",
    "application/octet-stream",
    "nonsense",
  ]) {
    it(`answers a video that is sent as ${type}`, async () => {
      assertAnswered(await ask("", { "Content-Type": type }));
    });
  }

  it("answers a video in a form's field named body, and refuses other forms with a reason", async () => {
    const send = async (field: string): Promise<Answer> => {
      const form = new FormData();
      form.set(field, new Blob([new Uint8Array(video)]), "street.mp4");
      const encoded = new Response(form);
      return await server.ask(new Uint8Array(await encoded.arrayBuffer()), {
        "Content-Type": encoded.headers.get("content-type") ?? "",
      });
    };
    assertAnswered(await send("body"));
    const { status, text } = await send("video");
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
