/** Tests the gateway's access control: signatures, hosts, web pages, and the paths that reach MiniStack. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "mocha";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketCorsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { VirtualClock } from "../core/virtual-clock.ts";
import { randomCredentials } from "./credentials.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, signed, testCredentials } from "../testing/test-gateway.ts";
import type { RawRequest } from "../testing/test-gateway.ts";

const minute = 60_000;

describe("The gateway's access control", () => {
  let aws: TestAws;
  let s3: S3Client;
  const stack = new VirtualClock(Date.now() + 10 * 60 * minute);

  before(async function () {
    this.timeout(60_000);
    aws = await startTestAws(stack);
    s3 = new S3Client({ ...sdkConfig(aws), maxAttempts: 3 });
    await s3.send(new CreateBucketCommand({ Bucket: "videos" }));
    await s3.send(new PutObjectCommand({ Bucket: "videos", Key: "a.mp4", Body: "a video" }));
  });
  after(async function () {
    this.timeout(60_000);
    s3.destroy();
    await aws.stop();
  });

  /** Sends a request with exactly these headers; returns its status, headers and body. */
  const raw = async (path: string, method: string, headers: Record<string, string>, body?: string | Uint8Array) => {
    const request = httpRequest({
      host: "127.0.0.1",
      port: aws.port,
      path,
      method,
      headers,
      setHost: false,
      agent: false,
    });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };
  /** Signs a valid request, changes it, and sends it. */
  const send = async (
    path: string,
    request: RawRequest,
    change: { headers?: Record<string, string>; body?: string; path?: string; method?: string } = {},
  ) => {
    const { method, headers, body } = await signed(`${aws.url}${path}`, request);
    const all = { host: `127.0.0.1:${aws.port}`, ...headers, ...change.headers };
    return raw(change.path ?? path, change.method ?? method, all, change.body ?? body);
  };
  const stored = async (key: string): Promise<string | undefined> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: "videos", Key: key }));
    return Body?.transformToString();
  };
  const ask: RawRequest = {
    service: "sts",
    body: new URLSearchParams({ Action: "GetCallerIdentity", Version: "2011-06-15" }),
  };
  const put: RawRequest = { service: "s3", method: "PUT", body: "a video" };

  describe("accepts a signature with the stack's key pair", () => {
    it("in the Authorization header", async () => {
      assert.equal((await send("/", ask)).status, 200);
      assert.equal((await send("/videos/a.mp4", put)).status, 200);
    });

    it("of the current SDK", async () => {
      const sts = new STSClient(sdkConfig(aws));
      assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, "000000000000");
      sts.destroy();
    });

    for (const path of ["/videos/a%20b+c.mp4", "/videos/(1)*'!.mp4", "/videos/%C3%BC/~x.mp4", "/videos/a//b"]) {
      it(`over the path ${path}`, async () => {
        assert.equal((await send(path, put)).status, 200);
        assert.equal(await stored(decodeURIComponent(path.slice("/videos/".length))), "a video");
      });
    }

    it("at any time between the machine's clock and the stack's, with a tolerance of 15 minutes", async () => {
      for (const minutes of [-14, 0, 300, 600, 614]) {
        const signingDate = new Date(Date.now() + minutes * minute);
        assert.equal((await send("/", { ...ask, signingDate })).status, 200, `${minutes} minutes`);
      }
    });
  });

  describe("refuses with AWS's error,", () => {
    const refusals = async (request: RawRequest, change: Parameters<typeof send>[2] = {}) => {
      const { status, body } = await send("/", request, change);
      return `${status} ${/<Code>(.*?)<\/Code>/.exec(body)?.[1] ?? (JSON.parse(body) as { __type: string }).__type}`;
    };
    const json: RawRequest = { service: "kms", headers: { "x-amz-target": "TrentService.ListKeys" }, body: "{}" };
    const list: RawRequest = { service: "s3" };
    const wrongSecret = { ...testCredentials, secretAccessKey: "wrong" };

    it("for a wrong signature", async () => {
      assert.equal(await refusals({ ...ask, credentials: wrongSecret }), "403 SignatureDoesNotMatch");
      assert.equal(await refusals({ ...json, credentials: wrongSecret }), "403 InvalidSignatureException");
      assert.equal(await refusals({ ...list, credentials: wrongSecret }), "403 SignatureDoesNotMatch");
    });

    it("for another key", async () => {
      const credentials = randomCredentials();
      assert.equal(await refusals({ ...ask, credentials }), "403 InvalidClientTokenId");
      assert.equal(await refusals({ ...json, credentials }), "403 UnrecognizedClientException");
      assert.equal(await refusals({ ...list, credentials }), "403 InvalidAccessKeyId");
    });

    it("for a signature older than 15 minutes, or ahead of the stack's clock", async () => {
      for (const signingDate of [new Date(Date.now() - 16 * minute), new Date(stack.now() + 16 * minute)]) {
        assert.equal(await refusals({ ...ask, signingDate }), "403 SignatureDoesNotMatch");
        assert.equal(await refusals({ ...json, signingDate }), "403 InvalidSignatureException");
        assert.equal(await refusals({ ...list, signingDate }), "403 RequestTimeTooSkewed");
      }
    });

    it("without a signature", async () => {
      for (const [headers, code] of [
        [{ "content-type": "application/x-www-form-urlencoded" }, "MissingAuthenticationToken"],
        [{ "x-amz-target": "TrentService.ListKeys" }, "MissingAuthenticationTokenException"],
        [{}, "AccessDenied"],
      ] as const) {
        const answer = await raw("/", "POST", { host: `127.0.0.1:${aws.port}`, ...headers }, "");
        assert.equal(answer.status, 403);
        assert.ok(answer.body.includes(`>${code}<`) || answer.body.includes(`"${code}"`), answer.body);
      }
    });

    it("for the session token of a key that was never issued", async () => {
      assert.equal(await refusals({ ...ask, headers: { "x-amz-security-token": "t" } }), "403 InvalidClientTokenId");
    });

    it("for a changed body", async () => {
      const change = { body: "Action=CreateUser&UserName=x&Version=2011-06-15" };
      assert.equal(await refusals(ask, change), "403 SignatureDoesNotMatch");
    });

    it("for a changed path, query, method or target", async () => {
      assert.equal(await refusals(list, { path: "/videos" }), "403 SignatureDoesNotMatch");
      assert.equal(await refusals(list, { path: "/?x=1" }), "403 SignatureDoesNotMatch");
      assert.equal(await refusals(list, { method: "DELETE" }), "403 SignatureDoesNotMatch");
      const change = { headers: { "x-amz-target": "TrentService.ScheduleKeyDeletion" } };
      assert.equal(await refusals(json, change), "403 InvalidSignatureException");
    });

    it("for an x-amz- header that is not signed", async () => {
      assert.equal(await refusals(list, { headers: { "x-amz-acl": "public-read" } }), "403 SignatureDoesNotMatch");
    });

    it("for a service that the stack does not use", async () => {
      assert.equal(await refusals({ service: "dynamodb", body: "{}" }), "501 NotImplementedException");
      const functions = await send("/2015-03-31/functions", { service: "lambda" });
      assert.equal(functions.status, 501);
    });
  });

  describe("refuses a changed object:", () => {
    const change = async (body: string, key: string, headers: Record<string, string> = {}) =>
      send(`/videos/${key}`, { ...put, headers: { "content-length": "7" } }, { body, headers });

    it("one with the same length", async () => {
      const { status, body } = await change("another", "changed");
      assert.equal(status, 400);
      assert.match(body, /<Code>XAmzContentSHA256Mismatch<\/Code>/);
      await assert.rejects(stored("changed"), { name: "NoSuchKey" });
    });

    it("an empty one", async () => {
      const { status, body } = await send("/videos/emptied", put, { body: "" });
      assert.equal(status, 400);
      assert.match(body, /<Code>XAmzContentSHA256Mismatch<\/Code>/);
      await assert.rejects(stored("emptied"), { name: "NoSuchKey" });
    });

    it("a large one, in chunks", async () => {
      const large = { ...put, body: new Uint8Array(3_000_000) };
      const changed = "x".repeat(3_000_000);
      const { status } = await send("/videos/large", large, {
        body: changed,
        headers: { "transfer-encoding": "chunked" },
      });
      assert.equal(status, 400);
      await assert.rejects(stored("large"), { name: "NoSuchKey" });
    });
  });

  describe("refuses, before it reads a signature,", () => {
    for (const host of ["evil.example", "evil.example:80", "127.0.0.1", "localhost:1", "s3.localhost", ""]) {
      it(`the host name "${host}"`, async () => {
        const { status, body } = await raw("/_local/health", "GET", { host });
        assert.equal(status, 403);
        assert.match(body, /Use http:\/\/127\.0\.0\.1:/);
      });
    }

    for (const [name, value] of [
      ["origin", "https://evil.example"],
      ["origin", "null"],
      ["sec-fetch-site", "cross-site"],
      ["sec-fetch-site", "same-site"],
    ] as const) {
      it(`a web page's ${name}: ${value}, even with a valid signature, and sends no CORS headers`, async () => {
        for (const [path, request] of [
          ["/", ask],
          ["/videos/a.mp4", { service: "s3" }],
          ["/_local/health", { service: "s3" }],
        ] as const) {
          const { status, headers } = await send(path, request, { headers: { [name]: value } });
          assert.equal(status, 403);
          assert.deepEqual(
            Object.keys(headers).filter((one) => one.startsWith("access-control-")),
            [],
          );
        }
        const preflight = { host: `127.0.0.1:${aws.port}`, [name]: value, "access-control-request-method": "PUT" };
        assert.equal((await raw("/videos/a.mp4", "OPTIONS", preflight)).status, 403);
      });
    }
  });

  it("lets no other origin read an answer", async () => {
    const { status, headers } = await send("/videos/a.mp4", { service: "s3" });
    assert.equal(status, 200);
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.startsWith("access-control-")),
      [],
    );
  });

  it("recognises a bucket by its host name", async () => {
    for (const host of [`videos.localhost:${aws.port}`, `videos.s3.localhost:${aws.port}`]) {
      const { headers } = await signed(`http://${host}/a.mp4`, { service: "s3" });
      const { status, body } = await raw("/a.mp4", "GET", { ...headers, host });
      assert.equal(status, 200, body);
      assert.equal(body, "a video");
      const elsewhere = await signed(`http://${host}/_ministack/health`, { service: "s3" });
      assert.match((await raw("/_ministack/health", "GET", { ...elsewhere.headers, host })).body, /NoSuchKey/);
    }
  });

  describe("exposes only the stack's services of MiniStack, not", () => {
    for (const [service, path] of [
      ["s3", "/_ministack/health"],
      ["s3", "/_ministack/reset"],
      ["s3", "/_localstack/health"],
      ["s3", "/health"],
      ["s3", "/2015-03-31/functions"],
      ["s3", "/iceberg/v1/config"],
      ["s3", "/_aws/execute-api/abc/stage/x"],
      ["s3", "/%5fministack/health"],
      ["s3", "//_ministack/health"],
      ["sqs", "/_ministack/sqs/messages"],
      ["sns", "/_ministack/sns/sms-messages"],
      ["sts", "/2015-03-31/functions"],
      ["iam", "/000000000000/queue/../../_ministack/health"],
    ] as const) {
      it(`${path}, signed for ${service}`, async () => {
        const { status, body } = await send(path, { service });
        assert.equal(status, 404);
        assert.match(body, /The emulator serves nothing at/);
      });
    }
  });

  describe("to a web page that a bucket's CORS configuration allows", () => {
    const page = { origin: "https://app.example" };

    before(async () => {
      await s3.send(new CreateBucketCommand({ Bucket: "shared" }));
      const rule = {
        AllowedOrigins: ["https://*.example"],
        AllowedMethods: ["GET"],
        AllowedHeaders: ["x-amz-*", "authorization"],
      };
      await s3.send(new PutBucketCorsCommand({ Bucket: "shared", CORSConfiguration: { CORSRules: [rule] } }));
      await s3.send(new PutObjectCommand({ Bucket: "shared", Key: "a", Body: "public" }));
    });

    it("answers, with the headers of that configuration", async () => {
      const { status, headers, body } = await send("/shared/a", { service: "s3" }, { headers: page });
      assert.equal(status, 200, body);
      assert.equal(headers["access-control-allow-origin"], "https://app.example");
      const preflight = {
        host: `127.0.0.1:${aws.port}`,
        ...page,
        "access-control-request-method": "GET",
        "access-control-request-headers": "x-amz-date, authorization",
      };
      const allowed = await raw("/shared/a", "OPTIONS", preflight);
      assert.equal(allowed.status, 200);
      assert.equal(allowed.headers["access-control-allow-methods"], "GET");
      assert.equal(
        (await raw("/shared/a", "OPTIONS", { ...preflight, "access-control-request-method": "PUT" })).status,
        403,
      );
    });

    it("still requires a signature", async () => {
      const answer = await raw("/shared/a", "GET", { host: `127.0.0.1:${aws.port}`, ...page });
      assert.equal(answer.status, 403);
      assert.match(answer.body, /no requests without a signature from web pages/);
    });

    it("refuses other methods, origins and buckets, and other services at the bucket's path", async () => {
      assert.equal((await send("/shared/a", put, { headers: page })).status, 403);
      assert.equal(
        (await send("/shared/a", { service: "s3" }, { headers: { origin: "https://evil.test" } })).status,
        403,
      );
      assert.equal((await send("/videos/a.mp4", { service: "s3" }, { headers: page })).status, 403);
      assert.equal((await send("/shared/a", { service: "sqs" }, { headers: page })).status, 403);
    });
  });
});
