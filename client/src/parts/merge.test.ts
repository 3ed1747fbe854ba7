import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { currentResult, secondResult } from "../../testing/sample-result.ts";
import type { VideoResult } from "../result.ts";
import { collect, mergeResults } from "./merge.ts";
import { missingRanges, rangesText, rangeText } from "./ranges.ts";

type Frame = VideoResult["frames"][number];

const frame = (k: number, change: Partial<Frame> = {}): Frame => ({
  index: k * 30,
  timestamp: k,
  sampled: "exact",
  detections: [],
  k,
  pts: k * 15_360,
  ...change,
});

const whole = { ...currentResult, truncated: false, truncation: null, damage: { packets: 0, gaps: [] } };
const first: VideoResult = { ...whole, part: { from: 0, to: 2 }, frames: [frame(0), frame(1)] };
const second: VideoResult = { ...whole, part: { from: 2, to: null }, frames: [frame(2), frame(3)] };

const merge = async (...results: readonly VideoResult[]) =>
  await collect(
    mergeResults(
      results.map((result, number) => ({
        part: number === 0 ? { from: 0, to: 2 } : { from: 2, to: null },
        origin: `s3://out/part-${number}.json`,
        load: () => Promise.resolve(result),
      })),
    ),
  );

describe("the merge of parts", () => {
  it("has the frames of all parts and the range of the whole video", async () => {
    const { part, frames } = await merge(first, second);
    assert.deepEqual(part, { from: 0, to: null });
    assert.deepEqual(
      frames.map(({ k }) => k),
      [0, 1, 2, 3],
    );
  });

  it("has a frame once that is the nearest to samples of two parts", async () => {
    const repeated = frame(2, { pts: 15_360, index: 30, timestamp: 1 });
    const { frames } = await merge(first, { ...second, frames: [repeated, frame(3)] });
    assert.deepEqual(
      frames.map(({ k }) => k),
      [0, 1, 3],
    );
  });

  it("accepts a part without frames", async () => {
    const { frames } = await merge(first, { ...second, frames: [] });
    assert.equal(frames.length, 2);
  });

  it("adds up damaged packets and seconds, and unites gaps that overlap", async () => {
    const { damage, timing } = await merge(
      { ...first, damage: { packets: 2, gaps: [{ from: 1.5, to: 2.2 }] } },
      {
        ...second,
        damage: {
          packets: 3,
          gaps: [
            { from: 1.8, to: 2.5 },
            { from: 3, to: 4 },
          ],
        },
      },
    );
    assert.deepEqual(damage, {
      packets: 5,
      gaps: [
        { from: 1.5, to: 2.5 },
        { from: 3, to: 4 },
      ],
    });
    assert.deepEqual(timing, { decode_seconds: 0.2, inference_seconds: 0.4, total_seconds: 0.6 });
  });

  it("is truncated for the reason of the part that got furthest, and has what an earlier one left out as a gap", async () => {
    const truncation = { reason: "deadline", until: 1 } as const;
    const later = { reason: "end-of-data", until: 3 } as const;
    const merged = await merge(
      { ...first, truncated: true, truncation },
      { ...second, truncated: true, truncation: later },
    );
    assert.deepEqual([merged.truncated, merged.truncation], [true, later]);
    assert.deepEqual(merged.damage?.gaps, [{ from: 1, to: 2 }]);
  });

  it("is truncated without a gap if the data ends in a part, and no frame follows", async () => {
    const truncation = { reason: "end-of-data", until: 1 } as const;
    const merged = await merge(
      { ...first, truncated: true, truncation },
      { ...second, frames: [], truncated: true, truncation: { ...truncation, until: 0 } },
    );
    assert.deepEqual([merged.truncation, merged.damage?.gaps], [truncation, []]);
  });

  it("has a gap if the data ends in a part, and frames follow", async () => {
    const truncation = { reason: "end-of-data", until: 1 } as const;
    const merged = await merge({ ...first, truncated: true, truncation }, second);
    assert.deepEqual(merged.damage?.gaps, [{ from: 1, to: 2 }]);
  });

  it("accepts parts of instances with different drivers", async () => {
    const handler = {
      ...whole.handler,
      version: "1.0.0",
      device: "cuda",
      precision: "float16",
      driver: "570.1",
    } as const;
    assert.deepEqual((await merge(first, { ...second, handler })).handler, whole.handler);
  });

  const differing: Readonly<Record<string, Partial<VideoResult>>> = {
    model: { model: { ...whole.model, weights: "1".repeat(64) } },
    sampling: { sampling: { ...whole.sampling, score_threshold: 0.6 } },
    video: { video: { ...whole.video, width: 320 } },
    notice: { notice: null },
    schema_version: { schema_version: 2 },
  };
  for (const [member, change] of Object.entries(differing)) {
    it(`refuses parts that differ in ${member}`, async () => {
      await assert.rejects(merge(first, { ...second, ...change }), {
        name: "ServiceAnswerError",
        message: new RegExp(`part-0.json and .*part-1.json differ in ${member}, so`),
      });
    });
  }

  it("refuses the result of another part", async () => {
    await assert.rejects(merge(first, { ...second, part: { from: 3, to: null } }), {
      message: "The result at s3://out/part-1.json is of 0:00:03 to the end, not of 0:00:02 to the end.",
    });
  });

  it("refuses the result of a handler that has no parts", async () => {
    await assert.rejects(merge(first, secondResult), { message: /whole videos only/ });
  });

  it("refuses samples that are out of order", async () => {
    await assert.rejects(merge(first, { ...second, frames: [frame(3), frame(2)] }), { message: /sample 2 after 3/ });
  });

  it("refuses a video without frames", async () => {
    await assert.rejects(merge({ ...first, frames: [] }, { ...second, frames: [] }), { message: /no frames/ });
  });
});

describe("missing ranges", () => {
  it("unite parts next to each other", () => {
    const ranges = missingRanges([{ from: 600, to: 1200.5 }]);
    assert.deepEqual(ranges, [
      { from: 0, to: 600 },
      { from: 1200.5, to: null },
    ]);
    assert.equal(rangesText(ranges), "0:00:00 to 0:10:00, 0:20:00.5 to the end");
  });

  it("are none if the parts cover the video", () => {
    assert.deepEqual(missingRanges([{ from: 0, to: null }]), []);
  });

  it("have texts with hours", () => {
    assert.equal(rangeText({ from: 3_661.25, to: 36_000 }), "1:01:01.25 to 10:00:00");
    const many = [1, 2, 3, 4, 5].map((from) => ({ from, to: from }));
    assert.match(rangesText(many), /, 0:00:03 to 0:00:03 and 2 other ranges$/);
  });
});
