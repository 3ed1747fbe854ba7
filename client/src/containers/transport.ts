/** Reads the streams of MPEG transport streams from their program tables (ISO/IEC 13818-1, 2.4.4.3 and 2.4.4.8). */
import type { TrackKind } from "./content.ts";
import type { BoundedReader } from "./reader.ts";
import { UndecidedError } from "./reader.ts";

/** Number of bytes searched for the tables, which are repeated about ten times a second. */
const searchedBytes = 1024 ** 2;

const packetBytes = 188;
const syncByte = 0x47;

/**
 * Stream types (ISO/IEC 13818-1, table 2-34; ATSC A/53 for 0x81 and 0x87; SCTE 35 for 0x86): audio, and types that are
 * not video. Private streams (0x06) may be.
 */
const audioTypes = [0x03, 0x04, 0x0f, 0x11, 0x81, 0x87];
const otherTypes = [0x05, 0x15, 0x86];

/**
 * Reads the streams of all programs.
 * @throws UndecidedError if a table is missing in the first megabyte, or does not fit into one packet
 */
export async function transportStreams(reader: BoundedReader): Promise<readonly TrackKind[]> {
  const bytes = await reader.readUpTo(0, searchedBytes);
  // Blu-ray discs and camcorders put 4 bytes of time before each packet.
  const prefix = bytes[0] === syncByte && bytes[packetBytes] === syncByte ? 0 : 4;
  let tables: readonly number[] | undefined;
  const programs = new Map<number, readonly TrackKind[]>();
  for (let at = prefix; at + packetBytes <= bytes.length; at += prefix + packetBytes) {
    const packet = bytes.subarray(at, at + packetBytes);
    if (packet[0] !== syncByte) throw new UndecidedError(`there is no packet at byte ${at}`);
    const pid = packet.readUInt16BE(1) & 0x1fff;
    if (pid === 0) tables ??= sectionOf(packet, 0x00, tableIdsOf);
    else if (tables?.includes(pid) && !programs.has(pid)) {
      const kinds = sectionOf(packet, 0x02, kindsOf);
      if (kinds !== undefined) programs.set(pid, kinds);
    }
    if (programs.size === tables?.length) return [...programs.values()].flat();
  }
  throw new UndecidedError("a program's table is missing");
}

/** Reads the table in a packet: its content between the section's header of 8 bytes and its checksum of 4. */
function sectionOf<Content>(packet: Buffer, tableId: number, read: (body: Buffer) => Content): Content | undefined {
  const isStart = (packet.readUInt8(1) & 0x40) !== 0;
  const hasPayload = (packet.readUInt8(3) & 0x10) !== 0;
  if (!isStart || !hasPayload) return undefined;
  const hasAdaptation = (packet.readUInt8(3) & 0x20) !== 0;
  const payload = packet.subarray(hasAdaptation ? 5 + packet.readUInt8(4) : 4);
  const section = payload.subarray(1 + (payload[0] ?? 0));
  if (section[0] !== tableId || section.length < 8) return undefined;
  const end = 3 + (section.readUInt16BE(1) & 0x0fff);
  if (end > section.length || end < 12) throw new UndecidedError("a table does not fit into one packet");
  return read(section.subarray(8, end - 4));
}

/** Returns the packet identifiers of the programs' tables; program 0 is the network's. */
function tableIdsOf(body: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at + 4 <= body.length; at += 4) {
    if (body.readUInt16BE(at) !== 0) found.push(body.readUInt16BE(at + 2) & 0x1fff);
  }
  return [...new Set(found)];
}

function kindsOf(body: Buffer): readonly TrackKind[] {
  const found: TrackKind[] = [];
  for (let at = 4 + (lengthAt(body, 2) ?? 0); at + 5 <= body.length; at += 5 + (lengthAt(body, at + 3) ?? 0)) {
    const type = body.readUInt8(at);
    found.push(audioTypes.includes(type) ? "audio" : otherTypes.includes(type) ? "other" : "unknown");
  }
  return found;
}

function lengthAt(body: Buffer, at: number): number | undefined {
  return at + 2 <= body.length ? body.readUInt16BE(at) & 0x0fff : undefined;
}
