/** Tests S3 for callers without credentials. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { S3ServiceException } from "@aws-sdk/client-s3";
import { ministackPython } from "../../tools/paths.mjs";
import { allow, policyOf } from "../testing/roles.ts";
import type { Statement } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, testAccount, testRegion } from "../testing/test-gateway.ts";

const unsignedKeyUse =
  "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.";
const denied = { name: "AccessDenied", message: "Access Denied" };

describe("S3 without credentials", () => {
  let aws: TestAws;
  let admin: S3Client;
  let anonymous: S3Client;
  let made = 0;

  before(async function () {
    this.timeout(60_000);
    aws = await startTestAws();
    admin = new S3Client({ ...sdkConfig(aws), forcePathStyle: true });
    const signer = { sign: <Request>(request: Request) => Promise.resolve(request) };
    anonymous = new S3Client({ endpoint: aws.url, region: testRegion, forcePathStyle: true, maxAttempts: 1, signer });
  });
  after(async function () {
    this.timeout(60_000);
    admin.destroy();
    anonymous.destroy();
    await aws.stop();
  });

  const objectsOf = (bucket: string): string => `arn:aws:s3:::${bucket}/*`;
  const toEveryone = (statement: Statement): Statement => ({ Principal: "*", ...statement });
  const reading = (bucket: string, more: Statement = {}): Statement =>
    toEveryone({ ...allow("Read", "s3:GetObject", objectsOf(bucket)), ...more });
  /** Makes a bucket with an object and a policy, without Block Public Access; returns its name. */
  const bucketWith = async (...statements: readonly ((bucket: string) => Statement)[]): Promise<string> => {
    made += 1;
    const Bucket = `open-${made}`;
    await admin.send(new CreateBucketCommand({ Bucket }));
    await admin.send(new DeletePublicAccessBlockCommand({ Bucket }));
    await admin.send(new PutObjectCommand({ Bucket, Key: "a.mp4", Body: "a video" }));
    if (statements.length > 0) {
      const Policy = policyOf(...statements.map((statement) => statement(Bucket)));
      await admin.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    }
    return Bucket;
  };
  const read = async (Bucket: string, Key = "a.mp4"): Promise<string | undefined> => {
    const { Body } = await anonymous.send(new GetObjectCommand({ Bucket, Key }));
    return await Body?.transformToString();
  };
  const write = (Bucket: string) => anonymous.send(new PutObjectCommand({ Bucket, Key: "b.mp4", Body: "another" }));

  describe("is allowed", () => {
    for (const [what, Principal] of [
      ["everyone", "*"],
      ["every account", { AWS: "*" }],
      ["every account in a list", { AWS: ["*"] }],
    ] as const) {
      it(`a read by a policy for ${what}`, async () => {
        assert.equal(await read(await bucketWith((bucket) => reading(bucket, { Principal }))), "a video");
      });
    }

    it("a write and a removal", async () => {
      const bucket = await bucketWith((name) =>
        toEveryone(allow("Change", ["s3:PutObject", "s3:DeleteObject"], objectsOf(name))),
      );
      await write(bucket);
      const stored = await admin.send(new GetObjectCommand({ Bucket: bucket, Key: "b.mp4" }));
      assert.equal(await stored.Body?.transformToString(), "another");
      await anonymous.send(new DeleteObjectCommand({ Bucket: bucket, Key: "b.mp4" }));
      const { KeyCount } = await admin.send(new ListObjectsV2Command({ Bucket: bucket }));
      assert.equal(KeyCount, 1);
    });

    it("a list with the prefix that a condition names", async () => {
      const bucket = await bucketWith((name) =>
        toEveryone({
          ...allow("List", "s3:ListBucket", `arn:aws:s3:::${name}`),
          Condition: { StringEquals: { "s3:prefix": "a" } },
        }),
      );
      const list = (Prefix?: string) => anonymous.send(new ListObjectsV2Command({ Bucket: bucket, Prefix }));
      assert.equal((await list("a")).KeyCount, 1);
      await assert.rejects(list(), denied);
    });

    for (const [what, Condition] of [
      ["this machine's address", { IpAddress: { "aws:SourceIp": "127.0.0.0/8" } }],
      ["HTTPS, for which the gateway stands", { Bool: { "aws:SecureTransport": "true" } }],
      ["callers without credentials", { StringEquals: { "aws:PrincipalType": "Anonymous" } }],
    ] as const) {
      it(`with a condition for ${what}`, async () => {
        assert.equal(await read(await bucketWith((bucket) => reading(bucket, { Condition }))), "a video");
      });
    }

    it("to botocore", async function () {
      this.timeout(30_000);
      const bucket = await bucketWith(reading);
      const code = `import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
s3 = botocore.session.get_session().create_client(
    "s3", endpoint_url="${aws.url}", region_name="${testRegion}", config=Config(signature_version=UNSIGNED))
print(s3.get_object(Bucket="${bucket}", Key="a.mp4")["Body"].read().decode())`;
      const { stdout } = await promisify(execFile)(ministackPython, ["-c", code], { env: {} });
      assert.equal(stdout, "a video\n");
    });
  });

  describe("is denied", () => {
    it("everything without a policy, and in a bucket that does not exist", async () => {
      const bucket = await bucketWith();
      await assert.rejects(read(bucket), denied);
      await assert.rejects(write(bucket), denied);
      await assert.rejects(anonymous.send(new ListObjectsV2Command({ Bucket: bucket })), denied);
      await assert.rejects(read("missing"), denied);
      await assert.rejects(anonymous.send(new CreateBucketCommand({ Bucket: "made" })), denied);
    });

    it("an action, an object and a resource that the policy does not name", async () => {
      const bucket = await bucketWith((name) =>
        toEveryone(allow("Read", "s3:GetObject", `arn:aws:s3:::${name}/b.mp4`)),
      );
      await assert.rejects(read(bucket), denied);
      await assert.rejects(write(bucket), denied);
      await assert.rejects(anonymous.send(new ListObjectsV2Command({ Bucket: bucket })), denied);
    });

    it("the policy of a bucket, which only the bucket's account may read", async () => {
      const bucket = await bucketWith((name) =>
        toEveryone(allow("All", "s3:*", [objectsOf(name), `arn:aws:s3:::${name}`])),
      );
      assert.equal(await read(bucket), "a video");
      await assert.rejects(anonymous.send(new GetBucketPolicyCommand({ Bucket: bucket })), denied);
    });

    it("a missing object, without the permission to list the bucket", async () => {
      await assert.rejects(read(await bucketWith(reading), "missing"), denied);
    });

    for (const [what, change] of [
      ["the account", { Principal: { AWS: testAccount } }],
      ["a service", { Principal: { Service: "sns.amazonaws.com" } }],
      ["all but one role", { Principal: undefined, NotPrincipal: { AWS: `arn:aws:iam::${testAccount}:role/r` } }],
      ["another address", { Condition: { IpAddress: { "aws:SourceIp": "192.0.2.0/24" } } }],
      ["plain HTTP", { Condition: { Bool: { "aws:SecureTransport": "false" } } }],
      ["principals of the account", { Condition: { StringEquals: { "aws:PrincipalAccount": testAccount } } }],
      ["principals with any ARN", { Condition: { StringLike: { "aws:PrincipalArn": "*" } } }],
      ["another referrer", { Condition: { StringLike: { "aws:Referer": "https://example.com/*" } } }],
    ] as const) {
      it(`a read by a policy for ${what}`, async () => {
        await assert.rejects(read(await bucketWith((bucket) => reading(bucket, change))), denied);
      });
    }

    for (const [what, principal] of [
      ["everyone", { Principal: "*" }],
      ["all but a role", { NotPrincipal: { AWS: `arn:aws:iam::${testAccount}:role/r` } }],
    ] as const) {
      it(`a read that another statement denies to ${what}`, async () => {
        const deny = (bucket: string): Statement => ({
          Effect: "Deny",
          Action: "s3:GetObject",
          Resource: objectsOf(bucket),
          ...principal,
        });
        await assert.rejects(read(await bucketWith(reading, deny)), denied);
      });
    }

    it("a read whose answer it changes", async () => {
      const get = { Bucket: await bucketWith(reading), Key: "a.mp4", ResponseContentType: "text/html" };
      await assert.rejects(anonymous.send(new GetObjectCommand(get)), {
        name: "InvalidRequest",
        message: "Request specific response headers cannot be used for anonymous GET requests.",
      });
    });

    it("a web page's read, even if the bucket's CORS configuration allows the page", async () => {
      const bucket = await bucketWith(reading);
      const CORSConfiguration = { CORSRules: [{ AllowedOrigins: ["*"], AllowedMethods: ["GET"] }] };
      await admin.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration }));
      assert.equal(await read(bucket), "a video");
      const answer = await fetch(`${aws.url}/${bucket}/a.mp4`, { headers: { origin: "http://a.example" } });
      assert.equal(answer.status, 403);
      assert.match(await answer.text(), /accepts no requests without a signature from web pages/);
    });

    it("and the denial is listed", async () => {
      const bucket = await bucketWith((name) => toEveryone(allow("Put", "s3:PutObject", objectsOf(name))));
      await assert.rejects(read(bucket), denied);
      const { action, principal, resource } = (await aws.launcher.denials()).at(-1) ?? {};
      assert.deepEqual(
        { action, principal, resource },
        { action: "s3:GetObject", principal: "anonymous", resource: `arn:aws:s3:::${bucket}/a.mp4` },
      );
    });
  });

  describe("with Block Public Access", () => {
    it("of a new bucket, which refuses a public policy", async () => {
      await admin.send(new CreateBucketCommand({ Bucket: "new" }));
      const put = new PutBucketPolicyCommand({ Bucket: "new", Policy: policyOf(reading("new")) });
      await assert.rejects(admin.send(put), { name: "AccessDenied", message: /BlockPublicPolicy/ });
    });

    const restrict = (Bucket: string) =>
      admin.send(
        new PutPublicAccessBlockCommand({
          Bucket,
          PublicAccessBlockConfiguration: { RestrictPublicBuckets: true },
        }),
      );

    it("is denied what a public policy allows", async () => {
      const bucket = await bucketWith(reading);
      await restrict(bucket);
      await assert.rejects(read(bucket), denied);
    });

    it("is allowed what a policy for fixed addresses allows, which is not public", async () => {
      const Condition = { IpAddress: { "aws:SourceIp": "127.0.0.1/32" } };
      const bucket = await bucketWith((name) => reading(name, { Condition }));
      await restrict(bucket);
      assert.equal(await read(bucket), "a video");
    });

    it("is denied what one public statement of several allows, if any is public", async () => {
      const Condition = { IpAddress: { "aws:SourceIp": "127.0.0.1/32" } };
      const bucket = await bucketWith((name) => reading(name, { Condition }), reading);
      await restrict(bucket);
      await assert.rejects(read(bucket), denied);
    });
  });

  describe("with an object that a KMS key encrypts", () => {
    let bucket: string;
    before(async () => {
      const kms = new KMSClient(sdkConfig(aws));
      // Even a key that everyone may use: KMS accepts only signed calls.
      const Policy = policyOf(toEveryone(allow("All", "kms:*")));
      const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Policy }));
      kms.destroy();
      bucket = await bucketWith((name) => toEveryone(allow("All", ["s3:GetObject", "s3:PutObject"], objectsOf(name))));
      const SSEKMSKeyId = KeyMetadata?.KeyId;
      const encrypted = { Bucket: bucket, Key: "secret", Body: "a secret", SSEKMSKeyId };
      await admin.send(new PutObjectCommand({ ...encrypted, ServerSideEncryption: "aws:kms" }));
    });
    const refused = { name: "InvalidArgument", message: unsignedKeyUse };

    it("is refused its content", async () => {
      await assert.rejects(read(bucket, "secret"), refused);
      assert.equal(await read(bucket), "a video");
    });

    it("is refused its metadata", async () => {
      const head = anonymous.send(new HeadObjectCommand({ Bucket: bucket, Key: "secret" }));
      await assert.rejects(head, (error: S3ServiceException) => error.$metadata.httpStatusCode === 400);
    });

    it("is refused a write that names a key, and one to a bucket that names AWS's key", async () => {
      const put = { Bucket: bucket, Key: "b", Body: "b", ServerSideEncryption: "aws:kms", SSEKMSKeyId: "k" } as const;
      await assert.rejects(anonymous.send(new PutObjectCommand(put)), refused);
      await admin.send(
        new PutBucketEncryptionCommand({
          Bucket: bucket,
          ServerSideEncryptionConfiguration: {
            Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } }],
          },
        }),
      );
      await assert.rejects(write(bucket), refused);
    });
  });
});
