/** Tests for the times of videos that the muxers of FFmpeg write. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { startFakeAws } from "../../testing/fake-aws.ts";
import { videos, writeMediaFiles } from "../../testing/media-files.ts";
import { connect } from "../stack.ts";
import { fileSource, s3Source } from "./byte-source.ts";
import type { ByteSource } from "./byte-source.ts";
import { probeVideo } from "./probe.ts";
import type { ProbeOptions } from "./probe.ts";

const street = join(import.meta.dirname, "..", "..", "..", "model", "samples", "street.mp4");

/** Containers whose duration the library does not read. */
const unknown = ["v.avi", "silent.avi", "v.flv", "a.flv", "v.mpg", "mpeg2.ts"];

describe("the times of a video", function () {
  this.timeout(120_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "probe-"));
    await writeMediaFiles(folder);
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  const probeFile = async (file: string, options: Partial<ProbeOptions> = {}) => {
    await using handle = await open(file);
    const source = fileSource(handle, (await handle.stat()).size);
    return await probeVideo(source, { timesOf: (duration) => [duration / 2], ...options });
  };

  const knownOnes = Object.keys(videos).filter((name) => !unknown.includes(name));
  for (const name of knownOnes) {
    it(`are read from ${name}`, async () => {
      const { duration, keyframes, problem } = await probeFile(join(folder, name));
      assert.deepEqual({ keyframes, problem }, { keyframes: [0], problem: undefined });
      checkDuration(duration, 1);
    });
  }

  for (const name of unknown) {
    it(`are unknown for ${name}, with the reason`, async () => {
      const { duration, keyframes, problem } = await probeFile(join(folder, name));
      assert.deepEqual({ duration, keyframes }, { duration: null, keyframes: [] });
      assert.match(problem ?? "", /unsupported|no video track/);
    });
  }

  it("include the last keyframe before each requested time", async () => {
    const { duration, keyframes } = await probeFile(street, { timesOf: () => [1.9, 2, 7] });
    assert.deepEqual(keyframes, [0, 2, 6]);
    checkDuration(duration, 12);
  });

  it("are read by a file system that returns less than was requested", async () => {
    await using handle = await open(street);
    const read = async (buffer: Uint8Array, offset: number, length: number, position: number) =>
      await handle.read(buffer, offset, Math.min(length, 5_000), position);
    const source = fileSource({ read }, (await handle.stat()).size);
    assert.deepEqual((await probeVideo(source, { timesOf: () => [7] })).keyframes, [6]);
  });

  it("are read from an object in S3 by ranges, of its version only", async () => {
    await using aws = await startFakeAws();
    using stack = connect(aws.outputs);
    const uri = `s3://${aws.outputs.inputBucket}/${aws.outputs.inputPrefix}street.mp4`;
    const content = await readFile(street);
    aws.s3.objects.set(uri.slice("s3://".length), content);
    const etag = `"${createHash("md5").update(content).digest("hex")}"`;
    const object = { uri, bytes: content.length, etag };
    const options = { timesOf: () => [7] };
    const { duration, keyframes } = await probeVideo(s3Source(stack.s3, object), options);
    assert.deepEqual(keyframes, [6]);
    checkDuration(duration, 12);
    const { problem } = await probeVideo(s3Source(stack.s3, { ...object, etag: '"other"' }), options);
    assert.equal(problem, "the object changed while it was read");
  });

  describe("of a source that cannot be read", () => {
    const broken = (read: ByteSource["read"]): ByteSource => ({ bytes: 1024 ** 3, read });
    const timesOf = () => [];

    it("are unknown at the time limit", async () => {
      const never = broken(() => new Promise(() => undefined));
      const { duration, problem } = await probeVideo(never, { timesOf, limitSeconds: 0.3 });
      assert.equal(duration, null);
      assert.equal(problem, "its container was not read within 0.3 s");
    });

    it("are unknown at the maximum number of bytes", async () => {
      const zeros = broken((from, to) => Promise.resolve(new Uint8Array(to - from)));
      const { problem } = await probeVideo(zeros, { timesOf, maxBytes: 1024 });
      assert.match(problem ?? "", /needs more than .* of reads/);
    });

    it("are unknown with the error of the read", async () => {
      const failing = broken(() => Promise.reject(new Error("the disk is gone")));
      const { problem } = await probeVideo(failing, { timesOf });
      assert.equal(problem, "the disk is gone");
    });

    it("are left by the caller's signal", async () => {
      const controller = new AbortController();
      const stuck = broken(() => {
        controller.abort();
        return new Promise(() => undefined);
      });
      await assert.rejects(probeVideo(stuck, { timesOf, signal: controller.signal }), { name: "AbortError" });
    });
  });
});

/** Checks a duration: containers may state that of the longest track, which exceeds the video's by a few frames. */
function checkDuration(actual: number | null, expected: number): void {
  assert.ok(Math.abs((actual ?? NaN) - expected) < 0.1, String(actual));
}
