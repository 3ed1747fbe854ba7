/** Tests that the parts of any result merge to it. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { currentResult } from "../../testing/sample-result.ts";
import { parseResult } from "../result.ts";
import type { VideoResult } from "../result.ts";
import { collect, documentText, mergeResults } from "./merge.ts";
import { missingRanges } from "./ranges.ts";
import type { Part } from "./cut-times.ts";

const detections = currentResult.frames[0]?.detections ?? [];

/** Whole results at 2 frames per second; damage may hide samples, and the end. */
const results: fc.Arbitrary<VideoResult> = fc
  .record({
    ks: fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 60 }).map((ks) => ks.sort((a, b) => a - b)),
    packets: fc.nat(50),
    gaps: fc.uniqueArray(fc.nat(100), { maxLength: 6 }).map((times) => times.sort((a, b) => a - b)),
    truncated: fc.boolean(),
    indexed: fc.boolean(),
  })
  .map(({ ks, packets, gaps, truncated, indexed }) => ({
    ...currentResult,
    part: { from: 0, to: null },
    sampling: { ...currentResult.sampling, fps: 2 },
    truncated,
    truncation: truncated ? ({ reason: "end-of-data", until: (ks.at(-1) ?? 0) / 2 } as const) : null,
    damage: {
      packets,
      gaps: gaps.flatMap((from, index) => (index % 2 === 0 ? [{ from, to: gaps[index + 1] ?? from + 1 }] : [])),
    },
    frames: ks.map((k) => ({
      index: indexed ? k * 12 : null,
      timestamp: k / 2,
      sampled: "exact" as const,
      detections: k % 3 === 0 ? detections : [],
      k,
      pts: k * 7680,
    })),
  }));

const cuts = fc
  .uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 8 })
  .map((quarters) => quarters.sort((a, b) => a - b).map((quarter) => quarter / 4));

/** Splits a result as the handler does: gaps may be listed by two parts, and packets count once. */
function split(whole: VideoResult, times: readonly number[]): readonly VideoResult[] {
  const until = whole.truncation?.until ?? Infinity;
  return [0, ...times].map((from, index) => {
    const to = times[index] ?? null;
    const end = to ?? Infinity;
    const isLast = index === times.length;
    const isTruncated = whole.truncated && (isLast || end > until);
    return {
      ...whole,
      part: { from, to },
      truncated: isTruncated,
      truncation: isTruncated ? (whole.truncation ?? null) : null,
      damage: {
        packets: isLast ? (whole.damage?.packets ?? 0) : 0,
        gaps: (whole.damage?.gaps ?? []).filter((gap) => gap.to > from && gap.from < end),
      },
      frames: whole.frames.filter(({ timestamp }) => timestamp >= from && timestamp < end),
      timing: isLast ? whole.timing : { decode_seconds: 0, inference_seconds: 0, total_seconds: 0 },
    };
  });
}

const loaded = (parts: readonly VideoResult[]) =>
  parts.map((result, number) => ({
    part: { from: 0, to: null, ...result.part },
    origin: `part ${number}`,
    load: () => Promise.resolve(result),
  }));

describe("any result", () => {
  it("is merged from its parts, for any cuts", async () => {
    await fc.assert(
      fc.asyncProperty(results, cuts, async (whole, times) => {
        assert.deepEqual(await collect(mergeResults(loaded(split(whole, times)))), whole);
      }),
    );
  });

  it("shows the rest of each truncated part as a gap, or as the end of the video", async () => {
    const stops = fc.array(fc.option(fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 9, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(results, cuts, stops, async (any, times, fractions) => {
        const whole = { ...any, truncated: false, truncation: null };
        const parts = split(whole, times).map((result, index) => {
          const fraction = fractions[index] ?? null;
          if (fraction === null || result.part === undefined) return result;
          const { from, to } = result.part;
          const until = from + fraction * ((to ?? 101) - from);
          const frames = result.frames.filter(({ timestamp }) => timestamp <= until);
          return { ...result, frames, truncated: true, truncation: { reason: "deadline" as const, until } };
        });
        fc.pre(parts.some(({ frames }) => frames.length > 0));
        const merged = await collect(mergeResults(loaded(parts)));
        assert.equal(
          merged.truncated,
          parts.some(({ truncated }) => truncated),
        );
        const kept = new Set(merged.frames.map(({ k }) => k));
        const { gaps } = merged.damage ?? assert.fail();
        for (const { k, timestamp } of whole.frames) {
          if (kept.has(k)) continue;
          const inGap = gaps.some(({ from, to }) => from <= timestamp && timestamp < to);
          assert.ok(inGap || (merged.truncation?.until ?? Infinity) < timestamp, `sample ${String(k)} is missing`);
        }
        assert.ok(gaps.every(({ from }, index) => index === 0 || from > (gaps[index - 1]?.to ?? NaN)));
      }),
    );
  });

  it("is the same as text, and matches the schema", async () => {
    await fc.assert(
      fc.asyncProperty(results, cuts, async (whole, times) => {
        let text = "";
        for await (const chunk of documentText(mergeResults(loaded(split(whole, times))))) text += chunk;
        assert.deepEqual(parseResult(text, "merged"), whole);
      }),
      { numRuns: 30 },
    );
  });
});

describe("missing ranges", () => {
  it("complete the parts to the whole video, for any missing parts", () => {
    fc.assert(
      fc.property(cuts, fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }), (times, kept) => {
        const parts: Part[] = [0, ...times].map((from, index) => ({ from, to: times[index] ?? null }));
        const missing = missingRanges(parts.filter((_, index) => kept[index]));
        const missed = parts.filter((_, index) => kept[index] !== true);
        for (const { from, to } of missed) {
          assert.ok(missing.some((range) => range.from <= from && (range.to ?? Infinity) >= (to ?? Infinity)));
        }
        const seconds = (ranges: readonly Part[]) => ranges.reduce((sum, { from, to }) => sum + (to ?? 1000) - from, 0);
        assert.equal(seconds(missing), seconds(missed));
      }),
    );
  });
});
