/**
 * Checks that a file can be sent as a video: it exists, is within its size limit (`limits.ts`), and has a format that the model reads.
 */
import { constants, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { extname } from "node:path";
import { findNoVideo } from "./containers/content.ts";
import { codeOf } from "../../lib/errors.ts";
import { InputError } from "./errors.ts";
import { checkSize, maxInputBytes } from "./limits.ts";

/** Formats that the model reads, by extension. */
const contentTypes: ReadonlyMap<string, string> = new Map([
  [".avi", "video/x-msvideo"],
  [".flv", "video/x-flv"],
  [".m2ts", "video/mp2t"],
  [".m4v", "video/mp4"],
  [".mkv", "video/x-matroska"],
  [".mov", "video/quicktime"],
  [".mp4", "video/mp4"],
  [".mpeg", "video/mpeg"],
  [".mpg", "video/mpeg"],
  [".mts", "video/mp2t"],
  [".ogv", "video/ogg"],
  [".ts", "video/mp2t"],
  [".webm", "video/webm"],
  [".wmv", "video/x-ms-wmv"],
]);

/**
 * Extensions by which videos are found in folders and under s3:// prefixes: without `.ts`, which TypeScript uses, too
 * (see {@link isTransportFile}).
 */
export const videoExtensions: readonly string[] = [...contentTypes.keys()].filter((extension) => extension !== ".ts");

/** Returns a file's media type by its extension. For unknown extensions the model detects the format. */
export function contentTypeOf(file: string): string {
  return contentTypes.get(extname(file).toLowerCase()) ?? "application/octet-stream";
}

/** Content types whose bodies TorchServe parses before the model sees them; the model accepts every other type. */
const formTypes = /^\s*(multipart\/|application\/x-www-form-urlencoded)/i;

/** @throws InputError if a video that is sent with this content type would not reach the model */
export function checkContentType(name: string, contentType: string): void {
  if (formTypes.test(contentType)) {
    throw new InputError(
      `${name} has content type ${contentType}, which is a form's: set the video's, such as video/mp4.`,
    );
  }
}

/**
 * Opens a file for reading.
 * @throws InputError if it is missing or may not be read
 */
export async function openVideo(file: string): Promise<FileHandle> {
  // Opening a pipe that has no writer would block.
  return await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw new InputError(`Cannot read ${file} (${codeOf(error)}): give the path of a video file.`);
  });
}

/**
 * Returns the size of an open file, bytes.
 * @throws InputError if it is empty, larger than `maxBytes`, or not a file
 */
export async function checkOpenFile(file: string, handle: FileHandle, maxBytes: number): Promise<number> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw new InputError(`${file} is not a file: give the path of a video file.`);
  checkSize(file, stats.size, maxBytes);
  return stats.size;
}

/** First atoms of QuickTime files: `ftyp` in all current files, the others in those from before 2001. */
const quickTimeAtoms = ["ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"];

/** First bytes of EBML, with which Matroska and WebM start (RFC 8794, section 11.2.1). */
const ebml = Buffer.from([0x1a, 0x45, 0xdf, 0xa3]);

/** First bytes of FLV, of ASF's header object, of an MPEG program stream's pack, and of an Ogg page. */
const magics = ["FLV\x01", "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "\0\0\x01\xba", "OggS"].map((magic) =>
  Buffer.from(magic, "latin1"),
);

/** First byte of each packet of an MPEG transport stream, and a packet's length (ISO/IEC 13818-1, 2.4.3.2). */
const syncByte = 0x47;
const transportPacketBytes = 188;

/** Number of bytes of time that Blu-ray discs and camcorders put before each packet. */
const transportPrefixBytes = 4;

/** Number of bytes that {@link looksLikeVideo} examines. */
const headBytes = 2 * (transportPrefixBytes + transportPacketBytes);

/** Tells by its first bytes whether a file may be mp4, mov, mkv, webm, avi, ts, flv, wmv, mpg or ogv. */
export function looksLikeVideo(head: Buffer): boolean {
  if (head.subarray(0, 4).equals(ebml)) return true;
  if (head.toString("latin1", 0, 4) === "RIFF") return head.toString("latin1", 8, 12) === "AVI ";
  if (quickTimeAtoms.includes(head.toString("latin1", 4, 8))) return true;
  if (magics.some((magic) => head.subarray(0, magic.length).equals(magic))) return true;
  return isTransportStream(head);
}

/** Tells by the first bytes of its packets whether a file may be an MPEG transport stream. */
function isTransportStream(head: Buffer): boolean {
  return [0, transportPrefixBytes].some(
    (prefix) => head[prefix] === syncByte && head[2 * prefix + transportPacketBytes] === syncByte,
  );
}

/** Tells whether a file has the extension `.ts` and is not a TypeScript file, but may be an MPEG transport stream. */
export async function isTransportFile(file: string): Promise<boolean> {
  if (extname(file).toLowerCase() !== ".ts") return false;
  await using handle = await openVideo(file).catch(() => undefined);
  if (handle === undefined) return false;
  const head = Buffer.alloc(headBytes);
  await handle.read(head, 0, headBytes, 0);
  return isTransportStream(head);
}

/**
 * Checks a file, its first bytes and its container's list of tracks; returns its size, bytes.
 * @param maxBytes of the stack, if there is one yet
 * @throws InputError if the file is missing, empty, larger than `maxBytes`, not a file, in a format that the model does
 * not read, or if it certainly has no video
 */
export async function checkVideo(file: string, maxBytes = maxInputBytes): Promise<number> {
  await using handle = await openVideo(file);
  const bytes = await checkOpenFile(file, handle, maxBytes);
  const head = Buffer.alloc(headBytes);
  await handle.read(head, 0, headBytes, 0);
  if (!looksLikeVideo(head)) {
    throw new InputError(
      `${file} is not a video: its first bytes match none of mp4, mov, mkv, webm, avi, ts, flv, wmv, mpg and ogv.`,
    );
  }
  const content = await findNoVideo(handle, bytes);
  if (content !== undefined) throw new InputError(`${file} holds ${content}, not a video: pass a video file.`);
  return bytes;
}
