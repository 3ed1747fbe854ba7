/** What an environment's permissions are limited to: names, which all start with "video", and the tags that stacks put on what they make. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import type * as pulumi from "@pulumi/pulumi";
import type { Account } from "./account.ts";
import type { Environment } from "./environments.ts";

/** Start of the names of all that a stack makes (`infra/index.ts`). */
export const prefix = "video-";
/** The project's tag (`Pulumi.<stack>.yaml`). */
export const project = "async-video-inference";

/** One environment in one account. */
export interface Scope {
  readonly account: Account;
  readonly environment: Environment;
}

/** On things that are the environment's by their tags. */
export const tagged = ({ stackTag }: Environment): PolicyStatement["Condition"] => ({
  StringEquals: { "aws:ResourceTag/project": project },
  StringLike: { "aws:ResourceTag/stack": stackTag },
});

/** In calls that make something, tagged as the environment's. */
export const tagging = ({ stackTag }: Environment): PolicyStatement["Condition"] => ({
  StringEquals: { "aws:RequestTag/project": project },
  StringLike: { "aws:RequestTag/stack": stackTag },
});

/** All that is SageMaker's. */
export function sageMaker(account: Account) {
  return ["endpoint", "endpoint-config", "model"].map((kind) => account.regional("sagemaker", `${kind}/${prefix}*`));
}

/** Log groups of endpoints, and what is in them. */
export function endpointLogs(account: Account): pulumi.Output<string> {
  return account.regional("logs", `log-group:/aws/sagemaker/Endpoints/${prefix}endpoint-*`);
}

/** The stack's own, and those that AWS makes for target tracking. */
export function alarms(account: Account) {
  return [`alarm:${prefix}*`, `alarm:TargetTracking-endpoint/${prefix}*`].map((alarm) =>
    account.regional("cloudwatch", alarm),
  );
}
