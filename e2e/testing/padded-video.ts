/** For tests: the sample video with a large gap before its packets, which takes no space on the disk. */
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { repoRoot } from "../../tools/paths.mjs";

/** The sample video: an MP4 file with the boxes ftyp, moov and mdat in this order. */
export const sample = join(repoRoot, "model", "samples", "street.mp4");

/**
 * Writes the sample's packets behind a `free` box (ISO/IEC 14496-12, 8.1.2), so that the file has a given size.
 * @param bytes size of the file, less than 4 GiB
 */
export async function writePaddedVideo(path: string, bytes: number): Promise<void> {
  const video = await readFile(sample);
  const mdat = video.indexOf("mdat") - 4;
  const padding = bytes - video.length;
  const start = Buffer.alloc(mdat + 8);
  video.copy(start, 0, 0, mdat);
  for (let at = start.indexOf("stco"); at !== -1; at = start.indexOf("stco", at + 4)) moveChunks(start, at, padding);
  start.writeUInt32BE(padding, mdat);
  start.write("free", mdat + 4, "latin1");
  await using file = await open(path, "w");
  await file.write(start, 0, start.length, 0);
  await file.write(video, mdat, video.length - mdat, mdat + padding);
}

/** Moves the offsets of a chunk offset box (ISO/IEC 14496-12, 8.7.5), which follow its type, version, flags and their number. */
function moveChunks(boxes: Buffer, at: number, by: number): void {
  const count = boxes.readUInt32BE(at + 8);
  for (let index = 0; index < count; index += 1) {
    const place = at + 12 + 4 * index;
    boxes.writeUInt32BE(boxes.readUInt32BE(place) + by, place);
  }
}
