import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { customAttributesOf, withTimeout } from "./model-options.ts";

describe("the model's options", () => {
  it("are formatted in the handler's grammar, without absent ones", () => {
    assert.equal(customAttributesOf({ fps: 2, score: 0.5, masks: true }), "fps=2;score=0.5;masks=rle");
    assert.equal(customAttributesOf({ score: 0 }), "score=0");
    assert.equal(customAttributesOf({ fps: 1, sampling: "keyframe" }), "fps=1;sampling=keyframe");
    assert.equal(customAttributesOf({ maxSide: 1333, encoding: "gzip" }), "max_side=1333;encoding=gzip");
    assert.equal(customAttributesOf({ masks: false }), undefined);
    assert.equal(customAttributesOf({}), undefined);
  });

  it("format small numbers without an exponent, which the handler does not accept", () => {
    assert.equal(customAttributesOf({ fps: 1e-7 }), "fps=0.0000001");
    assert.equal(customAttributesOf({ score: 1e-20 }), "score=0");
  });

  for (const options of [
    { fps: 0 },
    { fps: NaN },
    { fps: 1001 },
    { fps: Infinity },
    { maxSide: 63 },
    { maxSide: 100.5 },
    { score: -0.1 },
    { score: 1.1 },
    { score: NaN },
  ]) {
    it(`may not be ${JSON.stringify(Object.entries(options).map(String))}`, () => {
      assert.throws(() => customAttributesOf(options), { name: "SetupError" });
    });
  }
});

describe("the model's options that are out of their ranges", () => {
  it("are reported together", () => {
    assert.throws(() => customAttributesOf({ fps: 0, score: 2, maxSide: 1 }), {
      message: /^fps is 0: [^;]*; score is 2: [^;]*; max-side is 1: [^;]*\.$/,
    });
  });
});

describe("the options with the run's time limit", () => {
  for (const [given, expected] of [
    [undefined, "timeout=900"],
    ["", "timeout=900"],
    ["fps=2;masks=rle", "fps=2;masks=rle;timeout=900"],
    ["fps=2; timeout=60", "fps=2; timeout=60"],
    ["timeout=60", "timeout=60"],
    ["max_timeout=60", "max_timeout=60;timeout=900"],
  ]) {
    it(`are ${expected ?? ""} for ${given ?? "no options"}`, () => {
      assert.equal(withTimeout(given, 900), expected);
    });
  }

  it("may not have a longer limit", () => {
    assert.throws(() => withTimeout("fps=2; timeout=901", 900), {
      name: "InputError",
      message: /timeout longer than the run's 900 s: .* set timeoutSeconds instead/,
    });
  });
});
