import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { DrawingView } from "./drawing-view.ts";

describe("the line about videos that are drawn", () => {
  let shown: string[];
  let view: DrawingView;

  beforeEach(() => {
    shown = [];
    view = new DrawingView({ live: { show: (text, step) => shown.push(`${step ?? ""}: ${text}`) } });
  });

  it("names the video, and then how much is downloaded and drawn", async () => {
    await view.during("a.mp4", (onProgress) => {
      onProgress({ step: "downloading", percent: 50 });
      onProgress({ step: "drawing on", percent: 7 });
      return Promise.resolve();
    });
    assert.deepEqual(shown, [
      "new step: drawing on a.mp4",
      "same step: downloading a.mp4 50 %",
      "same step: drawing on a.mp4 7 %",
    ]);
  });

  it("shows the progress of the first one, counts the others, and then shows the next one", async () => {
    const first = Promise.withResolvers<undefined>();
    const one = view.during("a.mp4", () => first.promise);
    await view.during("b.mp4", async (onProgress) => {
      onProgress({ step: "drawing on", percent: 7 });
      first.resolve(undefined);
      await one;
    });
    assert.deepEqual(shown.slice(1), [
      "new step: drawing on a.mp4 and 1 other video",
      "same step: drawing on a.mp4 and 1 other video",
      "new step: drawing on b.mp4 7 %",
    ]);
  });
});
