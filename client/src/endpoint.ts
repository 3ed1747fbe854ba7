/** Checks that the stack's endpoint exists and accepts videos, before anything is sent. */
import { readCapacity } from "./capacity.ts";
import { codeOf } from "../../lib/errors.ts";
import { SetupError } from "./errors.ts";
import type { Stack } from "./stack.ts";

/** States in which SageMaker accepts invocations (API reference, DescribeEndpoint, EndpointStatus). */
const takingStates = ["InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"];

/**
 * Checks that the endpoint exists and accepts invocations.
 * @param mustDescribe false: for a caller without the right to describe the endpoint, the first invocation tells
 * @throws SetupError if it does not; the SDK's error if credentials or network are invalid
 */
export async function checkEndpoint(stack: Stack, signal?: AbortSignal, mustDescribe = false): Promise<void> {
  const { endpointName, region } = stack.outputs;
  try {
    const { status } = await readCapacity(stack, signal);
    if (takingStates.includes(status)) return;
    throw new SetupError(`Endpoint ${endpointName} is ${status}: it accepts videos when it is InService.`);
  } catch (error) {
    const code = codeOf(error);
    if (code === "AccessDeniedException" && !mustDescribe) return;
    if (code === "ValidationException" || code === "ValidationError") {
      throw new SetupError(
        `There is no endpoint ${endpointName} in ${region} for these credentials: check the account and the region, and that the stack is still deployed.`,
      );
    }
    throw error;
  }
}
