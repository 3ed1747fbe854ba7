/** Tests for files that no model can use as a video, written by the muxers of FFmpeg. */
import assert from "node:assert/strict";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import fc from "fast-check";
import { audio, videos, writeMediaFiles } from "../../testing/media-files.ts";
import { findNoVideo } from "./content.ts";

describe("the content of a file", function () {
  this.timeout(120_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "content-"));
    await writeMediaFiles(folder);
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  const inFolder = (name: string) => join(folder, name);
  const contentOf = async (name: string) => {
    await using handle = await open(inFolder(name));
    return await findNoVideo(handle, (await handle.stat()).size);
  };
  const contentOfBytes = async (bytes: Buffer) => {
    await writeFile(inFolder("bytes"), bytes);
    return await contentOf("bytes");
  };
  it("is found in bounded time in any damaged file, without an error", async () => {
    const names = [...Object.keys(audio), ...Object.keys(videos)];
    const damage = fc.record({
      name: fc.constantFrom(...names),
      at: fc.nat(2000),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ name, at, bytes }) => {
        const damaged = Buffer.from(await readFile(inFolder(name)));
        damaged.set(bytes.subarray(0, Math.max(0, damaged.length - at)), Math.min(at, damaged.length));
        const content = await contentOfBytes(damaged);
        assert.ok([undefined, "only audio", "a picture"].includes(content));
      }),
      { numRuns: 100 },
    );
  });
});
