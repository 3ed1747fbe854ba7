import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, it } from "mocha";
import { freePort, freePorts } from "./ports.ts";

describe("free ports", () => {
  it("are different and can be bound", async () => {
    const ports = await freePorts(20);
    assert.equal(new Set(ports).size, 20);
    for (const port of ports) {
      const server = createServer().listen(port, "127.0.0.1");
      await once(server, "listening");
      server.close();
    }
  });

  it("are below those that a system chooses", async () => {
    const ports = await freePorts(20);
    assert.ok(
      ports.every((port) => port < 32_768),
      ports.join(),
    );
  });

  it("exclude a port that is in use", async () => {
    const server = createServer();
    try {
      const port = await freePort();
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      assert.ok(!(await freePorts(500)).includes(port));
    } finally {
      server.close();
    }
  });
});
