/** Detects files that no model can use as a video: audio without video, and pictures. */
import type { FileHandle } from "node:fs/promises";
import { aviStreams } from "./avi.ts";
import { isoContent } from "./iso.ts";
import { matroskaTracks } from "./matroska.ts";
import { oggStreams } from "./ogg.ts";
import { BoundedReader, UndecidedError } from "./reader.ts";
import { transportStreams } from "./transport.ts";

/** Content of a track. `other` is certainly neither audio nor video, such as subtitles; `unknown` may be video. */
export type TrackKind = "audio" | "video" | "other" | "unknown";

/** Content of a file that has no video. */
export type NoVideo = "only audio" | "a picture";

/**
 * Reads a container's list of tracks. Only the types of the tracks count, not their codecs: the model's decoder decides
 * about those.
 * @returns undefined if the file has a video track, or if its container does not tell for certain
 */
export async function findNoVideo(handle: FileHandle, bytes: number): Promise<NoVideo | undefined> {
  const reader = new BoundedReader(handle, bytes);
  try {
    const head = await reader.readUpTo(0, 12);
    const [start, type] = [head.toString("latin1", 0, 4), head.toString("latin1", 8, 12)];
    if (start === "\x1a\x45\xdf\xa3") return onlyAudio(await matroskaTracks(reader));
    if (start === "OggS") return onlyAudio(await oggStreams(reader));
    if (start === "RIFF" && type === "AVI ") return onlyAudio(await aviStreams(reader));
    if (head.toString("latin1", 4, 8) === "ftyp") {
      const content = await isoContent(reader);
      return content === "a picture" ? content : onlyAudio(content);
    }
    return onlyAudio(await transportStreams(reader));
  } catch (error) {
    if (error instanceof UndecidedError) return undefined;
    throw error;
  }
}

function onlyAudio(kinds: readonly TrackKind[]): NoVideo | undefined {
  const isAudio = kinds.includes("audio") && kinds.every((kind) => kind === "audio" || kind === "other");
  return isAudio ? "only audio" : undefined;
}
