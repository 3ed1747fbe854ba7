import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, it } from "mocha";
import { InvalidInputError } from "../../lib/errors.ts";
import { checkPort } from "./port.ts";

describe("the port of the emulator", () => {
  it("is refused while another process listens on it, and is free again afterwards", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await assert.rejects(checkPort(port), (error: Error) => {
      assert.ok(error instanceof InvalidInputError);
      assert.match(error.message, new RegExp(`${port} .*taken.*--port`));
      return true;
    });
    server.close();
    await once(server, "close");
    await checkPort(port);
    await checkPort(port);
  });
});
