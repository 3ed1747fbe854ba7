/**
 * Merges the results of a video's parts to the result of the whole video. It reads one part after the other, so its
 * memory is that of the largest part.
 */
import { isDeepStrictEqual } from "node:util";
import { ServiceAnswerError } from "../errors.ts";
import type { VideoResult } from "../result.ts";
import { rangeText } from "./ranges.ts";
import type { Part } from "./cut-times.ts";

/** A part with its result. */
export interface PartResult {
  readonly part: Part;
  /** Name of the result in errors, such as its s3:// URI. */
  readonly origin: string;
  /** Reads the result, which matches the model's schema. */
  readonly load: () => Promise<VideoResult>;
}

/** Members that come before the frames. All parts agree on them, except on `part` and the driver. */
export type MergedHeader = Pick<
  VideoResult,
  "schema_version" | "notice" | "handler" | "part" | "model" | "video" | "sampling"
>;

/** Members that come after the frames. */
export type MergedEnding = Pick<VideoResult, "truncated" | "truncation" | "damage" | "timing">;

/** A piece of the merged result: a header, then frames in order of k, then an ending. */
export type MergedPiece =
  | { readonly kind: "header"; readonly header: MergedHeader }
  | { readonly kind: "frame"; readonly frame: VideoResult["frames"][number] }
  | { readonly kind: "ending"; readonly ending: MergedEnding };

/**
 * Merges the results of all parts of a video.
 *
 * Frames follow in order of k. A frame that is the nearest to samples of two parts is kept once. Damaged packets, and
 * the seconds of `timing`, are added up: the parts ran side by side, so the seconds are not the time that passed. Gaps
 * that overlap are united. The whole is truncated if a part is; the one that got furthest tells why. What a truncated
 * part left out is a gap, unless no frame follows.
 * @param results the parts in their order: from the video's start to its end, without a gap
 * @throws ServiceAnswerError if a result is of another part, of a handler without parts, or if results do not belong
 * together; the errors of `load`
 */
export async function* mergeResults(results: readonly PartResult[]): AsyncGenerator<MergedPiece> {
  let header: MergedHeader | undefined;
  let firstOrigin = "";
  let ending: MergedEnding | undefined;
  let last: VideoResult["frames"][number] | undefined;
  const holes: Gap[] = [];
  /** Holes that are the end of the data if no later part has a frame. */
  let ends: Gap[] = [];
  for (const { part, origin, load } of results) {
    const result = await load();
    checkPart(result, part, origin);
    const current = headerOf(result);
    if (header === undefined) {
      [header, firstOrigin] = [current, origin];
      yield { kind: "header", header };
    } else {
      checkAgreement([header, firstOrigin], [current, origin]);
    }
    for (const frame of result.frames) {
      // A frame is sampled once, even if it is the nearest to several target times.
      if (last !== undefined && frame.pts === last.pts) continue;
      if (last !== undefined && (frame.k ?? NaN) <= (last.k ?? NaN)) {
        throw new ServiceAnswerError(`The result at ${origin} has sample ${String(frame.k)} after ${String(last.k)}.`);
      }
      last = frame;
      yield { kind: "frame", frame };
    }
    if (result.frames.length > 0) {
      holes.push(...ends);
      ends = [];
    }
    const { from, to } = holeOf(result, part) ?? { from: 0, to: null };
    if (to !== null) (result.truncation?.reason === "end-of-data" ? ends : holes).push({ from, to });
    ending = ending === undefined ? endingOf(result) : mergedEnding(ending, endingOf(result));
  }
  if (ending === undefined || last === undefined) {
    throw new ServiceAnswerError("The results of the parts have no frames, so the video has no result.");
  }
  const { packets, gaps } = ending.damage ?? { packets: 0, gaps: [] };
  yield { kind: "ending", ending: { ...ending, damage: { packets, gaps: united([...gaps, ...holes]) } } };
}

/** Returns the range of a part that its result lacks because it is truncated; undefined if there is none. */
export function holeOf({ truncation }: Pick<VideoResult, "truncation">, { from, to }: Part): Part | undefined {
  if (truncation === undefined || truncation === null) return undefined;
  const start = Math.max(from, truncation.until);
  return to === null || start < to ? { from: start, to } : undefined;
}

