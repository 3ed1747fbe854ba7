/** The account, partition and region that a stack is deployed to, and ARNs in them. */
import { getCallerIdentityOutput } from "@pulumi/aws/getCallerIdentity.js";
import { getPartitionOutput } from "@pulumi/aws/getPartition.js";
import { getRegionOutput } from "@pulumi/aws/getRegion.js";
import * as pulumi from "@pulumi/pulumi";

/** An AWS account in one region. */
export interface Account {
  /** Twelve digits. */
  readonly id: pulumi.Input<string>;
  /** First part of every ARN: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: pulumi.Input<string>;
  /** Region, as `eu-west-1`. */
  readonly region: pulumi.Input<string>;
}

/**
 * Returns the account and region that an AWS provider works in.
 * @param parent component whose provider is asked. @default the stack's provider
 */
export function currentAccount(parent?: pulumi.Resource): Account {
  const opts = parent === undefined ? {} : { parent };
  return {
    id: getCallerIdentityOutput({}, opts).accountId,
    partition: getPartitionOutput({}, opts).partition,
    region: getRegionOutput({}, opts).region,
  };
}

/** Returns the ARN of a resource in an account and region. */
export function regionalArn(
  { id, partition, region }: Account,
  service: string,
  resource: pulumi.Input<string>,
): pulumi.Output<string> {
  return pulumi.interpolate`arn:${partition}:${service}:${region}:${id}:${resource}`;
}

/** Returns the ARN of a resource in an account that has no region. */
export function globalArn(
  { id, partition }: Account,
  service: string,
  resource: pulumi.Input<string>,
): pulumi.Output<string> {
  return pulumi.interpolate`arn:${partition}:${service}::${id}:${resource}`;
}

/** Returns the ARN of a bucket, or of objects in one. */
export function bucketArn({ partition }: Account, name: pulumi.Input<string>): pulumi.Output<string> {
  return pulumi.interpolate`arn:${partition}:s3:::${name}`;
}
