import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, it } from "mocha";
import { checkVideo, contentTypeOf, looksLikeVideo } from "./video-file.ts";

describe("a file's content type", () => {
  it("follows its extension in any case, and is generic for an unknown one", () => {
    assert.equal(contentTypeOf("a/b.MOV"), "video/quicktime");
    assert.equal(contentTypeOf("clip.webm"), "video/webm");
    assert.equal(contentTypeOf("clip"), "application/octet-stream");
  });
});

describe("a video by its first bytes", () => {
  const starts: Record<string, Buffer> = {
    mp4: Buffer.from("\0\0\0\x20ftypisom", "latin1"),
    "a mov of the nineties": Buffer.from("\0\x12\x34\x56moovxxxx", "latin1"),
    "mkv and webm": Buffer.from("\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f", "latin1"),
    avi: Buffer.from("RIFF\0\0\0\x10AVI ", "latin1"),
    flv: Buffer.from("FLV\x01\x05\0\0\0\x09", "latin1"),
    wmv: Buffer.from("\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9", "latin1"),
    mpg: Buffer.from("\0\0\x01\xba\x44\0", "latin1"),
    ogv: Buffer.from("OggS\0\x02", "latin1"),
    ts: packets(0),
    "a camcorder's m2ts": packets(4),
  };
  for (const [what, start] of Object.entries(starts)) {
    it(`is ${what}`, () => {
      assert.ok(looksLikeVideo(start));
    });
  }

  it("is not a text that begins with the letter of a transport stream", () => {
    assert.equal(looksLikeVideo(Buffer.from("GIF89a".repeat(100), "latin1")), false);
  });

  for (const text of ["This is a text", "RIFF\0\0\0\x10WAVE", "#EXTM3U\n#EXT-X", "\x89PNG\r\n\x1a\n\0\0\0\r", ""]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(looksLikeVideo(Buffer.from(text, "latin1")), false);
    });
  }

  it("is recognised by the file's content for any name", async () => {
    const sample = join(import.meta.dirname, "..", "..", "model", "samples", "street.mp4");
    assert.ok((await checkVideo(sample)) > 0);
    const folder = await mkdtemp(join(tmpdir(), "video-"));
    try {
      const notes = join(folder, "notes.mp4");
      await writeFile(notes, "These are notes.");
      await assert.rejects(checkVideo(notes), {
        name: "InputError",
        message: /notes\.mp4 is not a video: .* mpg and ogv/,
      });
      await writeFile(notes, "x");
      await assert.rejects(checkVideo(notes), /is not a video/);
      const pipe = join(folder, "pipe.mp4");
      await promisify(execFile)("mkfifo", [pipe]);
      await assert.rejects(checkVideo(pipe), /pipe\.mp4 is not a file/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** Makes two packets of a transport stream, each after the given number of bytes of time. */
function packets(prefix: number): Buffer {
  const packet = Buffer.alloc(prefix + 188);
  packet[prefix] = 0x47;
  return Buffer.concat([packet, packet]);
}
