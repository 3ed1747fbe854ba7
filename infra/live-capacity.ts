/** What an update leaves of the instances that are there: as many as before it, none included. */
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/** An endpoint as it is now. */
export interface LiveEndpoint {
  readonly status: string;
  readonly variantName: string;
  /** Instances that are wanted. */
  readonly desired: number;
}

/** What the hooks ask of SageMaker. */
export interface CapacityPort {
  describe(endpointName: string): Promise<LiveEndpoint>;
  setDesired(endpointName: string, variantName: string, count: number): Promise<void>;
}

/** States in which SageMaker refuses every change of an endpoint. */
const busy = ["Creating", "Updating", "SystemUpdating", "RollingBack"];
/** Ms between two looks at an endpoint that is busy. */
const pollInterval = 5_000;

const endpointOutputs = z.object({ arn: z.string(), name: z.string() });

/**
 * Hooks for an endpoint. The provider never asks SageMaker to retain what a variant has, so every update applies the
 * configuration's initialInstanceCount of 1: an idle endpoint would wake, and bill until it has been quiet for a quarter of an
 * hour; a busy one would shrink, and grow again as its backlog does. The first hook notes the number, and waits where a scaling
 * is under way, for which SageMaker would refuse the update. The second asks for that number again.
 * A hook that fails makes a warning: the update goes on, and the autoscaler does later what the hook would have done.
 */
export function keepCapacity(name: string): pulumi.ResourceHookBinding {
  const { note, restore } = capacityHooks(sageMaker, pollInterval);
  const options = { ignoreErrors: true };
  return {
    beforeUpdate: [new pulumi.ResourceHook(`${name}-note-capacity`, note, options)],
    afterUpdate: [new pulumi.ResourceHook(`${name}-restore-capacity`, restore, options)],
  };
}

/** The two hooks, on any port: one for the region of the endpoint's ARN is asked for. */
export function capacityHooks(
  portIn: (region: string) => Promise<CapacityPort>,
  pause: number,
): { note: pulumi.ResourceHookFunction; restore: pulumi.ResourceHookFunction } {
  const noted = new Map<string, number>();
  const look = async (outputs: unknown) => {
    const { arn, name } = endpointOutputs.parse(outputs);
    const port = await portIn(arn.split(":")[3] ?? "");
    return { name, port, live: await port.describe(name) };
  };
  return {
    async note({ oldOutputs }) {
      const { name, port, live } = await look(oldOutputs);
      let now = live;
      while (busy.includes(now.status)) {
        await sleep(pause);
        now = await port.describe(name);
      }
      noted.set(name, now.desired);
    },
    async restore({ newOutputs }) {
      const { name, port, live } = await look(newOutputs);
      const before = noted.get(name);
      if (before !== undefined && before !== live.desired) await port.setDesired(name, live.variantName, before);
    },
  };
}

/** SageMaker itself, with the credentials of AWS's default chain and the provider's profile. The SDK is loaded when it is needed. */
export async function sageMaker(region: string): Promise<CapacityPort> {
  const { DescribeEndpointCommand, SageMakerClient, UpdateEndpointWeightsAndCapacitiesCommand } =
    await import("@aws-sdk/client-sagemaker");
  const profile = new pulumi.Config("aws").get("profile");
  const client = new SageMakerClient({ region, ...(profile === undefined ? {} : { profile }) });
  return {
    async describe(EndpointName) {
      const found = await client.send(new DescribeEndpointCommand({ EndpointName }));
      const [variant] = found.ProductionVariants ?? [];
      return {
        status: found.EndpointStatus ?? "",
        variantName: variant?.VariantName ?? "",
        desired: variant?.DesiredInstanceCount ?? 0,
      };
    },
    async setDesired(EndpointName, VariantName, DesiredInstanceCount) {
      const DesiredWeightsAndCapacities = [{ VariantName, DesiredInstanceCount }];
      await client.send(new UpdateEndpointWeightsAndCapacitiesCommand({ EndpointName, DesiredWeightsAndCapacities }));
    },
  };
}
