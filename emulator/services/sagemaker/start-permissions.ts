/** Permissions of the execution role to services that the emulator lacks, or serves itself, at the start of instances. */

import { actionsOf } from "../../iam/actors.ts";
import type { AuthorizationRequest, Authorizer } from "../../iam/authorizer.ts";
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
  /** ARN of the key that encrypts its volume; undefined for a volume without one. */
  readonly volumeKey: string | undefined;
  /** ARNs of the alarms that can roll back the update; empty for a start outside an update. */
  readonly rollbackAlarms: readonly string[];
  /** ARNs of the endpoint's topics; empty for a start outside a deployment. */
  readonly topics: readonly string[];
}

/**
 * Checks the permissions. The policies of the image's registry are not known here: AWS's repositories let every account
 * pull.
 * @param place prefix of ARNs of EC2 in the stack's account and region, `arn:aws:ec2:REGION:ACCOUNT`
 * @throws {StartPermissionError} in AWS's words, if they are known
 */
export async function checkStart(
  authorizer: Authorizer,
  { roleArn, image, network, volumeKey, rollbackAlarms, topics }: StartedInstance,
  place: string,
): Promise<void> {
  const require = async (
    action: string,
    resources: readonly string[],
    words: (name: string) => string,
    context: AuthorizationRequest["context"] = {},
  ) => {
    const request = { caller: executionActor(roleArn), action, resources, context };
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
  if (volumeKey !== undefined) {
    const context = { "kms:GrantIsForAWSResource": "true" };
    for (const action of actionsOf("start of an instance with an encrypted volume", "kms")) {
      await require(action, [volumeKey], () => "", context);
    }
  }
  for (const action of actionsOf("deployment of an endpoint", "sns")) {
    for (const topic of topics) {
      // Observed as the reason of a failed creation (aws/amazon-sagemaker-examples#4461); for an update it is assumed.
      await require(action, [topic], () =>
        `The provided role '${roleArn}' is invalid. Please ensure the role exists, that its trust relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com", and has "sns:Publish" permissions for topic "${topic}".`);
    }
  }
  if (rollbackAlarms.length > 0) {
    for (const action of actionsOf("update with roll-back alarms", "cloudwatch")) {
      await require(action, rollbackAlarms, () => "");
    }
  }
}

/**
 * Tells whether the role may publish the instance's metrics in their namespace. Without the permission they are missing:
 * AWS documents that the role needs it, and no error.
 */
export async function mayPublishMetrics(authorizer: Authorizer, roleArn: string, namespace: string): Promise<boolean> {
  const context = { "cloudwatch:namespace": namespace };
  const decisions = await Promise.all(
    actionsOf("metrics of an instance", "cloudwatch").map((action) =>
      authorizer.authorize({ caller: executionActor(roleArn), action, resources: ["*"], context }),
    ),
  );
  return decisions.every(({ allowed }) => allowed);
}

/** Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2". */
function resourcesOf(action: string, interfaces: readonly string[]): readonly string[] {
  if (action === "ec2:CreateNetworkInterface") return interfaces;
  return action.startsWith("ec2:Describe") ? ["*"] : interfaces.slice(0, 1);
}
