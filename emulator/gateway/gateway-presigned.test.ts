/** Tests presigned URLs through the gateway, of both signature versions. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "mocha";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { VirtualClock } from "../core/virtual-clock.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, testCredentials, testRegion } from "../testing/test-gateway.ts";

describe("The gateway", () => {
  let aws: TestAws;
  const stack = new VirtualClock(Date.now() + 10 * 3_600_000);

  before(async function () {
    this.timeout(60_000);
    aws = await startTestAws(stack);
    const s3 = new S3Client({ ...sdkConfig(aws), maxAttempts: 3 });
    await s3.send(new CreateBucketCommand({ Bucket: "videos" }));
    await s3.send(new PutObjectCommand({ Bucket: "videos", Key: "a.mp4", Body: "a video" }));
    s3.destroy();
  });
  after(async function () {
    this.timeout(60_000);
    await aws.stop();
  });

  describe("with a presigned URL", () => {
    const presign = async (method: string, path: string, options: { expiresIn?: number; signingDate?: Date } = {}) => {
      const signer = new SignatureV4({
        credentials: testCredentials,
        region: testRegion,
        service: "s3",
        sha256: Sha256,
        uriEscapePath: false,
      });
      const headers = { host: `127.0.0.1:${aws.port}`, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
      const hidden = new Set(["x-amz-content-sha256"]);
      const { query = {} } = await signer.presign(new HttpRequest({ method, path, headers }), {
        ...options,
        unsignableHeaders: hidden,
        unhoistableHeaders: hidden,
      });
      return `${aws.url}${path}?${new URLSearchParams(query as Record<string, string>).toString()}`;
    };

    it("puts and gets an object", async () => {
      const answer = await fetch(await presign("PUT", "/videos/presigned"), { method: "PUT", body: "hello" });
      assert.equal(answer.status, 200, await answer.text());
      assert.equal(await (await fetch(await presign("GET", "/videos/presigned"))).text(), "hello");
    });

    it("from an SDK on the stack's clock", async () => {
      const url = await presign("GET", "/videos/a.mp4", { signingDate: new Date(stack.now()), expiresIn: 60 });
      assert.equal((await fetch(url)).status, 200);
    });

    it("refuses another method, object or expiry", async () => {
      const url = await presign("GET", "/videos/presigned");
      const changes = [url.replace("presigned?", "a.mp4?"), url.replace("Expires=3600", "Expires=7200")];
      for (const changed of changes) assert.notEqual(changed, url);
      for (const changed of changes) {
        const answer = await fetch(changed);
        assert.equal(answer.status, 403);
        assert.match(await answer.text(), /SignatureDoesNotMatch/);
      }
      assert.equal((await fetch(url, { method: "DELETE" })).status, 403);
    });

    it("refuses one that has expired", async () => {
      // The second one by a client on the stack's clock, before the first response could tell it the time.
      for (const now of [Date.now() - 61_000, stack.now() - 60 * 60_000]) {
        const url = await presign("GET", "/videos/a.mp4", { signingDate: new Date(now), expiresIn: 60 });
        const answer = await fetch(url);
        assert.equal(answer.status, 403);
        assert.match(await answer.text(), /<Code>AccessDenied<\/Code><Message>Request has expired/);
      }
    });
  });

  describe("with a presigned URL of boto3, Signature Version 2", () => {
    const secondsFromNow = (seconds: number): string => String(Math.floor(Date.now() / 1000) + seconds);

    const presign = (
      method: string,
      path: string,
      change: { expires?: string; key?: string; secret?: string } = {},
    ) => {
      const { expires = secondsFromNow(60), key = testCredentials.accessKeyId } = change;
      const value = createHmac("sha1", change.secret ?? testCredentials.secretAccessKey)
        .update(`${method}\n\n\n${expires}\n${path}`)
        .digest("base64");
      const query = new URLSearchParams({ AWSAccessKeyId: key, Signature: value, Expires: expires });
      return `${aws.url}${path}${path.includes("?") ? "&" : "?"}${query.toString()}`;
    };
    const status = async (url: string, options: RequestInit = {}): Promise<string> => {
      const answer = await fetch(url, options);
      return `${answer.status} ${/<Code>(.*?)<\/Code>/.exec(await answer.text())?.[1] ?? ""}`.trim();
    };
    const body = new Uint8Array(Buffer.from("hello"));

    it("puts and gets an object", async () => {
      assert.equal(await status(presign("PUT", "/videos/v2"), { method: "PUT", body }), "200");
      const url = presign("GET", "/videos/v2?response-content-type=text/x");
      const answer = await fetch(url);
      assert.deepEqual([await answer.text(), answer.headers.get("content-type")], ["hello", "text/x"]);
    });

    it("refuses a wrong signature, another key, object or method, and one that has expired", async () => {
      const good = presign("GET", "/videos/v2");
      assert.equal(await status(presign("GET", "/videos/v2", { secret: "wrong" })), "403 SignatureDoesNotMatch");
      assert.equal(await status(presign("GET", "/videos/v2", { key: "AKIAOTHER" })), "403 InvalidAccessKeyId");
      assert.equal(await status(good.replace("/v2?", "/a.mp4?")), "403 SignatureDoesNotMatch");
      assert.equal(await status(good, { method: "DELETE" }), "403 SignatureDoesNotMatch");
      assert.equal(await status(good, { headers: { "x-amz-acl": "public-read" } }), "403 SignatureDoesNotMatch");
      assert.equal(await status(`${good}&acl`), "403 SignatureDoesNotMatch");
      assert.equal(await status(presign("GET", "/videos/v2", { expires: secondsFromNow(-1) })), "403 AccessDenied");
      assert.equal(await status(presign("GET", "/_ministack/health")), "404");
    });
  });
});
