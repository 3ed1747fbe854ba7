import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { cutTimes, partsOf } from "./cut-times.ts";
import type { PlannedVideo } from "./cut-times.ts";

describe("the plan of parts", () => {
  const video: PlannedVideo = { duration: 3600, partSeconds: 1200, fps: 1 };
  const cuts = (change: Partial<PlannedVideo>) => cutTimes({ ...video, ...change });

  it("cuts a video into parts of the wanted length", () => {
    assert.deepEqual(cuts({}), [1200, 2400]);
  });

  it("leaves a video of up to one and a half parts whole", () => {
    assert.deepEqual(cuts({ duration: 1799 }), []);
    assert.deepEqual(cuts({ duration: 1800 }), [900]);
  });

  it("leaves a video of unknown duration whole", () => {
    assert.deepEqual(cuts({ duration: null }), []);
    assert.deepEqual(partsOf([], []), [{ from: 0, to: null }]);
  });

  it("makes no part without a sample", () => {
    assert.deepEqual(cuts({ fps: 1 / 900 }), [1800]);
    assert.deepEqual(cuts({ fps: 1 / 3600 }), []);
  });

  it("makes up to a thousand parts", () => {
    assert.equal(cuts({ partSeconds: 1 }).length, 999);
  });

  it("moves a cut to its keyframe, unless that is more than half a part away", () => {
    assert.deepEqual(partsOf([1200, 2400], [1198.5, 1790]), [
      { from: 0, to: 1198.5 },
      { from: 1198.5, to: 2400 },
      { from: 2400, to: null },
    ]);
  });
});
