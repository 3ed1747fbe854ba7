/**
 * Reads the tracks of Matroska and WebM files (RFC 9559, sections 5.1.4 "Tracks Element" and 5.1.4.1.3 "TrackType
 * Element").
 */
import type { TrackKind } from "./content.ts";
import type { BoundedReader } from "./reader.ts";
import { UndecidedError } from "./reader.ts";

const ids = { ebml: 0x1a45dfa3, segment: 0x18538067, cluster: 0x1f43b675, tracks: 0x1654ae6b, entry: 0xae, type: 0x83 };

/** Track types: 1 video, 2 audio, 17 subtitles, 18 buttons, 32 control, 33 metadata. Type 3 is a mix of several. */
const kinds: ReadonlyMap<number, TrackKind> = new Map([
  [1, "video"],
  [2, "audio"],
  ...[17, 18, 32, 33].map((type) => [type, "other"] as const),
]);

/** An element: its ID and the range of its content; `to` is undefined if its size is unknown. */
interface Element {
  readonly id: number;
  readonly from: number;
  readonly to: number | undefined;
}

/**
 * Reads the tracks that precede the first cluster.
 * @throws UndecidedError if there are none before it, or if the elements are damaged
 */
export async function matroskaTracks(reader: BoundedReader): Promise<readonly TrackKind[]> {
  for await (const top of elements(reader, 0, reader.size)) {
    if (top.id !== ids.segment) continue;
    for await (const element of elements(reader, top.from, top.to ?? reader.size)) {
      if (element.id === ids.tracks) return await entriesOf(reader, element);
      if (element.id === ids.cluster) throw new UndecidedError("the tracks follow the first cluster");
    }
  }
  return [];
}

async function entriesOf(reader: BoundedReader, tracks: Element): Promise<readonly TrackKind[]> {
  const found: TrackKind[] = [];
  for await (const entry of elements(reader, tracks.from, endOf(tracks))) {
    if (entry.id !== ids.entry) continue;
    let kind: TrackKind = "unknown";
    for await (const element of elements(reader, entry.from, endOf(entry))) {
      if (element.id !== ids.type) continue;
      const length = endOf(element) - element.from;
      if (length < 1 || length > 6) throw new UndecidedError("a track's type has a wrong size");
      kind = kinds.get((await reader.read(element.from, length)).readUIntBE(0, length)) ?? "unknown";
    }
    found.push(kind);
  }
  return found;
}

function endOf({ to }: Element): number {
  if (to === undefined) throw new UndecidedError("an element has no size");
  return to;
}

async function* elements(reader: BoundedReader, from: number, to: number): AsyncGenerator<Element> {
  for (let at = from; at < to;) {
    // An ID has at max 4 bytes, a size at max 8 (RFC 8794, sections 5 and 6).
    const head = await reader.readUpTo(at, Math.min(12, to - at));
    const idBytes = lengthOf(head, 0, 4);
    const sizeBytes = lengthOf(head, idBytes, 8);
    const marked = head.subarray(idBytes, idBytes + sizeBytes);
    const size = marked.reduce(
      (value, byte, index) => value * 256 + (index === 0 ? byte & (0xff >> sizeBytes) : byte),
      0,
    );
    // All bits set: the size is unknown.
    const isUnknown = size >= 2 ** (7 * sizeBytes) - 1;
    const content = at + idBytes + sizeBytes;
    if (!isUnknown && content + size > to) throw new UndecidedError(`the element at byte ${at} is cut`);
    yield { id: head.readUIntBE(0, idBytes), from: content, to: isUnknown ? undefined : content + size };
    if (isUnknown) throw new UndecidedError("an element without a size hides the elements after it");
    at = content + size;
  }
}

/** Returns the length of the number at an offset, bytes: one more than the leading zeros of its first byte. */
function lengthOf(bytes: Buffer, at: number, max: number): number {
  const length = Math.clz32(bytes[at] ?? 0) - 23;
  if (length > max || at + length > bytes.length) throw new UndecidedError("an element is damaged");
  return length;
}
