/** Tests `local wait` against a server in place of the emulator's page. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { afterEach, beforeEach, describe, it } from "mocha";
import { runCommandLine } from "../../lib/command-line.ts";
import { UserError } from "../../lib/errors.ts";
import { waitCommand, waitUntil } from "./wait.ts";

const credentials = { accessKeyId: "AKIA", secretAccessKey: "secret" };
const until = new Date("2026-07-01T08:00:00Z");

describe("waitUntil", () => {
  let server: Server;
  let asked: unknown[];
  /** Times that the page answers; the last one repeats. */
  let times: string[];

  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      void json(request).then((body) => {
        asked.push([request.url, body]);
        response.end(JSON.stringify({ now: times.length > 1 ? times.shift() : times[0] }));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const wait = (limitSeconds: number, signal = new AbortController().signal) => {
    const { port } = server.address() as AddressInfo;
    const ready = { url: `http://127.0.0.1:${port}`, region: "us-east-1", credentials };
    return waitUntil(ready, until, { limitSeconds, signal });
  };

  it("asks the emulator for the moment until it has come", async () => {
    times = ["2026-07-01T07:00:00.000Z", "2026-07-01T07:59:59.999Z", "2026-07-01T08:00:00.000Z"];
    await wait(30);
    assert.deepEqual(asked, Array(3).fill(["/_local/await", { until: "2026-07-01T08:00:00.000Z" }]));
  });

  it("ends at once after an abort, while the emulator does not answer", async () => {
    const stop = new AbortController();
    const interrupted = new Error("interrupted");
    server.removeAllListeners("request").once("request", () => {
      stop.abort(interrupted);
    });
    const before = performance.now();
    await assert.rejects(wait(30, stop.signal), (error) => error === interrupted);
    assert.ok(performance.now() - before < 15_000);
  });

  it("says what the clock shows at the limit, and how to go further", async () => {
    times = ["2026-07-01T07:00:00.000Z"];
    await assert.rejects(wait(0.3), (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /shows 2026-07-01T07:00:00.000Z, not 2026-07-01T08.*Wait again/);
      return true;
    });
  });
});

describe("local wait", () => {
  const dates = ["2026-13-01T08:00:00Z", "2026-02-30T08:00:00Z", "2026-07-01T24:00Z"];
  for (const time of ["8:00", "2026-07-01", "2026-07-01T08:00:00", ...dates]) {
    it(`refuses ${time}`, async () => {
      let stderr = "";
      const status = await runCommandLine(waitCommand, ["--until", time], {
        stdin: process.stdin,
        stdout: { write: () => undefined },
        stderr: { write: (text) => (stderr += text) },
        environment: {},
        signal: new AbortController().signal,
      });
      assert.equal(status, 2);
      assert.match(stderr, /--until/);
    });
  }
});
