/** Tests when a model server counts as ready, with a plain HTTP server that answers as TorchServe does. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { LoadError, untilReady } from "./readiness.ts";

interface Worker {
  readonly status: string;
  readonly pid: number;
}

describe("A model server is ready", () => {
  let server: Server;
  let url: string;
  /** What one question after the other finds; the last answer stays. */
  let answers: { readonly ping: number; readonly workers?: readonly Worker[] }[];

  beforeEach(async () => {
    server = createServer((request, response) => {
      const answer = answers.length > 1 && request.url !== "/ping" ? answers.shift() : answers[0];
      if (request.url === "/ping") {
        const ping = answer?.ping ?? 500;
        if (ping !== 200 && answers.length > 1) answers.shift();
        response.writeHead(ping).end();
      } else response.end(JSON.stringify([{ minWorkers: 2, workers: answer?.workers ?? [] }]));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  const ready = (pid: number): Worker => ({ status: "READY", pid });
  const loading = (pid: number): Worker => ({ status: "UNLOADING", pid });

  it("once /ping answers 200 and every worker is READY", async () => {
    answers = [
      { ping: 500 },
      { ping: 200 },
      { ping: 200, workers: [ready(1)] },
      { ping: 200, workers: [ready(1), loading(2)] },
      { ping: 200, workers: [ready(1), ready(2)] },
    ];
    await untilReady(url, new AbortController().signal);
    assert.equal(answers.length, 1);
  });

  it("never, if its workers end again and again while they load the model", async () => {
    answers = Array.from({ length: 9 }, (_, index) => ({ ping: 200, workers: [loading(index + 1), loading(-1)] }));
    await assert.rejects(untilReady(url, new AbortController().signal), LoadError);
  });

  it("or given up with the caller's reason, also while it does not answer at all", async () => {
    server.removeAllListeners("request");
    const reason = new Error("took too long");
    const abort = new AbortController();
    setTimeout(() => {
      abort.abort(reason);
    }, 50);
    await assert.rejects(
      untilReady(url, abort.signal),
      (error: unknown) => error === reason || (error as Error).cause === reason,
    );
  });
});
