/** Tests the client's uploads and range reads with the emulator's S3: checksums of objects and parts, and parts of objects. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { sharedTestEnvironment } from "../testing/environment.ts";
import { parseS3Uri, readStart } from "../../client/src/s3-objects.ts";
import { connect } from "../../client/src/stack.ts";
import type { Stack } from "../../client/src/stack.ts";
import { outputsAt } from "../../client/testing/outputs-at.ts";
import { uploadVideo } from "../../client/src/upload.ts";

describe("uploading to the emulator's S3", () => {
  let stack: Stack;
  let folder: string;
  let file: string;

  before(async () => {
    const { aws } = await sharedTestEnvironment();
    stack = connect({ ...outputsAt(aws.url), inputBucket: "input" }, aws.credentials);
    await stack.s3.send(new CreateBucketCommand({ Bucket: stack.outputs.inputBucket }));
    folder = await mkdtemp(join(tmpdir(), "upload-"));
    file = join(folder, "video.mp4");
  });

  after(async () => {
    const Bucket = stack.outputs.inputBucket;
    const { Contents = [] } = await stack.s3.send(new ListObjectsV2Command({ Bucket }));
    await stack.s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: Contents.map(({ Key }) => ({ Key })) } }),
    );
    await stack.s3.send(new DeleteBucketCommand({ Bucket }));
    stack.close();
    await rm(folder, { recursive: true });
  });

  for (const [mode, bytes] of [
    ["in one request", 1000],
    ["in parts", 40 * 1024 * 1024],
  ] as const) {
    it(`sends a file ${mode}, skips it the second time, and replaces another caller's object of the same size`, async () => {
      await writeFile(file, randomBytes(bytes));
      const { inputLocation, skipped } = await uploadVideo(stack, file);
      assert.equal(skipped, false);
      assert.equal((await uploadVideo(stack, file)).skipped, true);
      await stack.s3.send(
        new PutObjectCommand({ ...parseS3Uri(inputLocation), Body: randomBytes(bytes), ChecksumAlgorithm: "SHA256" }),
      );
      assert.equal((await uploadVideo(stack, file)).skipped, false);
      assert.equal((await uploadVideo(stack, file)).skipped, true);
    });
  }

  it("reads the start of an object, all of a smaller one and nothing of an empty one", async () => {
    for (const [content, start] of [
      ["a failure's text", "a fai"],
      ["text", "text"],
      ["", ""],
    ] as const) {
      const uri = `s3://${stack.outputs.inputBucket}/${content.length}`;
      await stack.s3.send(new PutObjectCommand({ ...parseS3Uri(uri), Body: content, ContentLength: content.length }));
      assert.equal(Buffer.from((await readStart(stack.s3, uri, 5)).start).toString(), start);
    }
  });
});
