/**
 * Reads the streams of Ogg files (RFC 3533, section 6): each begins with a page that names its codec, before all other
 * pages.
 */
import type { TrackKind } from "./content.ts";
import type { BoundedReader } from "./reader.ts";
import { UndecidedError } from "./reader.ts";

/** First bytes of the streams' first packets: audio codecs, and the index of all streams (Skeleton). */
const kinds: readonly (readonly [start: string, kind: TrackKind])[] = [
  ["\x01vorbis", "audio"],
  ["OpusHead", "audio"],
  ["\x7fFLAC", "audio"],
  ["Speex   ", "audio"],
  ["fishead\0", "other"],
];

const headBytes = 27;
/** Bit of a page's flags: the page starts a stream. */
const first = 0x02;

/**
 * Reads the streams.
 * @throws UndecidedError if the pages are damaged
 */
export async function oggStreams(reader: BoundedReader): Promise<readonly TrackKind[]> {
  const streams: TrackKind[] = [];
  for (let at = 0; ;) {
    const head = await reader.read(at, headBytes);
    if (head.toString("latin1", 0, 4) !== "OggS") throw new UndecidedError(`there is no page at byte ${at}`);
    if ((head.readUInt8(5) & first) === 0) return streams;
    const segments = head.readUInt8(headBytes - 1);
    const table = await reader.read(at + headBytes, segments);
    const content = at + headBytes + segments;
    const start = (await reader.readUpTo(content, 8)).toString("latin1");
    streams.push(kinds.find(([each]) => start.startsWith(each))?.[1] ?? "unknown");
    at = content + table.reduce((sum, length) => sum + length, 0);
  }
}
