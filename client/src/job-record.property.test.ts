import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { isJobId, jobIdOf } from "./job-record.ts";
import { nextIdOf } from "./redrive/redrive-id.ts";

describe("a job id", () => {
  it("has up to 32 characters for any InferenceId, and is the same for each attempt", () => {
    const names = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 64 });
    fc.assert(
      fc.property(names, fc.nat(5), (name, times) => {
        const id = jobIdOf(name);
        assert.ok(id.length <= 32 && isJobId(id), id);
        let again = name;
        for (let time = 0; time < times; time += 1) again = nextIdOf(again);
        assert.equal(jobIdOf(again), id);
      }),
    );
  });
});