/** Collects the pieces of a merged result; it takes the memory of the whole. */
export async function collect(pieces: AsyncIterable<MergedPiece>): Promise<VideoResult> {
  const frames: VideoResult["frames"][number][] = [];
  let header: MergedHeader | undefined;
  let ending: MergedEnding | undefined;
  for await (const piece of pieces) {
    if (piece.kind === "frame") frames.push(piece.frame);
    else if (piece.kind === "header") header = piece.header;
    else ending = piece.ending;
  }
  // The merge has thrown if it lacks one.
  if (header === undefined || ending === undefined) throw new ServiceAnswerError("The merged result is incomplete.");
  return { ...header, ...ending, frames };
}

/** Returns the text of a JSON document of the pieces, in chunks. */
export async function* documentText(pieces: AsyncIterable<MergedPiece>): AsyncGenerator<string> {
  let frames = 0;
  for await (const piece of pieces) {
    switch (piece.kind) {
      case "header":
        yield `${JSON.stringify(piece.header).slice(0, -1)},"frames":[`;
        break;
      case "frame":
        yield `${frames === 0 ? "" : ","}${JSON.stringify(piece.frame)}`;
        frames += 1;
        break;
      case "ending":
        yield `],${JSON.stringify(piece.ending).slice(1)}\n`;
        break;
    }
  }
}

function headerOf({ schema_version, notice, handler, model, video, sampling }: VideoResult): MergedHeader {
  const common = { schema_version, notice, part: { from: 0, to: null }, model, video, sampling };
  return handler === undefined ? common : { ...common, handler };
}

function endingOf({ truncated, truncation = null, damage, timing }: VideoResult): MergedEnding {
  return { truncated, truncation, damage: damage ?? { packets: 0, gaps: [] }, timing };
}

function checkPart({ part: actual }: VideoResult, part: Part, origin: string): void {
  if (actual === undefined) {
    throw new ServiceAnswerError(
      `The result at ${origin} is of a handler that processes whole videos only: deploy the model of this version.`,
    );
  }
  if (isDeepStrictEqual(actual, { from: part.from, to: part.to })) return;
  throw new ServiceAnswerError(`The result at ${origin} is of ${rangeText(actual)}, not of ${rangeText(part)}.`);
}

/** Parts run on several instances, whose drivers may differ. */
function checkAgreement([first, firstOrigin]: [MergedHeader, string], [other, origin]: [MergedHeader, string]): void {
  const comparable = ({ handler, ...members }: MergedHeader): Readonly<Record<string, unknown>> => ({
    ...members,
    handler: { ...handler, driver: null, cuda: null },
  });
  const [one, two] = [comparable(first), comparable(other)];
  const differing = Object.keys(one).filter((name) => !isDeepStrictEqual(one[name], two[name]));
  if (differing.length === 0) return;
  throw new ServiceAnswerError(
    `The results at ${firstOrigin} and ${origin} differ in ${differing.join(", ")}, so they are not parts of one result. ` +
      `Was the model deployed, or the video replaced, between them? Submit the video again.`,
  );
}

function mergedEnding(one: MergedEnding, other: MergedEnding): MergedEnding {
  const isFurther = (other.truncation?.until ?? -1) > (one.truncation?.until ?? -1);
  return {
    truncated: one.truncated || other.truncated,
    truncation: (isFurther ? other : one).truncation ?? null,
    damage: {
      packets: (one.damage?.packets ?? 0) + (other.damage?.packets ?? 0),
      gaps: united([...(one.damage?.gaps ?? []), ...(other.damage?.gaps ?? [])]),
    },
    timing: {
      decode_seconds: sum(one.timing.decode_seconds, other.timing.decode_seconds),
      inference_seconds: sum(one.timing.inference_seconds, other.timing.inference_seconds),
      total_seconds: sum(one.timing.total_seconds, other.timing.total_seconds),
    },
  };
}

/** Adds seconds, rounded to microseconds. */
function sum(one: number, other: number): number {
  return Math.round((one + other) * 1e6) / 1e6;
}

interface Gap {
  readonly from: number;
  readonly to: number;
}

function united(gaps: readonly Gap[]): readonly Gap[] {
  const result: Gap[] = [];
  for (const gap of [...gaps].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last === undefined || gap.from > last.to) result.push(gap);
    else result[result.length - 1] = { from: last.from, to: Math.max(last.to, gap.to) };
  }
  return result;
}
