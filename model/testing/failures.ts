/** Tests of a server whose network fails on request (faulty.py), shared by TorchServe and Ray Serve. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { it } from "mocha";
import { z } from "zod";
import { parseResult } from "../../client/src/result.ts";
import type { Answer } from "../../emulator/testing/torchserve.ts";
import { repoRoot } from "../../tools/paths.mjs";

/** Path of the handler with a network that fails on request. */
export const faultyHandler = join(repoRoot, "model", "testing", "faulty.py");

/** Values of max_side that make faulty.py fail. */
export const faults = { lostDevice: 101, littleMemory: 102, noMemory: 103, otherError: 104, slow: 105 } as const;

const refusal = z.strictObject({ error: z.string(), code: z.int() });

type Headers = Readonly<Record<string, string>>;

/** A running server of the faulty handler with two workers. */
export interface FaultyServer {
  /** Sends a body. Does not change the spelling of header names. */
  ask(body: Uint8Array, headers: Headers): Promise<Answer>;
  /** Returns everything that the server has logged so far. */
  log(): Promise<string>;
  /** Returns the process ids of the workers. */
  workers(): Promise<number[]>;
  /** Resolves when another process has replaced exactly one of these workers. */
  untilReplaced(before: readonly number[]): Promise<void>;
}

/** Sends requests about the sample video to a server. */
export class Caller {
  readonly #server: FaultyServer;
  readonly #video: Buffer;

  private constructor(server: FaultyServer, video: Buffer) {
    this.#server = server;
    this.#video = video;
  }

  static async of(server: FaultyServer): Promise<Caller> {
    return new Caller(server, await readFile(join(repoRoot, "model", "samples", "street.mp4")));
  }

  /** Sends the video with CustomAttributes and, if given, other headers. */
  ask(options: string, headers: Headers = {}): Promise<Answer> {
    return this.send({
      "Content-Type": "video/mp4",
      Accept: "application/json",
      "X-Amzn-SageMaker-Custom-Attributes": options,
      ...headers,
    });
  }

  /** Sends the video with these headers only. */
  send(headers: Headers): Promise<Answer> {
    return this.#server.ask(this.#video, headers);
  }

  /** Sends the video in a field of a form. */
  async sendForm(field: string): Promise<Answer> {
    const form = new FormData();
    form.set(field, new Blob([new Uint8Array(this.#video)]), "street.mp4");
    const encoded = new Response(form);
    return await this.#server.ask(new Uint8Array(await encoded.arrayBuffer()), {
      "Content-Type": encoded.headers.get("content-type") ?? "",
    });
  }
}

/** Checks that a request about the sample video is answered with a result. */
export function assertAnswered({ status, text }: Answer, frames = 12): void {
  assert.equal(status, 200, text);
  assert.equal(parseResult(text, "street.mp4").frames.length, frames);
}

/** Checks that a request is answered with an error in one line of JSON. */
export function assertRefused({ status, type, text }: Answer, expected: number, reason: RegExp): void {
  assert.equal(status, expected, text);
  assert.equal(type, "application/json");
  const { error, code } = refusal.parse(JSON.parse(text));
  assert.equal(code, expected);
  assert.match(error, reason);
  assert.doesNotMatch(text, /Traceback|secret|CUDA/);
}

/** Defines the tests in the current suite. A test calls both functions when it runs. */
export function testFailures(server: () => FaultyServer, caller: () => Caller): void {
  it("processes frames one at a time if memory runs out, and answers", async () => {
    assertAnswered(await caller().ask(`max_side=${faults.littleMemory}`));
  });

  for (const [what, option, status, reason] of [
    ["memory that runs out with single frames", faults.noMemory, 503, /^The server ran out of memory/],
    ["any other error", faults.otherError, 500, /^The handler failed on this request/],
  ] as const) {
    it(`answers ${what} with ${status} and one line, and keeps the worker`, async () => {
      const before = await server().workers();
      assert.equal(before.length, 2);
      assertRefused(await caller().ask(`max_side=${option}`), status, reason);
      assertAnswered(await caller().ask(""));
      assert.deepEqual(await server().workers(), before);
    });
  }

  it("replaces a worker that has lost its GPU, hides the traceback, and answers the other requests", async () => {
    const before = await server().workers();
    const [lost, other] = await Promise.all([caller().ask(`max_side=${faults.lostDevice}`), caller().ask("")]);
    assert.ok(lost.status >= 500, lost.text);
    assert.doesNotMatch(lost.text, /Traceback|illegal memory access|\.py/);
    assertAnswered(other);
    assertAnswered(await caller().ask(""));
    await server().untilReplaced(before);
    assert.match(await server().log(), /The GPU is lost to this worker/);
  });

  it("answers the other request and the next one after a worker is killed midway", async () => {
    // Each request takes 3 frames of 4 s. The first two ensure that both workers have loaded the model.
    const options = `fps=0.25;max_side=${faults.slow}`;
    for (const answer of await Promise.all([caller().ask(options), caller().ask(options)])) assertAnswered(answer, 3);
    const before = await server().workers();
    const asked = [caller().ask(options), caller().ask(options)];
    // Both workers process their first frame, or are about to.
    await sleep(2_000);
    process.kill(before[0] ?? 0, "SIGKILL");
    const [killed, other] = (await Promise.all(asked)).sort((a, b) => b.status - a.status);
    assert.ok(killed !== undefined && other !== undefined);
    assert.ok(killed.status >= 500, killed.text);
    assert.doesNotMatch(killed.text, /Traceback/);
    assertAnswered(other, 3);
    assertAnswered(await caller().ask(""));
    await server().untilReplaced(before);
    for (const answer of await Promise.all([caller().ask(""), caller().ask("")])) assertAnswered(answer);
  });

  it("answers at the deadline with the frames that it has processed", async () => {
    const { status, text } = await caller().ask(`max_side=${faults.slow};timeout=20`);
    assert.equal(status, 200, text);
    const result = parseResult(text, "street.mp4");
    assert.ok(result.truncated);
    assert.equal(result.truncation?.reason, "deadline");
    // 10 of the 20 seconds are the margin for the answer, and each frame takes 4.
    assert.ok(result.frames.length >= 1 && result.frames.length <= 3, String(result.frames.length));
  });

  it("refuses an unknown option and lists the allowed ones, as an older handler does for a newer client", async () => {
    const answer = await caller().ask("fps=1;patience=900");
    assertRefused(answer, 400, /^CustomAttributes: 'patience=900' is no option: allowed, .*timeout=/);
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
      assertAnswered(await caller().ask("", { "Content-Type": type }));
    });
  }

  it("finds headers with any spelling of their names", async () => {
    for (const name of ["X-Amzn-Sagemaker-Custom-Attributes", "X-AMZN-SAGEMAKER-CUSTOM-ATTRIBUTES"]) {
      assertAnswered(await caller().send({ "Content-Type": "video/mp4", [name]: "fps=0.25" }), 3);
    }
    const lines = await caller().send({ "content-type": "video/mp4", ACCEPT: "application/x-ndjson" });
    assert.equal(lines.type, "application/x-ndjson");
    assert.equal(lines.text.trim().split("\n").length, 12 + 2);
  });
}
