/** Tests for rules that hold for the parts of every video. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { cutTimes, partsOf } from "./cut-times.ts";
import { maxParts } from "../limits.ts";

const videos = fc.record({
  duration: fc.double({ min: 0.01, max: 1e6, noNaN: true }),
  partSeconds: fc.double({ min: 0.5, max: 10_000, noNaN: true }),
  fps: fc.double({ min: 0.001, max: 1000, noNaN: true }),
});

/** Keyframes from a regular distance, as a container tells them for the times. */
const keyframesAt = (every: number, times: readonly number[]) => times.map((time) => Math.floor(time / every) * every);

describe("the parts of any video", () => {
  it("cover it without a gap or an overlap", () => {
    fc.assert(
      fc.property(videos, fc.double({ min: 0.04, max: 1000, noNaN: true }), fc.boolean(), (video, every, known) => {
        const times = cutTimes(video);
        const parts = partsOf(times, known ? keyframesAt(every, times) : []);
        assert.equal(parts[0]?.from, 0);
        assert.equal(parts.at(-1)?.to, null);
        for (const [index, { from, to }] of parts.entries()) {
          assert.equal(parts[index + 1]?.from, to ?? undefined);
          assert.ok(from < (to ?? video.duration + 1e-6));
        }
      }),
    );
  });

  it("have a sample each, and are bounded in number and length", () => {
    fc.assert(
      fc.property(videos, fc.double({ min: 0.04, max: 1000, noNaN: true }), (video, every) => {
        const times = cutTimes(video);
        const parts = partsOf(times, keyframesAt(every, times));
        assert.ok(parts.length <= maxParts);
        if (parts.length === 1) return;
        const { duration, partSeconds, fps } = video;
        const length = duration / parts.length;
        assert.ok(length >= (2 / 3) * partSeconds - 1e-6);
        const isLimited = parts.length === maxParts || parts.length === Math.floor((duration * fps) / 2);
        if (!isLimited) assert.ok(length <= 1.5 * partSeconds + 1e-6);
        for (const { from, to } of parts) {
          assert.ok((to ?? duration) - from > length / 2 - 1e-5);
          assert.ok((to ?? duration) - from < 1.5 * length + 1e-5);
          assert.ok(((to ?? duration) - from) * fps > 1 - 1e-4 * fps);
        }
      }),
    );
  });
});
