/** Tests which unsigned requests the gateway forwards: sends raw bytes, and records every request on MiniStack's socket. */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "mocha";
import { openBucket, startAttackedGateway } from "../testing/attacked-gateway.ts";
import type { AttackedGateway } from "../testing/attacked-gateway.ts";
import { testCredentials } from "../testing/test-gateway.ts";

const browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:60.0) Gecko/20100101 Firefox/60.0";
const entered = "Sec-Fetch-Site: none";

describe("The gateway, for a request without a signature,", () => {
  let gateway: AttackedGateway;

  before(async () => {
    gateway = await startAttackedGateway();
  });
  beforeEach(() => {
    gateway.arrived.length = 0;
  });
  after(async () => {
    await gateway.stop();
  });

  interface Sent {
    readonly method?: string;
    readonly target?: string;
    readonly host?: string;
    readonly headers?: readonly string[];
    readonly body?: string;
  }
  /** Sends a request to the open bucket, changed; returns its status. */
  const status = async ({
    method = "GET",
    target = `/${openBucket}/key`,
    host,
    headers = [],
    body = "",
  }: Sent = {}) => {
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `Host: ${host ?? gateway.host}`,
      ...headers,
      ...(body === "" ? [] : [`Content-Length: ${body.length}`]),
      "Connection: close",
      "",
      body,
    ];
    return (await gateway.attack(lines.join("\r\n"))).join();
  };
  const forwarded = () => gateway.arrived.map(({ method, target, body }) => [method, target, body]);

  describe("forwards to an open bucket", () => {
    for (const [method, target, body] of [
      ["GET", `/${openBucket}/key`, ""],
      ["HEAD", `/${openBucket}/key`, ""],
      ["GET", `/${openBucket}?list-type=2&prefix=a`, ""],
      ["PUT", `/${openBucket}/key`, "a video"],
      ["DELETE", `/${openBucket}/key`, ""],
    ] as const) {
      it(`${method} ${target}`, async () => {
        assert.equal(await status({ method, target, body }), "200");
        assert.deepEqual(forwarded(), [[method, target, body]]);
      });
    }

    it("a URL that the user of a browser has entered", async () => {
      assert.equal(await status({ headers: [browser, entered] }), "200");
    });

    it("the name localhost", async () => {
      assert.equal(await status({ host: `localhost:${gateway.port}` }), "200");
    });
  });

  describe("forwards nothing", () => {
    for (const [what, change] of [
      ["to a bucket that is not open", { target: "/videos/key" }],
      ["to the list of buckets", { target: "/" }],
      ["to a path of MiniStack's", { target: "/_ministack/reset" }],
      ["to a function", { target: "/2015-03-31/functions" }],
      ["to a bucket whose name is encoded", { target: `/%6fpen/key` }],
      ["below two slashes", { target: `//${openBucket}/key` }],
      ["to a queue", { target: "/000000000000/jobs" }],
      ["for another service's target", { headers: ["X-Amz-Target: AmazonSQS.ListQueues"] }],
      ["for an action", { target: `/${openBucket}/key?Action=ListQueues` }],
      ["with a form", { method: "PUT", headers: ["Content-Type: multipart/form-data; boundary=x"], body: "x" }],
      ["by POST", { method: "POST", target: `/${openBucket}?delete`, body: "<Delete/>" }],
      ["by OPTIONS", { method: "OPTIONS" }],
      ["with an empty Authorization header", { headers: ["Authorization: "] }],
      ["with a session token", { headers: ["X-Amz-Security-Token: t"] }],
      ["with a key ID in its query", { target: `/${openBucket}/key?AWSAccessKeyId=${testCredentials.accessKeyId}` }],
      ["with a credential in its query, in lower case", { target: `/${openBucket}/key?x-amz-credential=a` }],
      ["with a query that is not encoded", { target: `/${openBucket}/key?prefix=%` }],
    ] as const) {
      it(what, async () => {
        assert.match(await status(change), /^40[034]$/);
        assert.deepEqual(forwarded(), []);
      });
    }

    it("to a bucket that the host names", async () => {
      assert.equal(await status({ host: `${openBucket}.localhost:${gateway.port}`, target: "/key" }), "403");
      assert.deepEqual(forwarded(), []);
    });

    it("to a foreign host", async () => {
      assert.equal(await status({ host: `rebound.example:${gateway.port}` }), "403");
      assert.deepEqual(forwarded(), []);
    });

    it("with the key ID by which the gateway names such a caller", async () => {
      const day = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
      const scope = `ANONYMOUS/${day.slice(0, 8)}/us-east-1/s3/aws4_request`;
      const signature = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${"0".repeat(64)}`;
      assert.equal(await status({ headers: [`Authorization: ${signature}`, `X-Amz-Date: ${day}`] }), "403");
      assert.deepEqual(forwarded(), []);
    });
  });

  describe("refuses a web page's request to an open bucket", () => {
    for (const [what, headers] of [
      ["with its origin", ["Origin: http://a.example"]],
      ["with an opaque origin", ["Origin: null"]],
      ["with the gateway's own origin", ["Origin: http://127.0.0.1:4566"]],
      ["from another site", [browser, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"]],
      ["from another port of this machine", [browser, "Sec-Fetch-Site: same-site"]],
      ["from an object that the user has opened", [browser, "Sec-Fetch-Site: same-origin"]],
      ["by a link", [browser, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"]],
      ["with a referrer", ["Referer: http://a.example/"]],
      ["with an empty referrer", ["Referer: "]],
      ["in a browser without Sec-Fetch-Site", [browser, "Accept: image/avif,image/webp,*/*"]],
      ["with two values of Sec-Fetch-Site", [browser, entered, "Sec-Fetch-Site: cross-site"]],
      ["for a web socket", ["Origin: http://a.example", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]],
    ] as const) {
      it(what, async () => {
        for (const method of ["GET", "HEAD", "PUT", "DELETE"]) {
          assert.equal(await status({ method, headers }), "403", method);
        }
        assert.deepEqual(forwarded(), []);
      });
    }

    it("that asks for permission first", async () => {
      const headers = ["Origin: http://a.example", "Access-Control-Request-Method: PUT"];
      assert.equal(await status({ method: "OPTIONS", headers }), "403");
      assert.deepEqual(forwarded(), []);
    });
  });
});
