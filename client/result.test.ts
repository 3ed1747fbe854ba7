import assert from "node:assert/strict";
import { parseResult, summarize } from "./result.ts";
import { sampleResult } from "./testing/sample-result.ts";

describe("a result", () => {
  const parse = (value: unknown) => parseResult(JSON.stringify(value), "s3://out/a.out");

  it("is taken as the model's schema says", () => {
    assert.deepEqual(parse(sampleResult), sampleResult);
  });

  const broken: Record<string, unknown> = {
    "another schema version": { ...sampleResult, schema_version: 2 },
    "no frames": { ...sampleResult, frames: [] },
    "a member that the schema does not know": { ...sampleResult, masks: [] },
    "a box of three numbers": {
      ...sampleResult,
      frames: [{ index: 0, timestamp: 0, detections: [{ label: "car", label_id: 3, score: 1, box: [1, 2, 3] }] }],
    },
  };
  for (const [what, value] of Object.entries(broken)) {
    it(`is refused with ${what}, naming its place`, () => {
      assert.throws(() => parse(value), {
        name: "ServiceAnswerError",
        message: /s3:\/\/out\/a\.out is not what .*result\.schema\.json says: \//,
      });
    });
  }

  it("is refused where it is no JSON", () => {
    assert.throws(() => parseResult("", "s3://out/a.out"), /s3:\/\/out\/a\.out is not JSON/);
  });

  it("is summed up by class, the most frequent first", () => {
    const summary = summarize(sampleResult);
    assert.deepEqual(summary, {
      frames: 2,
      detections: 3,
      objects: { car: 2, person: 1 },
      truncated: false,
      notice: "knows only generated shapes",
    });
    assert.deepEqual(Object.keys(summary.objects), ["car", "person"]);
  });
});
