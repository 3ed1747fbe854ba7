/** Tests for files that no model can use as a video, written by the muxers of FFmpeg. */
import assert from "node:assert/strict";
import { mkdtempDisposable, open, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import fc from "fast-check";
import { audio, videos, writeMediaFiles } from "../../testing/media-files.ts";
import { findNoVideo } from "./content.ts";

describe("the content of a file", () => {
  it("is found in bounded time in any damaged file, without an error", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "content-"));
    const inFolder = (name: string) => join(folder.path, name);
    await writeMediaFiles(folder.path);
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
        await writeFile(inFolder("bytes"), damaged);
        await using handle = await open(inFolder("bytes"));
        const content = await findNoVideo(handle, damaged.length);
        assert.ok([undefined, "only audio", "a picture"].includes(content));
      }),
      { numRuns: 100 },
    );
  }).timeout(120_000);
});
