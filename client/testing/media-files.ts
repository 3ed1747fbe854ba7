/** Media files that the muxers of FFmpeg write, for tests of what a file holds. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

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

/** File name to codecs. */
export const audio: Readonly<Record<string, readonly string[]>> = {
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

/** File name to codecs. */
export const videos: Readonly<Record<string, readonly string[]>> = {
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

/** Writes all files of `audio` and `videos` to the folder. Takes some seconds. */
export async function writeMediaFiles(folder: string): Promise<void> {
  const python = join(import.meta.dirname, "..", "..", "tools", "python.mjs");
  const args = [python, "-c", muxer, folder, JSON.stringify({ ...audio, ...videos })];
  await promisify(execFile)(process.execPath, args, { timeout: 100_000 });
}
