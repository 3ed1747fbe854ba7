/** Plans the parts of a video that several instances process side by side. */
import { maxParts } from "../limits.ts";

/** A part of a video, seconds from its first shown frame: `from` is included, `to` is not. */
export interface Part {
  readonly from: number;
  /** Null for the end of the video. */
  readonly to: number | null;
}

/** A video that may be cut into parts. */
export interface PlannedVideo {
  /** Seconds; null if unknown. */
  readonly duration: number | null;
  /** Wanted length of a part, seconds. */
  readonly partSeconds: number;
  /** Samples per second of video. */
  readonly fps: number;
}

/**
 * Returns the times at which a video is cut into parts of equal length, seconds. Their length is between two thirds
 * and one and a half times the wanted one, so that no part is tiny. It is longer if there would be more than
 * {@link maxParts} parts, or if a part would have less than two samples.
 * @returns no times for one part, and if the duration is unknown
 */
export function cutTimes({ duration, partSeconds, fps }: PlannedVideo): readonly number[] {
  if (duration === null) return [];
  const count = Math.min(Math.round(duration / partSeconds), Math.floor((duration * fps) / 2), maxParts);
  return Array.from({ length: Math.max(count - 1, 0) }, (_, index) => (duration * (index + 1)) / count);
}

/**
 * Returns the parts between these times, in order. A cut is moved back to its keyframe, so that the part after it
 * decodes no frame in vain, unless the keyframe is more than half a part away.
 * @param keyframes the last keyframe that is not later than each time, seconds; empty if unknown
 */
export function partsOf(times: readonly number[], keyframes: readonly number[]): readonly Part[] {
  const [half = 0] = times.map((time) => time / 2);
  const cuts = times.map((time, index) => {
    const keyframe = keyframes[index];
    return rounded(keyframe !== undefined && keyframe <= time && keyframe > time - half ? keyframe : time);
  });
  return [0, ...cuts].map((from, index) => ({ from, to: cuts[index] ?? null }));
}

/** Rounds to microseconds: neighbours share the value, and requests stay readable. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
