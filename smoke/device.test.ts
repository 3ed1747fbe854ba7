/** Tests for the devices that a result may come from, by the stack's output requireGpu. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { assertDevice } from "./device.ts";

const instanceType = "ml.g4dn.xlarge";

describe("the smoke test's device check", () => {
  it("accepts CUDA, and fails on a CPU, if the stack requires a GPU", () => {
    assertDevice({ requireGpu: true, instanceType }, "cuda");
    assert.throws(
      () => {
        assertDevice({ requireGpu: true, instanceType }, "cpu");
      },
      { name: "AssertionError", message: /used the CPU of ml\.g4dn\.xlarge.*Set inferenceAmi/ },
    );
  });

  it("accepts any device if the stack requires no GPU", () => {
    assertDevice({ requireGpu: false, instanceType }, "cpu");
    assertDevice({ requireGpu: false, instanceType }, "cuda");
  });

  it("fails if the outputs are an older program's", () => {
    assert.throws(() => {
      assertDevice({ instanceType }, "cuda");
    }, /no output requireGpu: deploy it again/);
  });

  it("fails if a GPU is required and the result does not name its device", () => {
    assert.throws(() => {
      assertDevice({ requireGpu: true, instanceType }, undefined);
    }, /does not name the handler's device/);
  });
});
