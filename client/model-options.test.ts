import assert from "node:assert/strict";
import { customAttributesOf } from "./model-options.ts";

describe("the model's options", () => {
  it("are handed over in the handler's grammar, those that are given", () => {
    assert.equal(customAttributesOf({ fps: 2, score: 0.5, masks: true }), "fps=2;score=0.5;masks=rle");
    assert.equal(customAttributesOf({ score: 0 }), "score=0");
    assert.equal(customAttributesOf({ masks: false }), undefined);
    assert.equal(customAttributesOf({}), undefined);
  });

  for (const options of [
    { fps: 0 },
    { fps: NaN },
    { fps: Infinity },
    { score: -0.1 },
    { score: 1.1 },
    { score: NaN },
  ]) {
    it(`may not be ${JSON.stringify(Object.entries(options).map(String))}`, () => {
      assert.throws(() => customAttributesOf(options), { name: "SetupError" });
    });
  }
});
