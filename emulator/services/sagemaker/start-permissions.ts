/** Permissions of the execution role to services that the emulator lacks, or serves itself, at the start of instances. */

import { actionsOf } from "../../iam/actors.ts";
import type { Authorizer } from "../../iam/authorizer.ts";
import { executionActor } from "./dependencies.ts";

/** The execution role lacks a permission that an instance needs to start. */
class StartPermissionError extends Error {
  override readonly name = "StartPermissionError";
}

/** An instance that starts. */
export interface StartedInstance {
  readonly roleArn: string;
  /** Address in ECR. */
  readonly image: string;
  /** IDs of the VPC's subnets and security groups; undefined without a VPC. */
  readonly network: { readonly subnets: readonly string[]; readonly securityGroups: readonly string[] } | undefined;
  /** ARNs of the alarms that can roll back the update; empty for a start outside an update. */
  readonly rollbackAlarms: readonly string[];
}

/**
 * Checks the permissions. The policies of the image's registry are not known here: AWS's repositories let every account
 * pull.
 * @param place prefix of ARNs of EC2 in the stack's account and region, `arn:aws:ec2:REGION:ACCOUNT`
 * @throws {StartPermissionError} in AWS's words, if they are known
 */
export async function checkStart(
  authorizer: Authorizer,
  { roleArn, image, network, rollbackAlarms }: StartedInstance,
  place: string,
): Promise<void> {
  const require = async (action: string, resources: readonly string[], words: (name: string) => string) => {
    const request = { caller: executionActor(roleArn), action, resources, context: {} };
    const { allowed, message } = await authorizer.authorize(request);
    const [, name = ""] = action.split(":");
    if (!allowed) throw new StartPermissionError(words(name) || message);
  };
  const [, account = "", region = "", repository = ""] =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[a-z.]+\/([^:@]+)[:@]/.exec(image) ?? [];
  for (const action of actionsOf("start of an instance", "ecr")) {
    const resource =
      action === "ecr:GetAuthorizationToken" ? "*" : `arn:aws:ecr:${region}:${account}:repository/${repository}`;
    // Observed for BatchGetImage (aws/sagemaker-python-sdk#2002).
    await require(action, [resource], (name) =>
      `The role '${roleArn}' does not have ${name} permission for the image: '${image}'.`);
  }
  if (network !== undefined) {
    const interfaces = [
      "network-interface/*",
      ...network.subnets.map((id) => `subnet/${id}`),
      ...network.securityGroups.map((id) => `security-group/${id}`),
    ].map((resource) => `${place}:${resource}`);
    for (const action of actionsOf("start of an instance in a VPC", "ec2")) {
      await require(action, resourcesOf(action, interfaces), () => "");
    }
  }
  if (rollbackAlarms.length > 0) {
    for (const action of actionsOf("update with roll-back alarms", "cloudwatch")) {
      await require(action, rollbackAlarms, () => "");
    }
  }
}

/** Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2". */
function resourcesOf(action: string, interfaces: readonly string[]): readonly string[] {
  if (action === "ec2:CreateNetworkInterface") return interfaces;
  return action.startsWith("ec2:Describe") ? ["*"] : interfaces.slice(0, 1);
}
