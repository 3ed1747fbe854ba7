/** Tests when a model server counts as ready, with a plain HTTP server that answers as TorchServe does. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { LoadError, untilReady } from "./readiness.ts";
import type { ServerPlace } from "./readiness.ts";

interface Worker {
  readonly status: string;
  readonly pid: number;
}

describe("The wait for a model server", () => {
  let servers: Server[];
  let folder: string;
  let place: ServerPlace;
  /** Answers to consecutive questions; the last one is repeated. */
  let answers: { readonly ping: number; readonly workers?: readonly Worker[] }[];

  beforeEach(async () => {
    const answerAs = (token: string) => (request: IncomingMessage, response: ServerResponse) => {
      if (request.headers.authorization !== `Bearer ${token}`) {
        response.writeHead(403).end();
        return;
      }
      const answer = answers.length > 1 && request.url !== "/ping" ? answers.shift() : answers[0];
      if (request.url === "/ping") {
        const ping = answer?.ping ?? 500;
        if (ping !== 200 && answers.length > 1) answers.shift();
        response.writeHead(ping).end();
      } else response.end(JSON.stringify([{ minWorkers: 2, workers: answer?.workers ?? [] }]));
    };
    folder = await mkdtemp(join(tmpdir(), "readiness-"));
    place = { base: folder, temporary: folder };
    servers = [];
    for (const name of ["inference", "management"]) {
      const server = createServer(answerAs(`${name} token`));
      server.listen(join(folder, name));
      await once(server, "listening");
      servers.push(server);
    }
    await writeTokens("inference token");
  });
  afterEach(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
    await rm(folder, { recursive: true });
  });

  const writeTokens = async (inference: string): Promise<void> => {
    const keys = { inference: { key: inference }, management: { key: "management token" }, API: { key: "unused" } };
    await writeFile(join(folder, "key_file.json"), JSON.stringify(keys));
  };

  const ready = (pid: number): Worker => ({ status: "READY", pid });
  const loading = (pid: number): Worker => ({ status: "UNLOADING", pid });

  it("ends when /ping answers 200 and every worker is READY", async () => {
    answers = [
      { ping: 500 },
      { ping: 200 },
      { ping: 200, workers: [ready(1)] },
      { ping: 200, workers: [ready(1), loading(2)] },
      { ping: 200, workers: [ready(1), ready(2)] },
    ];
    await untilReady(place, new AbortController().signal);
    assert.equal(answers.length, 1);
  });

  it("ends when the server accepts the tokens that it has written, not those of an earlier server in its folder", async () => {
    answers = [{ ping: 200, workers: [ready(1), ready(2)] }];
    await writeTokens("an earlier token");
    setTimeout(() => void writeTokens("inference token"), 50);
    const { inference } = await untilReady(place, new AbortController().signal);
    assert.deepEqual(inference, { socketPath: join(folder, "inference"), token: "inference token" });
  });

  it("fails if workers end repeatedly while they load the model", async () => {
    answers = Array.from({ length: 9 }, (_, index) => ({ ping: 200, workers: [loading(index + 1), loading(-1)] }));
    await assert.rejects(untilReady(place, new AbortController().signal), LoadError);
  });

  it("fails with the caller's reason, also if the server does not answer", async () => {
    for (const server of servers) server.removeAllListeners("request");
    const reason = new Error("took too long");
    const abort = new AbortController();
    setTimeout(() => {
      abort.abort(reason);
    }, 50);
    await assert.rejects(
      untilReady(place, abort.signal),
      (error: unknown) => error === reason || (error as Error).cause === reason,
    );
  });
});
