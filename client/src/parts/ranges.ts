/** Ranges of a video that no result covers, and their texts. */
import { plural } from "../format.ts";
import type { Part } from "./cut-times.ts";

/** Returns the ranges of a video that these parts do not cover, in order. Parts next to each other form one range. */
export function missingRanges(parts: readonly Part[]): readonly Part[] {
  const missing: Part[] = [];
  let end: number | null = 0;
  for (const { from, to } of [...parts].sort((one, other) => one.from - other.from)) {
    if (end === null) return missing;
    if (from > end) missing.push({ from: end, to: from });
    end = to === null ? null : Math.max(end, to);
  }
  return end === null ? missing : [...missing, { from: end, to: null }];
}

/** Formats a range: `0:10:00 to 0:20:00`, `1:00:00.5 to the end`. */
export function rangeText({ from, to }: Part): string {
  return `${timeText(from)} to ${to === null ? "the end" : timeText(to)}`;
}

/** Formats ranges for one line: the first three, and the number of the others. */
export function rangesText(ranges: readonly Part[]): string {
  const shown = ranges.slice(0, 3).map(rangeText).join(", ");
  return ranges.length > 3 ? `${shown} and ${plural(ranges.length - 3, "other range")}` : shown;
}

/** Formats a time as hours, minutes and seconds, to the millisecond. */
function timeText(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const fraction =
    ms % 1000 === 0
      ? ""
      : `.${String(ms % 1000)
          .padStart(3, "0")
          .replace(/0+$/, "")}`;
  return `${Math.floor(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}${fraction}`;
}
