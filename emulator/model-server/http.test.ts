import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "mocha";
import { RequestSocket } from "./http.ts";

describe("a connection to a model server", () => {
  it("returns the answer of a server that closes before the request's last, empty write", async () => {
    const folder = await mkdtemp(join(tmpdir(), "http-"));
    const path = join(folder, "server");
    const server = createServer((connection) => {
      connection.end("answer", () => connection.destroy());
    });
    try {
      server.listen(path);
      await once(server, "listening");
      const closed = once(server, "connection").then(([connection]) =>
        once(connection as NodeJS.EventEmitter, "close"),
      );
      const socket = new RequestSocket().connect(path);
      await Promise.all([once(socket, "connect"), closed]);
      socket.write("");
      assert.equal(await text(socket), "answer");
    } finally {
      server.close();
      await rm(folder, { recursive: true });
    }
  });
});
