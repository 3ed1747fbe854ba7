/** The hooks around an update of the endpoint. */
import * as pulumi from "@pulumi/pulumi";
import { sageMaker } from "./endpoint-port.ts";
import { capacityHooks } from "./live-capacity.ts";
import { updateCheck } from "./update-check.ts";

/** How long an update waits for a busy endpoint, ms: a scale-out without capacity can take hours. */
const wait = { interval: 5_000, limit: 20 * 60_000 };

/**
 * Hooks for an endpoint. The provider never asks SageMaker to retain what a variant has, so every update applies the
 * configuration's initialInstanceCount of 1: an idle endpoint would wake, and bill until it has been quiet for a quarter of an
 * hour; a busy one would shrink, and grow again as its backlog does. So its capacity is noted before, and restored after, the
 * update. If that fails, it makes a warning, and the autoscaler does later what the hook would have done.
 * An update that SageMaker rolled back fails the deployment.
 */
export function updateHooks(name: string): pulumi.ResourceHookBinding {
  const { note, restore } = capacityHooks(sageMaker, wait);
  const options = { ignoreErrors: true };
  return {
    beforeUpdate: [new pulumi.ResourceHook(`${name}-note-capacity`, note, options)],
    afterUpdate: [
      new pulumi.ResourceHook(`${name}-verify-update`, updateCheck(sageMaker)),
      new pulumi.ResourceHook(`${name}-restore-capacity`, restore, options),
    ],
  };
}
