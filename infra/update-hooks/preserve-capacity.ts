/** Preserves the number of instances of an endpoint, including zero, over its update. */
import { setTimeout as sleep } from "node:timers/promises";
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { EndpointPort } from "./endpoint-calls.ts";

/** States in which SageMaker refuses every change of an endpoint. */
const busy = ["Creating", "Updating", "SystemUpdating", "RollingBack"];

const endpointOutputs = z.object({ arn: z.string(), name: z.string() });

/**
 * Returns two hooks around an endpoint's update. The first waits while a scaling activity is in progress, because SageMaker would refuse the
 * update, and captures the number of instances. The second restores that number.
 * @param portIn makes a port for a region, that of the endpoint's ARN
 * @param wait ms between two checks of a busy endpoint, and until the first hook throws an error
 * @throws Error, in the first hook, if the endpoint is still busy at the deadline; in both, the port's errors
 */
export function preserveCapacity(
  portIn: (region: string) => Promise<EndpointPort>,
  { interval, limit }: { readonly interval: number; readonly limit: number },
): { capture: pulumi.ResourceHookFunction; restore: pulumi.ResourceHookFunction } {
  const captured = new Map<string, number>();
  const read = async (outputs: unknown) => {
    const { arn, name } = endpointOutputs.parse(outputs);
    const port = await portIn(arn.split(":")[3] ?? "");
    return { name, port, live: await port.describe(name) };
  };
  return {
    async capture({ oldOutputs }) {
      const { name, port, live } = await read(oldOutputs);
      let now = live;
      const deadline = performance.now() + limit;
      while (busy.includes(now.status)) {
        if (performance.now() > deadline) {
          throw new Error(
            `Endpoint ${name} has been ${now.status} for ${limit / 60_000} minutes, so SageMaker may refuse its update.`,
          );
        }
        await sleep(interval);
        now = await port.describe(name);
      }
      captured.set(name, now.desired);
    },
    async restore({ newOutputs }) {
      const { name, port, live } = await read(newOutputs);
      const before = captured.get(name);
      if (before !== undefined && before !== live.desired) await port.setDesired(name, live.variantName, before);
    },
  };
}
