/** The stack's KMS key, which encrypts everything that holds the content of a video, a result or a notification. */
import type { PolicyDocument } from "@pulumi/aws/iam/index.js";
import * as kms from "@pulumi/aws/kms/index.js";
import * as pulumi from "@pulumi/pulumi";
import { currentAccount, regionalArn } from "../account.ts";
import type { Account } from "../account.ts";
import { logGroupOf } from "../endpoint-name.ts";
import { accountAdministers, dataServices } from "../iam/key-policy.ts";
import { policyDocument } from "../iam/policy-document.ts";
import { create } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** Days in which the deletion of the key can be cancelled: the maximum of KMS. Without the key, its data cannot be decrypted. */
const deletionWindowInDays = 30;

/** Arguments of an {@link EncryptionKey}. */
export interface EncryptionKeyArgs {
  /**
   * Account and region that the key belongs to.
   * @default those of the component's provider
   */
  readonly account?: Account;
  /**
   * Prefix of the names of the endpoints whose logs the key encrypts.
   * @default NAME-endpoint-, the prefix of an AsyncEndpoint with the same name as this component
   */
  readonly endpointNamePrefix?: pulumi.Input<string>;
  /**
   * Changes the resources of the component.
   * @default none
   */
  readonly transform?: {
    /** The key. @default unchanged */
    readonly key?: Transform<kms.KeyArgs>;
    /** The key's alias. @default unchanged */
    readonly alias?: Transform<kms.AliasArgs>;
  };
}

/**
 * A symmetric key that KMS rotates every year, and its alias.
 * @example
 * const key = new EncryptionKey("videos");
 */
export class EncryptionKey extends pulumi.ComponentResource {
  /** ARN of the key. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: EncryptionKeyArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:EncryptionKey", name, {}, opts);
    const { account = currentAccount(this), endpointNamePrefix = `${name}-endpoint-`, transform = {} } = args;

    const key = create(
      kms.Key,
      transform.key,
      name,
      {
        description: "Videos, results and notifications of the asynchronous inference stack",
        enableKeyRotation: true,
        deletionWindowInDays,
        policy: pulumi.jsonStringify(keyPolicy(account, endpointNamePrefix)),
      },
      { parent: this },
    );
    create(kms.Alias, transform.alias, name, { targetKeyId: key.keyId }, { parent: this });

    this.arn = key.arn;
    this.registerOutputs({ arn: this.arn });
  }
}

/**
 * Returns the key's policy.
 * @param endpointNamePrefix prefix of the names of the endpoints whose logs the key encrypts
 */
export function keyPolicy(account: Account, endpointNamePrefix: pulumi.Input<string>): PolicyDocument {
  const logGroup = pulumi.output(endpointNamePrefix).apply((prefix) => `log-group:${logGroupOf(prefix)}*`);
  return policyDocument([
    accountAdministers(account),
    ...dataServices(account, regionalArn(account, "logs", logGroup)),
  ]);
}
