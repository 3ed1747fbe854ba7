/** The endpoint's name, which is known before the endpoint exists, and the names that are derived from it. */
import { createHash } from "node:crypto";
import { resourcePrefix } from "./stack-name.ts";

/** Inputs of the endpoint's name. */
export interface EndpointIdentity {
  readonly accountId: string;
  readonly region: string;
  readonly project: string;
  readonly stack: string;
  /** Names of the alarms that roll back an update, in any order. A change of the set makes the provider replace the endpoint. */
  readonly rollbackAlarms: readonly string[];
}

/**
 * Returns the name of a stack's endpoint: the prefix and 7 hexadecimal digits, the format of Pulumi's names. SageMaker creates the endpoint's log
 * group during CreateEndpoint, so the program must declare the group, and know the name, before that. A change that replaces the endpoint changes
 * the name, so that the new endpoint can be created before the old one is deleted.
 */
export function endpointNameOf(
  identity: EndpointIdentity,
  prefix = `${resourcePrefix(identity.stack)}-endpoint-`,
): string {
  const { accountId, region, project, stack, rollbackAlarms } = identity;
  const parts = [accountId, region, project, stack, ...rollbackAlarms.toSorted()];
  return `${prefix}${createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 7)}`;
}

/** Returns the log group of an endpoint's containers. Source: SageMaker developer guide, "Log groups and streams that Amazon SageMaker AI sends to Amazon CloudWatch Logs". */
export function logGroupOf(endpointName: string): string {
  return `/aws/sagemaker/Endpoints/${endpointName}`;
}
