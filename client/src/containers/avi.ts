/**
 * Reads the streams of AVI files (Microsoft, "AVI RIFF File Reference": the list `hdrl` has a list `strl` per stream,
 * whose `strh` names the type).
 */
import type { TrackKind } from "./content.ts";
import type { BoundedReader } from "./reader.ts";

/** Stream types: audio, subtitles and MIDI. The type `iavs` interleaves audio and video. */
const kinds: ReadonlyMap<string, TrackKind> = new Map([
  ["vids", "video"],
  ["auds", "audio"],
  ["txts", "other"],
  ["mids", "other"],
]);

/** A chunk. The content of a list starts with its type. */
interface Chunk {
  readonly id: string;
  readonly type: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Reads the streams.
 * @throws UndecidedError if the file is cut before its header ends
 */
export async function aviStreams(reader: BoundedReader): Promise<readonly TrackKind[]> {
  for await (const header of chunks(reader, 12, reader.size)) {
    if (header.type !== "hdrl") continue;
    const streams: TrackKind[] = [];
    for await (const stream of chunks(reader, header.from, header.to)) {
      if (stream.type !== "strl") continue;
      for await (const { id, type } of chunks(reader, stream.from, stream.to)) {
        if (id === "strh") streams.push(kinds.get(type) ?? "unknown");
      }
    }
    return streams;
  }
  return [];
}

async function* chunks(reader: BoundedReader, from: number, to: number): AsyncGenerator<Chunk> {
  for (let at = from; at + 12 <= to;) {
    const head = await reader.read(at, 12);
    const size = head.readUInt32LE(4);
    const [id, type] = [head.toString("latin1", 0, 4), head.toString("latin1", 8, 12)];
    yield { id, type, from: at + 12, to: Math.min(at + 8 + size, to) };
    // Chunks begin at even offsets.
    at += 8 + size + (size % 2);
  }
}
