/** Whether the stack's endpoint is there and takes videos: asked before anything is sent. */
import { readCapacity } from "./capacity.ts";
import { codeOf, SetupError } from "./errors.ts";
import type { Stack } from "./stack.ts";

/** The states in which SageMaker takes invocations (API reference, DescribeEndpoint, EndpointStatus). */
const takingStates = ["InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"];

/**
 * Makes sure that the endpoint is there and takes invocations; a caller who may not look at it finds out by the first one.
 * @throws SetupError if it does not; the SDK's error if credentials or network are no good
 */
export async function checkEndpoint(stack: Stack, signal?: AbortSignal): Promise<void> {
  const { endpointName, region } = stack.outputs;
  try {
    const { status } = await readCapacity(stack, signal);
    if (takingStates.includes(status)) return;
    throw new SetupError(`Endpoint ${endpointName} is ${status}: it takes videos once it is InService.`);
  } catch (error) {
    const code = codeOf(error);
    if (code === "AccessDeniedException") return;
    if (code === "ValidationException" || code === "ValidationError") {
      throw new SetupError(
        `There is no endpoint ${endpointName} in ${region} for these credentials: check the account and the region, and that the stack is still deployed.`,
      );
    }
    throw error;
  }
}
