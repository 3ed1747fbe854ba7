/** An environment's resources, by their names: `video-STACK-KIND-xxxxxxx`. */
import type * as pulumi from "@pulumi/pulumi";
import { globalArn, regionalArn } from "../account.ts";
import type { Account } from "../account.ts";
import { namePrefix } from "./environments.ts";
import type { Environment } from "./environments.ts";

/** One environment in one account. */
export interface Scope {
  readonly account: Account;
  readonly environment: Environment;
  /** ARN of the key that encrypts the data of the environment's stacks. */
  readonly keyArn: pulumi.Input<string>;
}

/**
 * Pattern of the names of an environment's resources: `video-dev-*`, `video-pr-*`.
 * @param kind only resources of this kind: `video-dev-input-*`, `video-pr-*-input-*`
 */
export function named(environment: Environment, kind?: string): string {
  const prefix = namePrefix(environment);
  if (kind === undefined) return `${prefix}*`;
  return environment.stack.endsWith("*") ? `${prefix}*-${kind}-*` : `${prefix}${kind}-*`;
}

/** Endpoints, endpoint configurations and models. */
export function sageMaker({ account, environment }: Scope) {
  return ["endpoint", "endpoint-config", "model"].map((kind) =>
    regionalArn(account, "sagemaker", `${kind}/${named(environment)}`),
  );
}

/** Log groups of endpoints, and their streams. */
export function endpointLogs({ account, environment }: Pick<Scope, "account" | "environment">): pulumi.Output<string> {
  return regionalArn(account, "logs", `log-group:/aws/sagemaker/Endpoints/${named(environment, "endpoint")}`);
}

/** The stack's alarms, and those that AWS creates for target tracking. */
export function alarms({ account, environment }: Scope) {
  return [`alarm:${named(environment)}`, `alarm:TargetTracking-endpoint/${named(environment)}`].map((alarm) =>
    regionalArn(account, "cloudwatch", alarm),
  );
}

/** Patterns of the ARNs of an environment's roles: those of its stacks, and the ones that workflows take. */
export function rolesOf({ account, environment }: Pick<Scope, "account" | "environment">) {
  return [named(environment), `async-video-${environment.name}-*`].map((name) =>
    globalArn(account, "iam", `role/${name}`),
  );
}
