/** The account that is bootstrapped, and ARNs of its resources. */
import { getCallerIdentityOutput } from "@pulumi/aws/getCallerIdentity.js";
import { getPartitionOutput } from "@pulumi/aws/getPartition.js";
import { getRegionOutput } from "@pulumi/aws/getRegion.js";
import * as pulumi from "@pulumi/pulumi";

/** An AWS account in one region. */
export class Account {
  /** Twelve digits. */
  readonly id: pulumi.Output<string>;
  /** First part of every ARN: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: pulumi.Output<string>;
  /** Region, as `eu-west-1`. */
  readonly region: pulumi.Output<string>;

  constructor() {
    this.id = getCallerIdentityOutput().accountId;
    this.partition = getPartitionOutput().partition;
    this.region = getRegionOutput().region;
  }

  /** Returns the ARN of a resource in this account and region. */
  regional(service: string, resource: pulumi.Input<string>): pulumi.Output<string> {
    return pulumi.interpolate`arn:${this.partition}:${service}:${this.region}:${this.id}:${resource}`;
  }

  /** Returns the ARN of a resource in this account that has no region. */
  global(service: string, resource: pulumi.Input<string>): pulumi.Output<string> {
    return pulumi.interpolate`arn:${this.partition}:${service}::${this.id}:${resource}`;
  }

  /** Returns the ARN of a bucket, or of objects in one. */
  bucket(name: pulumi.Input<string>): pulumi.Output<string> {
    return pulumi.interpolate`arn:${this.partition}:s3:::${name}`;
  }
}
