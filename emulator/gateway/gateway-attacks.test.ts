/**
 * Tests that no request bypasses the gateway's checks: sends raw bytes, and records every request on MiniStack's
 * socket.
 */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "mocha";
import { startAttackedGateway } from "../testing/attacked-gateway.ts";
import type { Arrived, AttackedGateway, SignedAttack } from "../testing/attacked-gateway.ts";
import { testCredentials } from "../testing/test-gateway.ts";

const smuggled = "POST /_ministack/reset HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
const chunked = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;

describe("The gateway under attack by raw requests", () => {
  let gateway: AttackedGateway;
  let host: string;
  let arrived: readonly Arrived[];

  before(async () => {
    gateway = await startAttackedGateway();
    ({ host, arrived } = gateway);
  });
  beforeEach(() => {
    gateway.arrived.length = 0;
    gateway.asked.length = 0;
  });
  after(async () => {
    await gateway.stop();
  });

  const attacked = (bytes: string) => gateway.attack(bytes);
  const bytesOf = (attack: SignedAttack) => gateway.bytesOf(attack);

  describe("forwards nothing for a signed path outside of the buckets", () => {
    for (const target of [
      "/_ministack/reset",
      "//_ministack/reset",
      "/./_ministack/reset",
      "/../_ministack/reset",
      "/%5fministack/reset",
      "/%2e%2e/_ministack/reset",
      "/%2f_ministack/reset",
      "/2015-03-31/functions",
      "/%32015-03-31/functions",
      "/v20180820/tags/arn",
      "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Avideos%2Fkey",
      "/v20180820/tags/arn:aws:s3:::videos/../../_ministack/reset",
      "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3A..",
      "/v20180820/mrap/instances",
      "/restapis/12345678/stage/_user_request_/",
      "/iceberg/v1/config",
      "/health",
      "/v2/email/identities",
      "http://127.0.0.1/_ministack/reset",
      "http://videos/",
      "*",
    ]) {
      it(target, async () => {
        const method = target === "*" ? "OPTIONS" : "GET";
        assert.deepEqual(await attacked(await bytesOf({ method, target })), [404]);
        assert.deepEqual(arrived, []);
      });
    }

    for (const target of [
      "/_ministack/reset",
      "//",
      "//_ministack/reset",
      "/000000000000/../_ministack/reset",
      "http://",
    ]) {
      it(`${target}, signed for a service other than S3`, async () => {
        assert.deepEqual(await attacked(await bytesOf({ target, service: "sqs" })), [404]);
        assert.deepEqual(arrived, []);
      });
    }

    for (const [bucket, target] of [
      ["2015-03-31", "/functions"],
      ["v20180820", "/tags/arn"],
      ["videos", "http://videos.localhost/key"],
    ] as const) {
      it(`${target} of the host ${bucket}.localhost`, async () => {
        const bytes = await bytesOf({ target, host: `${bucket}.localhost:${gateway.port}` });
        assert.deepEqual(await attacked(bytes), [404]);
        assert.deepEqual(arrived, []);
      });
    }
  });

  for (const host of ["127.0.0.1", "000000000000.s3-control.localhost"]) {
    it(`forwards S3 Control's path of a bucket's tags at ${host}`, async () => {
      const target = "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Avideos";
      await attacked(await bytesOf({ target, host: `${host}:${gateway.port}` }));
      assert.deepEqual(
        arrived.map((request) => request.target),
        [target],
      );
    });
  }

  it("forwards an object's key that is like S3 Control's path to the bucket in the host name", async () => {
    const target = "/v20180820/tags/arn%3Aaws%3As3%3A%3A%3Aother";
    await attacked(await bytesOf({ method: "PUT", target, host: `videos.localhost:${gateway.port}` }));
    assert.deepEqual(
      arrived.map((request) => request.target),
      [`/videos${target}`],
    );
  });

  describe("does not split a request", () => {
    for (const [method, service] of [
      ["GET", "s3"],
      ["DELETE", "s3"],
      ["OPTIONS", "s3"],
      ["PUT", "s3"],
      ["GET", "sts"],
      ["POST", "sts"],
    ] as const) {
      it(`with a chunked body, as ${method} for ${service}`, async () => {
        const unsigned = ["Transfer-Encoding: chunked", "Connection: close"];
        const target = service === "s3" ? "/videos/key" : "/";
        const bytes = await bytesOf({ method, service, target, unsigned, body: chunked, payload: smuggled });
        assert.deepEqual(await attacked(bytes), [200]);
        assert.deepEqual(
          arrived.map((request) => [request.method, request.target, request.body]),
          [[method, target, smuggled]],
        );
      });
    }

    for (const [what, unsigned] of [
      ["Transfer-Encoding and Content-Length", ["Transfer-Encoding: chunked", `Content-Length: ${chunked.length}`]],
      ["two lengths", ["Content-Length: 0", `Content-Length: ${smuggled.length}`]],
      ["a coding that is not chunked", ["Transfer-Encoding: chunked, identity"]],
      ["a space before the colon", ["Transfer-Encoding : chunked"]],
    ] as const) {
      it(`and refuses one with ${what}`, async () => {
        assert.deepEqual(await attacked(await bytesOf({ method: "PUT", target: "/videos/key", unsigned })), [400]);
        assert.deepEqual(arrived, []);
      });
    }

    it("that a connection pipelines, and checks each", async () => {
      const genuine = await bytesOf({ target: "/videos/key", unsigned: [] });
      const unsigned = `GET /videos/other HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
      const last = `GET /videos/last HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      assert.deepEqual(await attacked(genuine + unsigned + last), [200, 403, 403]);
      assert.deepEqual(
        arrived.map(({ target }) => target),
        ["/videos/key"],
      );
    });
  });

  describe("accepts only the host of its address", () => {
    for (const [what, to, unsigned, target] of [
      [
        "a second Host header",
        undefined,
        ["Host: f.lambda-url.us-east-1.localhost", "Connection: close"],
        "/videos/key",
      ],
      ["the name localhost", "localhost", ["Connection: close"], "/videos/key"],
      ["the host of a function", "f.lambda-url.us-east-1.localhost", ["Connection: close"], "/key"],
    ] as const) {
      it(`for ${what}`, async () => {
        const name = to === undefined ? host : `${to}:${gateway.port}`;
        assert.deepEqual(await attacked(await bytesOf({ target, host: name, unsigned })), [200]);
        assert.deepEqual(
          arrived.map(({ hosts }) => hosts),
          [[host]],
        );
      });
    }

    for (const foreign of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "videos.s3.amazonaws.com",
    ]) {
      it(`and refuses ${foreign}, although it is signed`, async () => {
        const bytes = await bytesOf({ target: "/videos/key", host: `${foreign}:${gateway.port}` });
        assert.deepEqual(await attacked(bytes), [403]);
        assert.deepEqual(arrived, []);
      });
    }
  });

  describe("refuses, independent of the signature,", () => {
    for (const line of [
      "Origin: http://127.0.0.1:1",
      "Origin: null",
      "Sec-Fetch-Site: cross-site",
      "Sec-Fetch-Site: same-site",
      "X-Amz-Target: DynamoDB_20120810.ListTables",
      "X-Amz-Copy-Source: /videos/secret",
      "X-Amz-Security-Token: token",
    ]) {
      it(`the header ${line}`, async () => {
        const unsigned = [line, "Connection: close"];
        assert.deepEqual(await attacked(await bytesOf({ target: "/videos/key", unsigned })), [403]);
        assert.deepEqual(arrived, []);
      });
    }

    for (const [path, buckets] of [
      ["/videos/key", ["videos"]],
      ["/health", []],
      ["/2015-03-31/functions", []],
      ["/_ministack/reset", []],
    ] as const) {
      it(`a page's request for ${path}, and reads the rules of ${buckets.length} buckets`, async () => {
        const bytes = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://a.example\r\nConnection: close\r\n\r\n`;
        assert.deepEqual(await attacked(bytes), [403]);
        assert.deepEqual(gateway.asked, buckets);
        assert.deepEqual(arrived, []);
      });
    }

    it("a form that uploads to S3 with a policy", async () => {
      const form = '--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nkey\r\n--x--\r\n';
      const type = "Content-Type: multipart/form-data; boundary=x";
      const bytes = `POST /videos HTTP/1.1\r\nHost: ${host}\r\n${type}\r\nContent-Length: ${form.length}\r\nConnection: close\r\n\r\n${form}`;
      assert.deepEqual(await attacked(bytes), [403]);
      assert.deepEqual(arrived, []);
    });

    it("the body that an unsigned request announces, without asking for it", async () => {
      const expects = `PUT /videos/key HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`;
      // The connection ends, too: bytes that follow might be the body or another request.
      assert.deepEqual(await attacked(expects), [403]);
      assert.deepEqual(arrived, []);
    });

    it("a tunnel", async () => {
      assert.deepEqual(await attacked(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`), []);
      assert.deepEqual(arrived, []);
    });
  });

  for (const protocol of ["websocket", "h2c"]) {
    it(`does not switch to ${protocol}`, async () => {
      // As a list, the token "close" still ends the connection.
      const unsigned = ["Connection: Upgrade, close", `Upgrade: ${protocol}`, "Sec-WebSocket-Version: 13"];
      assert.deepEqual(await attacked(await bytesOf({ target: "/videos/key", unsigned })), [200]);
      assert.deepEqual(
        arrived.map(({ upgrade }) => upgrade),
        [undefined],
      );
    });
  }

  describe("accepts a presigned URL", () => {
    const presigned = (path: string) => gateway.presigned(path);
    const get = (target: string, more: readonly string[] = []): string =>
      [
        "GET ",
        target,
        " HTTP/1.1\r\n",
        ...[`Host: ${host}`, ...more, "Connection: close"].map((line) => `${line}\r\n`),
        "\r\n",
      ].join("");

    it("unchanged, and hides its signature from MiniStack", async () => {
      assert.deepEqual(await attacked(get(await presigned("/videos/key"))), [200]);
      assert.deepEqual(
        arrived.map(({ target }) => target),
        ["/videos/key"],
      );
    });

    it("with a chunked body as one request", async () => {
      const bytes = get(await presigned("/videos/key"), ["Transfer-Encoding: chunked"]) + chunked;
      assert.deepEqual(await attacked(bytes), [200]);
      assert.deepEqual(
        arrived.map(({ target, body }) => [target, body]),
        [["/videos/key", smuggled]],
      );
    });

    for (const [what, change] of [
      ["another key", (url: string) => url.replace("/key", "/secret")],
      ["a version that is not signed", (url: string) => `${url}&versionId=1`],
      ["a list in place of the object", (url: string) => `${url}&acl`],
      ["a session token", (url: string) => `${url}&X-Amz-Security-Token=token`],
      ["a longer expiry", (url: string) => url.replace("Expires=60", "Expires=604800")],
      ["a second, longer expiry", (url: string) => url.replace("?", "?X-Amz-Expires=604800&")],
      ["no signed header", (url: string) => url.replace("SignedHeaders=host", "SignedHeaders=")],
      ["no signature", (url: string) => url.replace(/&X-Amz-Signature=.*/, "")],
    ] as const) {
      it(`but not with ${what}`, async () => {
        assert.deepEqual(await attacked(get(change(await presigned("/videos/key")))), [403]);
        assert.deepEqual(arrived, []);
      });
    }

    for (const line of [
      "X-Amz-Copy-Source: /videos/secret",
      "X-Amz-Acl: public-read",
      `Authorization: AWS4-HMAC-SHA256 Credential=${testCredentials.accessKeyId}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=${"0".repeat(64)}`,
    ]) {
      it(`but not with the header ${line.split(":", 1)[0]}`, async () => {
        const [status] = await attacked(get(await presigned("/videos/key"), [line]));
        assert.ok(status === 403 || status === 400, String(status));
        assert.deepEqual(arrived, []);
      });
    }

    for (const method of ["HEAD", "PUT", "DELETE"]) {
      it(`but not for ${method}`, async () => {
        const bytes = get(await presigned("/videos/key")).replace(/^GET/, method);
        assert.deepEqual(await attacked(bytes), [403]);
        assert.deepEqual(arrived, []);
      });
    }
  });
});
