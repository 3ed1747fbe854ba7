/**
 * Reads the tracks of MP4 and QuickTime files (ISO/IEC 14496-12, 4.2 "Object structure" and 8.4.3 "Handler reference
 * box").
 */
import type { TrackKind } from "./content.ts";
import type { BoundedReader } from "./reader.ts";
import { UndecidedError } from "./reader.ts";

/** A box: its type and the range of its content. */
interface Box {
  readonly type: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Handler types: `soun` is audio; text, subtitles, captions, time codes, metadata and hints are not video. QuickTime
 * has others, some of which contain video (`MPEG`).
 */
const kinds: ReadonlyMap<string, TrackKind> = new Map([
  ["soun", "audio"],
  ["vide", "video"],
  ...["text", "sbtl", "subt", "clcp", "tmcd", "meta", "hint"].map((type) => [type, "other"] as const),
]);

/**
 * Reads the tracks. Recognises a file without tracks that is a picture (HEIF, AVIF: ISO/IEC 23008-12).
 * @throws UndecidedError if the boxes do not tell
 */
export async function isoContent(reader: BoundedReader): Promise<readonly TrackKind[] | "a picture"> {
  let isPicture = false;
  for await (const box of boxes(reader, 0, reader.size)) {
    if (box.type === "moov") return await tracksOf(reader, box);
    // A full box: version and flags come first.
    if (box.type === "meta") isPicture ||= (await handlerOf(reader, { ...box, from: box.from + 4 })) === "pict";
  }
  return isPicture ? "a picture" : [];
}

async function tracksOf(reader: BoundedReader, moov: Box): Promise<readonly TrackKind[]> {
  const tracks: TrackKind[] = [];
  for await (const track of boxes(reader, moov.from, moov.to)) {
    if (track.type !== "trak") continue;
    let handler: string | undefined;
    for await (const box of boxes(reader, track.from, track.to)) {
      if (box.type === "mdia") handler ??= await handlerOf(reader, box);
    }
    tracks.push(kinds.get(handler ?? "") ?? "unknown");
  }
  return tracks;
}

/** Returns the handler type of the first `hdlr` box inside. */
async function handlerOf(reader: BoundedReader, parent: Box): Promise<string | undefined> {
  for await (const box of boxes(reader, parent.from, parent.to)) {
    if (box.type === "hdlr") return (await reader.read(box.from + 8, 4)).toString("latin1");
  }
  return undefined;
}

async function* boxes(reader: BoundedReader, from: number, to: number): AsyncGenerator<Box> {
  for (let at = from; at + 8 <= to;) {
    const head = await reader.read(at, 8);
    const short = head.readUInt32BE(0);
    const large = short === 1 ? Number((await reader.read(at + 8, 8)).readBigUInt64BE(0)) : undefined;
    // A size of 0 means that the box extends to the end.
    const size = large ?? (short === 0 ? to - at : short);
    const headBytes = large === undefined ? 8 : 16;
    if (size < headBytes || at + size > to) throw new UndecidedError(`the box at byte ${at} has a wrong size`);
    yield { type: head.toString("latin1", 4, 8), from: at + headBytes, to: at + size };
    at += size;
  }
}
