/** The account, partition and region that the stack is deployed to. */
import { getCallerIdentityOutput } from "@pulumi/aws/getCallerIdentity.js";
import { getPartitionOutput } from "@pulumi/aws/getPartition.js";
import { getRegionOutput } from "@pulumi/aws/getRegion.js";
import type * as pulumi from "@pulumi/pulumi";

/** An AWS account in one region. */
export interface Account {
  /** Twelve digits. */
  readonly id: pulumi.Output<string>;
  /** First part of every ARN: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: pulumi.Output<string>;
  readonly region: pulumi.Output<string>;
}

/** The account and region that the stack's AWS provider works in. */
export function currentAccount(): Account {
  return {
    id: getCallerIdentityOutput().accountId,
    partition: getPartitionOutput().partition,
    region: getRegionOutput().region,
  };
}
