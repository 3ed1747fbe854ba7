/** Tests the steps with a GitHub that does not answer completely. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "mocha";
import { Repository } from "./github.ts";

/** Asks a GitHub that answers with `listener` for a list of comments. */
async function comments(listener: RequestListener): Promise<unknown> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const environment = {
      GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      GITHUB_REPOSITORY: "team/videos",
      GITHUB_TOKEN: "token",
    };
    return await new Repository(environment, 100).comments(1);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe("a call of GitHub", () => {
  it("fails at its deadline", async () => {
    await assert.rejects(
      comments(() => undefined),
      { name: "UserError", message: /GitHub did not answer GET \/issues\/1\/comments: .*timeout/ },
    );
  });

  for (const [what, end] of [
    ["ends early", true],
    ["does not end", false],
  ] as const) {
    it(`fails if the answer ${what}`, async () => {
      const answer = comments((_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).write('[{"id": 1,');
        if (end) response.end();
      });
      await assert.rejects(answer, {
        name: "UserError",
        message: /GitHub's answer to GET \/issues\/1\/comments is not complete/,
      });
    });
  }
});
