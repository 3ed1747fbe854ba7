/** Access to the stack: managed policies to attach to callers and operators, and a role for callers of another account. */
import * as iam from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import { currentAccount } from "../account.ts";
import type { Account } from "../account.ts";
import { withDefaults } from "../defaults.ts";
import { callerPolicy } from "../iam/caller-policy.ts";
import { operatorPolicy } from "../iam/operator-policy.ts";
import { policyDocument } from "../iam/policy-document.ts";
import type { SourceBucketArgs } from "../source-buckets.ts";
import { locationArns } from "../video-locations.ts";
import type { VideoLocations } from "../video-locations.ts";
import { create } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** Arguments of {@link AccessPolicies}. */
export interface AccessPoliciesArgs extends VideoLocations {
  /**
   * Account and region of the stack.
   * @default those of the component's provider
   */
  readonly account?: Account;
  /** ARN of the key that encrypts the stack's data. */
  readonly keyArn: pulumi.Input<string>;
  /** ARN of the endpoint. */
  readonly endpointArn: pulumi.Input<string>;
  /** Name of the endpoint, which its log group and its dashboard contain. */
  readonly endpointName: pulumi.Input<string>;
  /** ARNs of the topics that operators may subscribe to. */
  readonly topicArns: pulumi.Input<pulumi.Input<string>[]>;
  /** ARNs of the queues that the topics deliver to. */
  readonly queueArns: pulumi.Input<pulumi.Input<string>[]>;
  /** ARNs of the queues for messages that readers failed to process. */
  readonly deadLetterQueueArns: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Number of another account. Its administrators decide which of their principals may assume the caller role here. No input, because
   * the role exists only for an account.
   * @default no other account
   */
  readonly callerAccountId?: string | undefined;
  /**
   * Existing buckets that callers, like the endpoint, may read videos from.
   * @default none
   */
  readonly sourceBuckets?: pulumi.Input<pulumi.Input<SourceBucketArgs>[]>;
  /**
   * ARN of the permissions boundary of the role for the other account.
   * @default none
   */
  readonly permissionsBoundary?: pulumi.Input<string | undefined>;
  /**
   * Changes the resources of the component.
   * @default none
   */
  readonly transform?: {
    /** The policy for callers. @default unchanged */
    readonly callerPolicy?: Transform<iam.PolicyArgs>;
    /** The policy for operators. @default unchanged */
    readonly operatorPolicy?: Transform<iam.PolicyArgs>;
    /** The role for callers of the other account. @default unchanged */
    readonly callerRole?: Transform<iam.RoleArgs>;
    /** The attachment of the callers' policy to that role. @default unchanged */
    readonly callerRolePolicyAttachment?: Transform<iam.RolePolicyAttachmentArgs>;
  };
}

/**
 * Managed policies for callers and operators. They take effect only once someone attaches them.
 * @example
 * const access = new AccessPolicies("videos", {
 *   keyArn: key.arn,
 *   inputBucket: storage.inputBucket,
 *   outputBucket: storage.outputBucket,
 *   endpointArn: inference.endpointArn,
 *   endpointName: inference.endpointName,
 *   topicArns: [notifications.successTopicArn, notifications.errorTopicArn, monitoring.operationsTopicArn],
 *   queueArns: notifications.queueArns,
 *   deadLetterQueueArns: notifications.deadLetterQueueArns,
 * });
 */
export class AccessPolicies extends pulumi.ComponentResource {
  /** ARN of the policy for callers, who send videos. */
  readonly callerPolicyArn: pulumi.Output<string>;
  /** ARN of the policy for operators. */
  readonly operatorPolicyArn: pulumi.Output<string>;
  /** Prefix of the names of the queues that operators may create and delete for the smoke test. */
  readonly temporaryQueuePrefix: string;
  /** ARN of the role for the other account, if there is one. */
  readonly callerRoleArn: pulumi.Output<string> | undefined;

  constructor(name: string, args: AccessPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:AccessPolicies", name, {}, opts);
    const settings = withDefaults(args);
    const { account = currentAccount(this), transform = {} } = settings;
    this.temporaryQueuePrefix = `${name}-smoke-`;

    const caller = create(
      iam.Policy,
      transform.callerPolicy,
      `${name}-caller`,
      { policy: callerPolicy({ ...settings, account, locations: locationArns(account, settings) }) },
      { parent: this },
    );
    const operator = create(
      iam.Policy,
      transform.operatorPolicy,
      `${name}-operator`,
      { policy: operatorPolicy({ ...settings, account, temporaryQueuePrefix: this.temporaryQueuePrefix }) },
      { parent: this },
    );

    this.callerPolicyArn = caller.arn;
    this.operatorPolicyArn = operator.arn;
    this.callerRoleArn =
      args.callerAccountId === undefined
        ? undefined
        : callerRole(name, { ...args, account, accountId: args.callerAccountId, policyArn: caller.arn }, this);
    this.registerOutputs({
      callerPolicyArn: this.callerPolicyArn,
      operatorPolicyArn: this.operatorPolicyArn,
      temporaryQueuePrefix: this.temporaryQueuePrefix,
      callerRoleArn: this.callerRoleArn,
    });
  }
}

interface CallerRole extends Pick<AccessPoliciesArgs, "permissionsBoundary" | "transform"> {
  readonly account: Account;
  readonly accountId: string;
  readonly policyArn: pulumi.Input<string>;
}

/** A role, because the policies of the buckets and the key name no other account. A session of the role acts as this account. */
function callerRole(
  name: string,
  { account, accountId, policyArn, permissionsBoundary, transform = {} }: CallerRole,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  const role = create(
    iam.Role,
    transform.callerRole,
    `${name}-caller`,
    {
      assumeRolePolicy: policyDocument([
        {
          Effect: "Allow",
          Principal: { AWS: pulumi.interpolate`arn:${account.partition}:iam::${accountId}:root` },
          Action: "sts:AssumeRole",
        },
      ]),
      permissionsBoundary,
    },
    { parent },
  );
  create(
    iam.RolePolicyAttachment,
    transform.callerRolePolicyAttachment,
    `${name}-caller`,
    { role: role.name, policyArn },
    { parent },
  );
  return role.arn;
}
