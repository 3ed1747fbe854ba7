/** Tests for files that no model can use as a video, written by the muxers of FFmpeg. */
import assert from "node:assert/strict";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { checkVideo } from "../video-file.ts";
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

  for (const [name, codecs] of Object.entries(audio)) {
    it(`is only audio in ${name} (${codecs.join(", ")})`, async () => {
      assert.equal(await contentOf(name), "only audio");
      await assert.rejects(checkVideo(inFolder(name)), {
        name: "InputError",
        message: /holds only audio, not a video: pass a video file/,
      });
    });
  }

  for (const [name, codecs] of Object.entries(videos)) {
    it(`is accepted in ${name} (${codecs.join(", ")})`, async () => {
      assert.equal(await contentOf(name), undefined);
      assert.ok((await checkVideo(inFolder(name))) > 0);
    });
  }

  it("is a picture in HEIF, which starts like MP4 and has no tracks", async () => {
    const handler = box("hdlr", Buffer.from("\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0", "latin1"));
    const heif = [box("ftyp", Buffer.from("heic\0\0\0\0mif1heic")), box("meta", Buffer.alloc(4), handler)];
    const pixels = box("mdat", Buffer.alloc(100));
    assert.equal(await contentOfBytes(Buffer.concat([...heif, pixels])), "a picture");
    const sequence = Buffer.concat([...heif, box("moov", box("mvhd", Buffer.alloc(100)), box("trak")), pixels]);
    assert.equal(await contentOfBytes(sequence), undefined);
  });

  it("is accepted in Ogg with a codec that is not certainly audio", async () => {
    const vorbis = page(0x02, "\x01vorbis\0\0\0\0");
    const end = page(0, "rest");
    assert.equal(await contentOfBytes(Buffer.concat([vorbis, end])), "only audio");
    for (const start of ["\x80theora\x03\x02", "BBCD\0\0\0\0"]) {
      assert.equal(await contentOfBytes(Buffer.concat([vorbis, page(0x02, start), end])), undefined, start);
    }
  });

  it("reads only the boxes of a large file", async () => {
    const [, ...rest] = splitAt(await readFile(inFolder("a.mp4")));
    const large = Buffer.alloc(16);
    large.writeUInt32BE(1, 0);
    large.write("mdat", 4, "latin1");
    large.writeBigUInt64BE(BigInt(1024 ** 3), 8);
    await writeFile(inFolder("large.mp4"), box("ftyp", Buffer.from("isom\0\0\0\0")));
    await using handle = await open(inFolder("large.mp4"), "r+");
    await handle.write(large, 0, 16, 16);
    await handle.write(
      Buffer.concat(rest.filter((each) => each.toString("latin1", 4, 8) === "moov")),
      0,
      null,
      16 + 1024 ** 3,
    );
    const started = performance.now();
    assert.equal(await contentOf("large.mp4"), "only audio");
    assert.ok(performance.now() - started < 2_000);
  });

  it("is undecided, and accepted, if the list of tracks is cut, in every format", async () => {
    for (const name of Object.keys(audio)) {
      const bytes = await readFile(inFolder(name));
      for (const end of [5, 13, 30, 40]) {
        assert.equal(await contentOfBytes(bytes.subarray(0, end)), undefined, `${name} to byte ${end}`);
      }
    }
  });
});

/** Makes a box of ISO/IEC 14496-12. */
function box(type: string, ...content: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + content.reduce((sum, { length }) => sum + length, 0));
  head.write(type, 4, "latin1");
  return Buffer.concat([head, ...content]);
}

/** Returns the top-level boxes of a file. */
function splitAt(file: Buffer): readonly Buffer[] {
  const boxes: Buffer[] = [];
  for (let at = 0; at < file.length; at += file.readUInt32BE(at)) {
    boxes.push(file.subarray(at, at + file.readUInt32BE(at)));
  }
  return boxes;
}

/** Makes a page of Ogg with one packet. */
function page(flags: number, packet: string): Buffer {
  const head = Buffer.alloc(28);
  head.write("OggS", 0, "latin1");
  head.writeUInt8(flags, 5);
  head.writeUInt8(1, 26);
  head.writeUInt8(packet.length, 27);
  return Buffer.concat([head, Buffer.from(packet, "latin1")]);
}
