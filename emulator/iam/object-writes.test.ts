/** Tests that S3 encrypts with its managed key by default, and keeps what an upload in parts was started with. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { DescribeKeyCommand, KMSClient, ListAliasesCommand, ScheduleKeyDeletionCommand } from "@aws-sdk/client-kms";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { CreateMultipartUploadCommandInput } from "@aws-sdk/client-s3";
import { allow, sessionOf } from "../testing/roles.ts";
import type { Statement } from "../testing/roles.ts";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { sdkConfig, testAccount, testRegion } from "../testing/test-gateway.ts";
import { LauncherAuthorizer } from "./authorizer.ts";

const encrypted = { ServerSideEncryption: "aws:kms" } as const;

describe("S3 on the emulator", function () {
  this.timeout(60_000);
  let aws: TestAws;
  let s3: S3Client;
  let kms: KMSClient;

  before(async () => {
    aws = await startTestAws();
    s3 = new S3Client({ ...sdkConfig(aws), forcePathStyle: true });
    kms = new KMSClient(sdkConfig(aws));
    for (const Bucket of ["plain", "encrypted", "versions"]) await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(
      new PutBucketEncryptionCommand({
        Bucket: "encrypted",
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" } }],
        },
      }),
    );
    await s3.send(
      new PutBucketVersioningCommand({ Bucket: "versions", VersioningConfiguration: { Status: "Enabled" } }),
    );
    await s3.send(new PutObjectCommand({ Bucket: "plain", Key: "source", Body: "x" }));
  });
  after(async () => {
    s3.destroy();
    kms.destroy();
    await aws.stop();
  });

  const keyOf = async (Bucket: string, Key: string) => {
    const { ServerSideEncryption, SSEKMSKeyId } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    assert.equal(ServerSideEncryption, "aws:kms");
    return SSEKMSKeyId;
  };
  const managedKey = async () => {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: "alias/aws/s3" }));
    return KeyMetadata;
  };
  const upload = async (Key: string, options: Partial<CreateMultipartUploadCommandInput>) => {
    const place = { Bucket: "plain", Key, ...options };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(place));
    const part = { Bucket: place.Bucket, Key, UploadId, PartNumber: 1 };
    const { ETag } = await s3.send(new UploadPartCommand({ ...part, Body: "x" }));
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
    await s3.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload }));
  };

  describe("encrypts with the managed key aws/s3 if aws:kms is asked for without a key", () => {
    it("by PutObject, whose answer names the key", async () => {
      const { SSEKMSKeyId } = await s3.send(
        new PutObjectCommand({ Bucket: "plain", Key: "put", Body: "x", ...encrypted }),
      );
      assert.equal(SSEKMSKeyId, (await managedKey())?.Arn);
      assert.equal(await keyOf("plain", "put"), SSEKMSKeyId);
    });

    it("by PutObject with the key's alias", async () => {
      const SSEKMSKeyId = "alias/aws/s3";
      await s3.send(new PutObjectCommand({ Bucket: "plain", Key: "alias", Body: "x", ...encrypted, SSEKMSKeyId }));
      assert.equal(await keyOf("plain", "alias"), (await managedKey())?.Arn);
    });

    it("by PutObject with the ARN of the key's alias", async () => {
      const SSEKMSKeyId = `arn:aws:kms:${testRegion}:${testAccount}:alias/aws/s3`;
      await s3.send(new PutObjectCommand({ Bucket: "plain", Key: "arn", Body: "x", ...encrypted, SSEKMSKeyId }));
      assert.equal(await keyOf("plain", "arn"), (await managedKey())?.Arn);
    });

    it("by an upload in parts", async () => {
      await upload("parts", encrypted);
      assert.equal(await keyOf("plain", "parts"), (await managedKey())?.Arn);
    });

    it("by CopyObject", async () => {
      await s3.send(new CopyObjectCommand({ Bucket: "plain", Key: "copy", CopySource: "plain/source", ...encrypted }));
      assert.equal(await keyOf("plain", "copy"), (await managedKey())?.Arn);
    });

    it("by the bucket's default encryption", async () => {
      await s3.send(new PutObjectCommand({ Bucket: "encrypted", Key: "put", Body: "x" }));
      assert.equal(await keyOf("encrypted", "put"), (await managedKey())?.Arn);
    });
  });

  describe("has a managed key", () => {
    it("that KMS describes as AWS's", async () => {
      const key = await managedKey();
      assert.equal(key?.KeyManager, "AWS");
      assert.match(key.Arn ?? "", new RegExp(`^arn:aws:kms:${testRegion}:${testAccount}:key/[0-9a-f-]{36}$`));
    });

    it("that KMS lists under its alias", async () => {
      const key = await managedKey();
      const { Aliases = [] } = await kms.send(new ListAliasesCommand({}));
      const found = Aliases.filter(({ AliasName }) => AliasName === "alias/aws/s3");
      assert.deepEqual(
        found.map(({ TargetKeyId }) => TargetKeyId),
        [key?.KeyId],
      );
    });

    it("that cannot be deleted", async () => {
      const KeyId = (await managedKey())?.KeyId;
      await assert.rejects(kms.send(new ScheduleKeyDeletionCommand({ KeyId })), { name: "AccessDeniedException" });
    });

    let made = 0;
    const clientOf = async (...own: Statement[]) => {
      made += 1;
      const credentials = await sessionOf(aws, `user-${made}`, { allow: own });
      return new S3Client({ ...sdkConfig(aws, credentials), forcePathStyle: true });
    };
    const place = { Bucket: "plain", Key: "by-role" };

    it("that every role may use that S3 allows", async () => {
      const role = await clientOf(allow("Objects", ["s3:PutObject", "s3:GetObject"]));
      await role.send(new PutObjectCommand({ ...place, Body: "x", ...encrypted }));
      assert.equal((await role.send(new GetObjectCommand(place))).ContentLength, 1);
      role.destroy();
    });

    it("that a role may not use whose policy denies it", async () => {
      const role = await clientOf(allow("Objects", "s3:*"), { ...allow("NoKeys", "kms:*"), Effect: "Deny" });
      const put = role.send(new PutObjectCommand({ ...place, Body: "x", ...encrypted }));
      await assert.rejects(put, { name: "AccessDenied", message: /kms:GenerateDataKey .* with an explicit deny/ });
      role.destroy();
    });

    const through = { "kms:ViaService": `s3.${testRegion}.amazonaws.com`, "kms:CallerAccount": testAccount };
    const decrypt = async (context: Record<string, string>, statements: readonly Statement[] = []) => {
      made += 1;
      const { accessKeyId } = await sessionOf(aws, `user-${made}`, { allow: statements });
      const request = { action: "kms:Decrypt", resources: [(await managedKey())?.Arn ?? ""], context };
      return (await new LauncherAuthorizer(aws.launcher).authorize({ caller: { accessKeyId }, ...request })).allowed;
    };

    it("that works through S3 only", async () => {
      const all = [allow("All", "kms:*")];
      assert.equal(await decrypt(through), true);
      assert.equal(await decrypt({}, all), false);
      assert.equal(await decrypt({ ...through, "kms:ViaService": `sns.${testRegion}.amazonaws.com` }, all), false);
    });

    it("that another account may not use", async () => {
      assert.equal(await decrypt({ ...through, "kms:CallerAccount": "111122223333" }, [allow("All", "kms:*")]), false);
    });
  });

  describe("keeps of an upload", () => {
    const tagsOf = async (Bucket: string, Key: string) =>
      (await s3.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet;

    it("the tags", async () => {
      await upload("tagged", { Tagging: "stage=one&empty=&with%20space=a%2Bb" });
      assert.deepEqual(await tagsOf("plain", "tagged"), [
        { Key: "stage", Value: "one" },
        { Key: "empty", Value: "" },
        { Key: "with space", Value: "a+b" },
      ]);
    });

    it("the tags of each version", async () => {
      for (const stage of ["one", "two"]) await upload("tagged", { Bucket: "versions", Tagging: `stage=${stage}` });
      assert.deepEqual(await tagsOf("versions", "tagged"), [{ Key: "stage", Value: "two" }]);
    });

    it("no tags if it has none, also over a tagged object", async () => {
      await upload("untagged", { Tagging: "stage=one" });
      await upload("untagged", {});
      assert.deepEqual(await tagsOf("plain", "untagged"), []);
    });

    it("no tags of an object that PutObject replaces without tags", async () => {
      const place = { Bucket: "plain", Key: "replaced", Body: "x" };
      await s3.send(new PutObjectCommand({ ...place, Tagging: "stage=one" }));
      await s3.send(new PutObjectCommand(place));
      assert.deepEqual(await tagsOf("plain", "replaced"), []);
    });

    it("at most ten tags", async () => {
      const Tagging = Array.from({ length: 11 }, (_, index) => `key${index}=1`).join("&");
      await assert.rejects(upload("many", { Tagging }), /Object tags cannot be greater than 10/);
    });
  });
});
