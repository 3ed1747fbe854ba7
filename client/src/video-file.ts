/** What a file must be to be sent as a video: there, within AWS's limit, and of a format that the model reads. */
import { constants, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { findNoVideo } from "./containers/content.ts";
import { codeOf, SetupError } from "./errors.ts";

/** The largest input that an asynchronous endpoint takes, bytes (AWS: "payloads up to 1 GB"); a stack may take less. */
export const MAX_INPUT_BYTES = 1024 ** 3;

/** What is wrong with one video alone, others are not concerned. Exit status 2. */
export class InputError extends SetupError {
  override readonly name = "InputError";
}

/** The formats that the model reads, by extension. */
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

/** The extensions by which videos are found in folders and under s3:// prefixes: not `.ts`, which TypeScript has, too. */
export const videoExtensions: readonly string[] = [...contentTypes.keys()].filter((extension) => extension !== ".ts");

/** A file's media type by its extension; what the extension does not tell is for the model to find out. */
export function contentTypeOf(file: string): string {
  return contentTypes.get(path.extname(file).toLowerCase()) ?? "application/octet-stream";
}

/** Content types whose bodies TorchServe takes apart before the model sees them; the model takes every other type. */
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
  // A pipe that nobody writes to would never open.
  return await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw new InputError(`Cannot read ${file} (${codeOf(error)}): give the path of a video file.`);
  });
}

/**
 * The size of a file that is open, bytes.
 * @throws InputError if it is empty, larger than `maxBytes`, or not a file
 */
export async function checkOpenFile(file: string, handle: FileHandle, maxBytes: number): Promise<number> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw new InputError(`${file} is not a file: give the path of a video file.`);
  checkSize(file, stats.size, maxBytes);
  return stats.size;
}

/** @throws InputError if an input of this size is empty or larger than `maxBytes` */
export function checkSize(name: string, bytes: number, maxBytes: number): void {
  if (bytes === 0) throw new InputError(`${name} is empty: it holds no video.`);
  if (bytes <= maxBytes) return;
  const [size, most, largest] = [bytes, maxBytes, MAX_INPUT_BYTES].map(mebibytesOf);
  const who = maxBytes < MAX_INPUT_BYTES ? "the stack" : "an asynchronous endpoint";
  const setting = maxBytes < MAX_INPUT_BYTES ? " (its setting maxRequestSize)" : "";
  const raise = maxBytes < MAX_INPUT_BYTES ? `, or raise maxRequestSize (to at most ${largest ?? ""}) and deploy` : "";
  throw new InputError(
    `${name} has ${size ?? ""} MiB; ${who} takes at most ${most ?? ""} MiB${setting}. Cut it (ffmpeg -c copy -f segment -segment_time 600) ` +
      `or encode it at a lower bit rate${raise}.`,
  );
}

/** Rounded up to a tenth, so that a size that is over a limit also reads so. */
function mebibytesOf(bytes: number): number {
  return Math.ceil((10 * bytes) / 1024 ** 2) / 10;
}

/** QuickTime's first atoms: `ftyp` in all of today's files, the others in those of before 2001. */
const quickTimeAtoms = ["ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"];

/** EBML's first bytes, with which Matroska and WebM begin (RFC 8794, section 11.2.1). */
const ebml = Buffer.from([0x1a, 0x45, 0xdf, 0xa3]);

/** The first bytes of FLV, of ASF's header object, of an MPEG program stream's pack, and of an Ogg page. */
const magics = ["FLV\x01", "\x30\x26\xb2\x75\x8e\x66\xcf\x11", "\0\0\x01\xba", "OggS"].map((magic) =>
  Buffer.from(magic, "latin1"),
);

/** The byte that each packet of an MPEG transport stream begins with, and a packet's length (ISO/IEC 13818-1, 2.4.3.2). */
const syncByte = 0x47;
const transportPacketBytes = 188;

/** Bytes of time that Blu-ray discs and camcorders put before each packet. */
const transportPrefixBytes = 4;

/** How many bytes {@link looksLikeVideo} examines. */
const HEAD_BYTES = 2 * (transportPrefixBytes + transportPacketBytes);

/** Whether a file that begins so may be mp4, mov, mkv, webm, avi, ts, flv, wmv, mpg or ogv. */
export function looksLikeVideo(head: Buffer): boolean {
  if (head.subarray(0, 4).equals(ebml)) return true;
  if (head.toString("latin1", 0, 4) === "RIFF") return head.toString("latin1", 8, 12) === "AVI ";
  if (quickTimeAtoms.includes(head.toString("latin1", 4, 8))) return true;
  if (magics.some((magic) => head.subarray(0, magic.length).equals(magic))) return true;
  return [0, transportPrefixBytes].some(
    (prefix) => head[prefix] === syncByte && head[2 * prefix + transportPacketBytes] === syncByte,
  );
}

/**
 * Checks a file, its first bytes and its container's list of tracks; returns its size, bytes.
 * @param maxBytes of the stack, if there is one yet
 * @throws InputError if the file is missing, empty, larger than `maxBytes`, not a file, in another format than the model reads, or if
 * it certainly holds no video
 */
export async function checkVideo(file: string, maxBytes = MAX_INPUT_BYTES): Promise<number> {
  await using handle = await openVideo(file);
  const bytes = await checkOpenFile(file, handle, maxBytes);
  const head = Buffer.alloc(HEAD_BYTES);
  await handle.read(head, 0, HEAD_BYTES, 0);
  if (!looksLikeVideo(head)) {
    throw new InputError(
      `${file} is not a video: by its first bytes it is none of mp4, mov, mkv, webm, avi, ts, flv, wmv, mpg and ogv.`,
    );
  }
  const content = await findNoVideo(handle, bytes);
  if (content !== undefined) throw new InputError(`${file} holds ${content}, no video: pass a video file.`);
  return bytes;
}
