import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, truncateSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect } from "./stack.ts";
import type { Stack } from "./stack.ts";
import { objectKey, startFakeAws } from "../testing/fake-aws.ts";
import type { FakeAws } from "../testing/fake-aws.ts";
import { uploadVideo } from "./upload.ts";
import type { UploadProgress } from "./upload.ts";
import { maxInputBytes } from "./limits.ts";

describe("uploading a video", () => {
  const content = Buffer.from("a short video");
  const sha256 = createHash("sha256").update(content).digest("hex");
  let aws: FakeAws;
  let stack: Stack;
  let folder: string;
  let file: string;

  beforeEach(async () => {
    aws = await startFakeAws();
    stack = connect(aws.outputs);
    folder = await mkdtemp(join(tmpdir(), "upload-"));
    file = join(folder, "Street.MP4");
    await writeFile(file, content);
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it("puts it below the input prefix under its content's hash", async () => {
    assert.deepEqual(await uploadVideo(stack, file), {
      file,
      inputLocation: `s3://in/videos/${sha256}.mp4`,
      contentType: "video/mp4",
      bytes: content.length,
      sha256,
      etag: `"${createHash("md5").update(content).digest("hex")}"`,
      skipped: false,
    });
    assert.deepEqual(aws.objects.get(`in/videos/${sha256}.mp4`), content);
    const put = aws.requests.find(({ operation }) => operation === "PutObject")!;
    assert.equal(put.headers["content-type"], "video/mp4");
  });

  it("puts it into the caller's folder", async () => {
    const { inputLocation } = await uploadVideo(stack, file, { folder: "smoke-1" });
    assert.equal(inputLocation, `s3://in/videos/smoke-1/${sha256}.mp4`);
  });

  it("sends nothing if the same bytes exist", async () => {
    await uploadVideo(stack, file);
    const again = await uploadVideo(stack, file);
    assert.equal(again.skipped, true);
    assert.equal(aws.count("PutObject"), 1);
  });

  it("sends nothing if the same parts exist", async () => {
    await writeFile(file, randomBytes(40 * 1024 * 1024));
    await uploadVideo(stack, file);
    const again = await uploadVideo(stack, file);
    assert.equal(again.skipped, true);
    assert.equal(aws.count("UploadPart"), 3);
  });

  it("keeps the object of another upload of the same file that ends first", async () => {
    for (const bytes of [1000, 40 * 1024 * 1024]) {
      await writeFile(file, randomBytes(bytes));
      const both = await Promise.all([uploadVideo(stack, file), uploadVideo(stack, file)]);
      assert.deepEqual(both.map(({ skipped }) => skipped).toSorted(), [false, true]);
    }
  });

  for (const bytes of [1000, 40 * 1024 * 1024]) {
    it(`overwrites ${bytes} bytes that another caller has put there`, async () => {
      await writeFile(file, randomBytes(bytes));
      const { inputLocation } = await uploadVideo(stack, file);
      const own = aws.objects.get(objectKey(inputLocation))!;
      const foreign = join(folder, "foreign.mp4");
      await writeFile(foreign, randomBytes(bytes));
      const planted = await uploadVideo(stack, foreign);
      aws.s3.copy(objectKey(planted.inputLocation), objectKey(inputLocation));
      assert.equal((await uploadVideo(stack, file)).skipped, false);
      assert.ok(own.equals(aws.objects.get(objectKey(inputLocation))!));
    });
  }

  it("overwrites an object of the same size that has no SHA-256", async () => {
    aws.objects.set(`in/videos/${sha256}.mp4`, Buffer.from("another video".slice(0, content.length)));
    assert.equal((await uploadVideo(stack, file)).skipped, false);
    assert.deepEqual(aws.objects.get(`in/videos/${sha256}.mp4`), content);
  });

  it("overwrites an object of another size", async () => {
    aws.objects.set(`in/videos/${sha256}.mp4`, Buffer.from("half"));
    assert.equal((await uploadVideo(stack, file)).skipped, false);
    assert.deepEqual(aws.objects.get(`in/videos/${sha256}.mp4`), content);
  });

  for (const [hours, skipped] of [
    [25, true],
    [23, false],
  ] as const) {
    it(`${skipped ? "skips" : "uploads again"} an object that a lifecycle rule removes in ${hours} hours`, async () => {
      await uploadVideo(stack, file);
      aws.s3.expiry = new Date(aws.now.getTime() + hours * 3_600_000);
      assert.equal((await uploadVideo(stack, file)).skipped, skipped);
    });
  }

  it("sends it if the caller may write but not read", async () => {
    aws.fail({ operation: "HeadObject", answer: { status: 403, code: "Forbidden" } });
    assert.equal((await uploadVideo(stack, file)).skipped, false);
  });

  it("sends a large file in parts, and reports both steps to their end", async () => {
    const large = randomBytes(50 * 1024 * 1024);
    await writeFile(file, large);
    const seen: UploadProgress[] = [];
    const { inputLocation } = await uploadVideo(stack, file, { onProgress: (progress) => seen.push(progress) });
    assert.ok(large.equals(aws.objects.get(objectKey(inputLocation))!));
    assert.equal(aws.count("UploadPart"), 4);
    for (const step of ["hashing", "uploading"]) {
      const last = seen.filter((progress) => progress.step === step).at(-1);
      assert.deepEqual(last, { step, loaded: large.length, total: large.length });
    }
  });

  it("sends a part again when the service throttles", async () => {
    await writeFile(file, randomBytes(18 * 1024 * 1024));
    aws.fail({ operation: "UploadPart", times: 2, answer: { status: 503, code: "SlowDown" } });
    const { inputLocation, bytes } = await uploadVideo(stack, file);
    assert.equal(aws.objects.get(objectKey(inputLocation))!.length, bytes);
  });

  it("leaves no object and no parts when a part is refused", async () => {
    await writeFile(file, randomBytes(18 * 1024 * 1024));
    aws.fail({ operation: "UploadPart", answer: { status: 403, code: "AccessDenied" } });
    await assert.rejects(uploadVideo(stack, file), { name: "AccessDenied" });
    assert.equal(aws.objects.size, 0);
    assert.equal(aws.s3.openUploads, 0);
  });

  it("leaves no object and no parts when the caller interrupts it", async () => {
    await writeFile(file, randomBytes(50 * 1024 * 1024));
    const controller = new AbortController();
    const uploading = uploadVideo(stack, file, {
      signal: controller.signal,
      onProgress: ({ step }) => {
        if (step === "uploading") controller.abort();
      },
    });
    await assert.rejects(uploading, { name: "AbortError" });
    assert.equal(aws.objects.size, 0);
    assert.equal(aws.s3.openUploads, 0);
  });

  for (const [what, change] of [
    [
      "grows",
      () => {
        appendFileSync(file, "more");
      },
    ],
    [
      "becomes shorter",
      () => {
        truncateSync(file, 17 * 1024 * 1024);
      },
    ],
    [
      "changes",
      () => {
        writeFileSync(file, randomBytes(18 * 1024 * 1024));
      },
    ],
  ] as const) {
    it(`refuses a file that ${what} between hashing and sending, and leaves nothing of it`, async () => {
      await writeFile(file, randomBytes(18 * 1024 * 1024));
      let changed = false;
      const uploading = uploadVideo(stack, file, {
        onProgress: ({ loaded, total }) => {
          if (!changed && loaded === total) {
            change();
            changed = true;
          }
        },
      });
      await assert.rejects(uploading, /changed while it was uploaded/);
      assert.equal(aws.objects.size, 0);
      assert.equal(aws.s3.openUploads, 0);
    });
  }

  describe("is refused before anything is sent", () => {
    afterEach(() => {
      assert.deepEqual(aws.requests, []);
    });

    it("if the file is missing", async () => {
      await assert.rejects(uploadVideo(stack, join(folder, "none.mp4")), /ENOENT.*give the path/);
    });

    it("if it is a folder", async () => {
      await mkdir(join(folder, "clips.mp4"));
      await assert.rejects(uploadVideo(stack, join(folder, "clips.mp4")), /is not a file/);
    });

    it("if it is empty", async () => {
      await writeFile(file, "");
      await assert.rejects(uploadVideo(stack, file), /is empty/);
    });

    it("if it is larger than S3's maximum, and requests refer to videos", async () => {
      using small = connect({ ...aws.outputs, requests: "reference", maxInputSize: 2048 });
      await truncate(file, 2 * maxInputBytes + 1);
      await assert.rejects(uploadVideo(small, file), /S3 stores up to 2048 MiB in an object\. Cut it/);
    });

    it("if it is larger than AWS's 1 GB, with the fix", async () => {
      await truncate(file, maxInputBytes + 1);
      await assert.rejects(uploadVideo(stack, file), /accepts up to 1024 MiB\. Cut it/);
    });

    it("if it is larger than the stack accepts, naming the setting", async () => {
      await truncate(file, 2 * 1024 ** 2 + 1);
      using small = connect({ ...aws.outputs, maxRequestSize: 2 });
      await assert.rejects(
        uploadVideo(small, file),
        /has 2\.1 MiB; the stack accepts up to 2 MiB .*raise maxRequestSize/,
      );
    });
  });
});
