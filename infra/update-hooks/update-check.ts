/** Fails a deployment if SageMaker rolled the endpoint back to its old configuration. */
import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { logGroupOf } from "../endpoint-name.ts";
import type { EndpointPort } from "./endpoint-calls.ts";

const inputs = z.object({ endpointConfigName: z.string() });
const outputs = z.object({ arn: z.string(), name: z.string() });

/** States that an endpoint leaves only if someone acts. Source: SageMaker API reference, DescribeEndpoint, EndpointStatus. */
const broken = ["Failed", "UpdateRollbackFailed"];

/**
 * Returns a hook that runs after an endpoint's update. SageMaker ends an update that it rolls back in `InService` with the *old*
 * configuration, and the provider reports this as success (hashicorp/terraform-provider-aws#48997). Pulumi would then delete
 * the configuration, the model and the artifact that the endpoint still uses. This hook fails instead, which stops the deployment
 * before anything is deleted.
 * @param portIn makes a port for a region, that of the endpoint's ARN
 * @throws Error, in the hook, if SageMaker rolled the update back or the endpoint is broken; and the port's errors
 */
export function updateCheck(portIn: (region: string) => Promise<EndpointPort>): pulumi.ResourceHookFunction {
  return async ({ newInputs, newOutputs }) => {
    const { endpointConfigName: wanted } = inputs.parse(newInputs);
    const { arn, name } = outputs.parse(newOutputs);
    const port = await portIn(arn.split(":")[3] ?? "");
    const { status, configuration, failureReason = "SageMaker gives no reason" } = await port.describe(name);
    if (broken.includes(status)) {
      throw new Error(
        `Endpoint ${name} is ${status}: ${failureReason}. Nothing was deleted. If another update does not repair it, delete the endpoint, which drops its queue, and deploy again.`,
      );
    }
    if (configuration === wanted) return;
    throw new Error(
      `SageMaker rolled the update of endpoint ${name} back: ${failureReason}. The endpoint still runs ${configuration}, not ${wanted}; nothing was deleted. ` +
        `Read the log group ${logGroupOf(name)}, fix the cause, and deploy again.`,
    );
  };
}
