/** Access to the stack: managed policies to attach to callers and operators, and a role for callers of another account. */
import * as iam from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import type { AsyncEndpoint } from "./async-endpoint.ts";
import { callerPolicy } from "../iam/caller-policy.ts";
import type { InferenceNotifications } from "./inference-notifications.ts";
import { operatorPolicy } from "../iam/operator-policy.ts";
import { policyDocument } from "../iam/policy-document.ts";
import { boundedBy } from "../iam/role-boundary.ts";
import type { SourceBucket } from "../source-buckets.ts";
import type { VideoStorage } from "./video-storage.ts";

/** Options for {@link AccessPolicies}. */
export interface AccessPoliciesArgs {
  readonly account: Account;
  readonly storage: VideoStorage;
  readonly topics: InferenceNotifications;
  readonly inference: AsyncEndpoint;
  /** The topic of alarms, which operators may subscribe to as well. */
  readonly operationsTopicArn: pulumi.Input<string>;
  /** ARN of the key that encrypts the stack's data. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Another account. Its administrators decide which of their principals may assume the caller role here.
   * @default no other account
   */
  readonly callerAccountId?: string | undefined;
  /**
   * Existing buckets that callers, like the endpoint, may read videos from.
   * @default none
   */
  readonly sourceBuckets?: readonly SourceBucket[];
  /**
   * ARN of the permissions boundary of the role for the other account.
   * @default none
   */
  readonly permissionsBoundary?: string | undefined;
}

/** Managed policies for callers and operators. They take effect only once someone attaches them. */
export class AccessPolicies extends pulumi.ComponentResource {
  readonly callerPolicyArn: pulumi.Output<string>;
  readonly operatorPolicyArn: pulumi.Output<string>;
  /** Prefix of the names of the queues that operators may create and delete for the smoke test. */
  readonly temporaryQueuePrefix: string;
  /** The role for the other account, if there is one. */
  readonly callerRoleArn: pulumi.Output<string> | undefined;

  constructor(name: string, args: AccessPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:AccessPolicies", name, {}, opts);
    const { account, storage, topics, inference, keyArn } = args;
    const endpointArn = inference.endpoint.arn;
    this.temporaryQueuePrefix = `${name}-smoke-`;

    const caller = new iam.Policy(
      `${name}-caller`,
      { policy: callerPolicy({ endpointArn, storage, keyArn, account, sourceBuckets: args.sourceBuckets ?? [] }) },
      { parent: this },
    );
    const operator = new iam.Policy(
      `${name}-operator`,
      {
        policy: operatorPolicy({
          account,
          endpointArn,
          endpointName: inference.endpointName,
          topics: [topics.successTopicArn, topics.errorTopicArn, args.operationsTopicArn],
          queues: topics.queueArns,
          deadLetterQueues: topics.deadLetterQueueArns,
          temporaryQueuePrefix: this.temporaryQueuePrefix,
          keyArn,
        }),
      },
      { parent: this },
    );

    this.callerPolicyArn = caller.arn;
    this.operatorPolicyArn = operator.arn;
    this.callerRoleArn =
      args.callerAccountId === undefined ? undefined : callerRole(name, args.callerAccountId, caller, args, this);
    this.registerOutputs({
      callerPolicyArn: this.callerPolicyArn,
      operatorPolicyArn: this.operatorPolicyArn,
      temporaryQueuePrefix: this.temporaryQueuePrefix,
      callerRoleArn: this.callerRoleArn,
    });
  }
}

/** A role, because the policies of the buckets and the key name no other account. A session of the role acts as this account. */
function callerRole(
  name: string,
  accountId: string,
  policy: iam.Policy,
  { account, permissionsBoundary }: Pick<AccessPoliciesArgs, "account" | "permissionsBoundary">,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  const role = new iam.Role(
    `${name}-caller`,
    {
      assumeRolePolicy: policyDocument([
        {
          Effect: "Allow",
          Principal: { AWS: pulumi.interpolate`arn:${account.partition}:iam::${accountId}:root` },
          Action: "sts:AssumeRole",
        },
      ]),
      ...boundedBy({ permissionsBoundary }),
    },
    { parent },
  );
  new iam.RolePolicyAttachment(`${name}-caller`, { role: role.name, policyArn: policy.arn }, { parent });
  return role.arn;
}
