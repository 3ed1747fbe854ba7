/** The hooks around an update of the endpoint. */
import * as pulumi from "@pulumi/pulumi";
import { sageMaker } from "./endpoint-calls.ts";
import { preserveCapacity } from "./preserve-capacity.ts";
import { updateCheck } from "./update-check.ts";

/** Maximum time that an update waits for a busy endpoint, ms. A scale-out without capacity can take hours. */
const wait = { interval: 5_000, limit: 20 * 60_000 };

/**
 * Returns the hooks for an endpoint. The provider never asks SageMaker to retain the variant's properties, so every update applies the
 * configuration's initialInstanceCount of 1: an idle endpoint would start an instance and pay for it until its alarms stop it (after
 * `idleMinutes`, or with `scaleIn` tracking after 15 minutes); a busy one would shrink, and grow again as its backlog does. So the hooks capture the capacity before the update and restore it
 * afterwards. If that fails, Pulumi prints a warning, and the autoscaler later sets the capacity.
 * An update that SageMaker rolled back fails the deployment.
 */
export function updateHooks(name: string): pulumi.ResourceHookBinding {
  const { capture, restore } = preserveCapacity(sageMaker, wait);
  const options = { ignoreErrors: true };
  return {
    beforeUpdate: [new pulumi.ResourceHook(`${name}-capture-capacity`, capture, options)],
    afterUpdate: [
      new pulumi.ResourceHook(`${name}-verify-update`, updateCheck(sageMaker)),
      new pulumi.ResourceHook(`${name}-restore-capacity`, restore, options),
    ],
  };
}
