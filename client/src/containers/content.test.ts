/** Tests for files that no model can use as a video, written by the muxers of FFmpeg. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import fc from "fast-check";
import { checkVideo } from "../video-file.ts";
import { findNoVideo } from "./content.ts";

/**
 * Python program that writes FOLDER/NAME with a second of each codec, from `{"NAME": ["CODEC", …]}` on the command
 * line.
 */
const muxer = `
import json, os, sys
import av, numpy

folder, files = sys.argv[1], json.loads(sys.argv[2])
for name, codecs in files.items():
    options = {"movflags": "frag_keyframe+empty_moov"} if name.startswith("fragmented") else {}
    with av.open(os.path.join(folder, name), "w", options=options) as container:
        streams = []
        for codec in codecs:
            if av.Codec(codec, "w").type == "video":
                stream = container.add_stream(codec, rate=5)
                stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p" if codec == "mjpeg" else "yuv420p"
            else:
                stream = container.add_stream(codec, rate=48000, options={"strict": "experimental"})
                stream.layout = "stereo"
            streams.append(stream)
        for stream in streams:
            if stream.type == "video":
                for _ in range(5):
                    frame = av.VideoFrame.from_ndarray(numpy.zeros((64, 64, 3), numpy.uint8), format="rgb24")
                    container.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
            else:
                resampler = av.AudioResampler(stream.format.name, "stereo", 48000, stream.codec_context.frame_size or None)
                frame = av.AudioFrame.from_ndarray(numpy.zeros((1, 96000), numpy.int16), format="s16", layout="stereo")
                frame.sample_rate = 48000
                for part in [*resampler.resample(frame), *resampler.resample(None)]:
                    container.mux(stream.encode(part))
            container.mux(stream.encode(None))
`;

const audio: Readonly<Record<string, readonly string[]>> = {
  "a.m4a": ["aac"],
  "a.mp4": ["aac"],
  "fragmented.mp4": ["aac"],
  "a.mov": ["pcm_s16le"],
  "a.mka": ["libopus"],
  "a.mkv": ["aac", "aac"],
  "a.webm": ["libopus"],
  "a.ogg": ["libopus"],
  "a.ogv": ["vorbis"],
  "a.avi": ["mp2"],
  "a.ts": ["aac", "mp2"],
  "a.m2ts": ["ac3"],
};

const videos: Readonly<Record<string, readonly string[]>> = {
  "v.mp4": ["aac", "libx264"],
  "fragmented-v.mp4": ["aac", "libx264"],
  "mpeg4.mov": ["mpeg4", "pcm_s16le"],
  "v.mkv": ["aac", "ffv1"],
  "v.webm": ["libopus", "libvpx-vp9"],
  "v.avi": ["mp2", "mpeg4"],
  "silent.avi": ["mjpeg"],
  "v.ts": ["aac", "libx264"],
  "mpeg2.ts": ["mp2", "mpeg2video"],
  "v.m2ts": ["ac3", "libx264"],
  "v.mpg": ["mp2", "mpeg2video"],
  "v.flv": ["aac", "libx264"],
  "a.flv": ["aac"],
};

describe("the content of a file", function () {
  this.timeout(120_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "content-"));
    const python = join(import.meta.dirname, "..", "..", "..", "tools", "python.mjs");
    const args = [python, "-c", muxer, folder, JSON.stringify({ ...audio, ...videos })];
    await promisify(execFile)(process.execPath, args, { timeout: 100_000 });
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
