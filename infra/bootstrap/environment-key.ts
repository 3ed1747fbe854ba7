/** An environment's KMS keys: one for the data of its stacks, one for their state. No deployment can create, change or delete a key. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as kms from "@pulumi/aws/kms/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { environments } from "./environments.ts";
import type { Environment } from "./environments.ts";
import { accountAdministers } from "../iam/key-policy.ts";
import { policyDocument } from "../iam/policy-document.ts";
import { rolesOf } from "./scope.ts";

/** Days in which the deletion of a key, and with it the loss of all that it encrypts, can be cancelled: the maximum of KMS. */
const deletionWindowInDays = 30;

/** Arguments of an {@link EnvironmentKey}. */
export interface EnvironmentKeyArgs {
  readonly account: Account;
  readonly environment: Environment;
  readonly description: string;
  /** The part of the alias after `alias/`. */
  readonly alias: string;
  /**
   * Statements for AWS services that use the key.
   * @default none
   */
  readonly services?: readonly PolicyStatement[];
}

/** A protected symmetric key that KMS rotates every year, and its alias. */
export class EnvironmentKey extends pulumi.ComponentResource {
  /** ARN of the key. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: EnvironmentKeyArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:bootstrap:EnvironmentKey", name, {}, opts);
    const key = new kms.Key(
      name,
      {
        description: args.description,
        enableKeyRotation: true,
        deletionWindowInDays,
        policy: pulumi.jsonStringify(policyDocument(keyStatements(args))),
      },
      { parent: this, protect: true },
    );
    new kms.Alias(name, { name: `alias/${args.alias}`, targetKeyId: key.keyId }, { parent: this });
    this.arn = key.arn;
    this.registerOutputs({ arn: this.arn });
  }
}

/**
 * Returns the key's policy. IAM decides which principals of the account use the key: the policies of the environment's roles name its ARN, and
 * callers and operators get access through their policies. Other environments' roles have no such policy; the deny applies even if one gets it.
 */
function keyStatements({ account, environment, services = [] }: EnvironmentKeyArgs): PolicyStatement[] {
  const others = Object.values(environments).filter(({ name }) => name !== environment.name);
  return [
    accountAdministers(account),
    {
      Sid: "KeepOtherEnvironmentsOut",
      Effect: "Deny",
      Principal: "*",
      Action: "kms:*",
      Resource: "*",
      // The ARN of a role's session is that of the role (IAM user guide, "aws:PrincipalArn"). AWS services have none.
      Condition: {
        ArnLike: { "aws:PrincipalArn": others.flatMap((other) => rolesOf({ account, environment: other })) },
      },
    },
    ...services,
  ];
}
