/** The policy for callers, who send videos, in this account or another. */
import type { PolicyDocument } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { readSources } from "../source-buckets.ts";
import type { SourceBucketArgs } from "../source-buckets.ts";
import type { LocationArns } from "../video-locations.ts";
import { allow, policyDocument } from "./policy-document.ts";

/** Resources that callers use. */
export interface CallerScope {
  readonly account: Account;
  readonly endpointArn: pulumi.Input<string>;
  readonly locations: LocationArns;
  readonly keyArn: pulumi.Input<string>;
  /** Existing buckets that videos are read from. */
  readonly sourceBuckets: pulumi.Input<pulumi.Input<SourceBucketArgs>[]>;
}

/**
 * Allows uploads, invocations, downloads and job records. Of other callers' videos, it reveals the names, and what their
 * job records and results have.
 */
export function callerPolicy({ account, endpointArn, locations, keyArn, sourceBuckets }: CallerScope): PolicyDocument {
  const statements = [
    allow("Invoke", "sagemaker:InvokeEndpointAsync", endpointArn),
    // IAM authorises HeadObject as GetObject.
    allow("UploadVideos", ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"], locations.videos),
    allow("FetchResults", "s3:GetObject", [locations.results, locations.failures]),
    allow("ReadJobRecords", "s3:GetObject", locations.jobs),
    // Only with a condition, so that no caller overwrites a record that it has not read: two statements, because both keys
    // of one must be present (S3 user guide, "Enforce conditional writes on Amazon S3 buckets").
    allow("CreateJobRecords", "s3:PutObject", locations.jobs, { Null: { "s3:if-none-match": "false" } }),
    allow("ChangeJobRecords", "s3:PutObject", locations.jobs, { Null: { "s3:if-match": "false" } }),
    // Without it, S3 answers 403 instead of 404 for a result that does not exist yet. No condition on the prefix: GetObject
    // needs this permission without one.
    allow("TellMissingFromForbidden", "s3:ListBucket", [locations.inputBucket, locations.outputBucket]),
    allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], keyArn),
  ];
  return policyDocument(
    pulumi.output(sourceBuckets).apply((sources) => [...statements, ...readSources(account, sources)]),
  );
}
