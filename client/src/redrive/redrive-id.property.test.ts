import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { nameOf, nextIdOf } from "./redrive-id.ts";

const inferenceId = fc.string({ minLength: 1, maxLength: 64, unit: "grapheme-ascii" });

describe("the InferenceId of a job that is sent again", () => {
  it("counts the attempts", () => {
    assert.deepEqual(nameOf("video-1"), { first: "video-1", times: 0 });
    assert.equal(nextIdOf("video-1"), "video-1.redrive-1");
    assert.equal(nextIdOf("video-1.redrive-1"), "video-1.redrive-2");
    assert.deepEqual(nameOf("video-1.redrive-12"), { first: "video-1", times: 12 });
  });

  it("does not change a name that only looks like one", () => {
    for (const name of [
      ".redrive-1",
      "video.redrive-",
      "video.redrive-0",
      "video.redrive-01",
      "video.redrive-x",
      "video.redrive-1-b",
    ]) {
      assert.deepEqual(nameOf(name), { first: name, times: 0 });
    }
  });

  it("is short enough, deterministic, and counts on for any first name", () => {
    fc.assert(
      fc.property(inferenceId, (first) => {
        const next = nextIdOf(first);
        assert.ok(next.length <= 64, next);
        assert.equal(nextIdOf(first), next);
        assert.equal(nameOf(next).times, nameOf(first).times + 1);
        assert.equal(nameOf(nextIdOf(next)).first, nameOf(next).first);
      }),
    );
  });

  it("differs for another job", () => {
    fc.assert(
      fc.property(inferenceId, inferenceId, (one, other) => {
        assert.equal(nextIdOf(one) === nextIdOf(other), one === other);
      }),
    );
    const long = "x".repeat(63);
    assert.notEqual(nextIdOf(`${long}a`), nextIdOf(`${long}b`));
  });
});
