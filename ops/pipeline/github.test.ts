/** Tests the steps with a GitHub that does not answer. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "mocha";
import { Repository } from "./github.ts";

describe("GitHub", () => {
  it("is waited for only until a deadline", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    try {
      const repository = new Repository(
        {
          GITHUB_API_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
          GITHUB_SERVER_URL: "https://github.example",
          GITHUB_REPOSITORY: "team/videos",
          GITHUB_RUN_ID: "77",
          GITHUB_TOKEN: "token",
        },
        100,
      );
      await assert.rejects(repository.comments(1), {
        name: "UserError",
        message: /GitHub did not answer GET \/issues\/1\/comments: .*timeout/,
      });
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });
});
