/** Checks that a result was made on the hardware that the stack requires. */
import assert from "node:assert/strict";
import type { StackOutputs } from "../client/src/index.ts";

/**
 * Accepts every device if the stack does not require a GPU.
 * @param device The result's `handler.device`; results of the first schema version do not have it.
 * @throws AssertionError if a GPU is required and the handler used another device; Error if the outputs or the result
 * lack the information
 */
export function assertDevice(
  { requireGpu, instanceType }: Pick<StackOutputs, "requireGpu" | "instanceType">,
  device: "cpu" | "cuda" | undefined,
): void {
  if (requireGpu === undefined) throw new Error("The stack has no output requireGpu: deploy it again.");
  if (!requireGpu) return;
  if (device === undefined) throw new Error("The result does not name the handler's device: deploy a newer artifact.");
  assert.equal(
    device,
    "cuda",
    `The handler used the CPU of ${instanceType}, which is paid for its GPU: its driver may not fit the image's CUDA. ` +
      "Set inferenceAmi, and look for 'is ready on' in the endpoint's log.",
  );
}
