/** The policy for callers, who send videos, in this account or another. */
import type { PolicyDocument } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { policyDocument } from "./policy-document.ts";
import { readSources, type SourceBucket } from "../source-buckets.ts";
import type { VideoStorage } from "../components/video-storage.ts";

/** Resources that callers use. */
export interface CallerScope {
  readonly endpointArn: pulumi.Input<string>;
  readonly storage: VideoStorage;
  readonly keyArn: pulumi.Input<string>;
  readonly account: Account;
  /** Existing buckets that videos are read from. */
  readonly sourceBuckets: readonly SourceBucket[];
}

/** Allows uploads, invocations and downloads. Of other callers' videos, it reveals only the names. */
export function callerPolicy({ endpointArn, storage, keyArn, account, sourceBuckets }: CallerScope): PolicyDocument {
  const { inputBucketArn, outputBucketArn } = storage;
  return policyDocument([
    { Sid: "Invoke", Effect: "Allow", Action: "sagemaker:InvokeEndpointAsync", Resource: endpointArn },
    {
      Sid: "UploadVideos",
      Effect: "Allow",
      // IAM authorises HeadObject as GetObject.
      Action: ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
      Resource: pulumi.interpolate`${inputBucketArn}/${storage.inputPrefix}*`,
    },
    {
      Sid: "FetchResults",
      Effect: "Allow",
      Action: "s3:GetObject",
      Resource: [
        pulumi.interpolate`${outputBucketArn}/${storage.resultPrefix}*`,
        pulumi.interpolate`${outputBucketArn}/${storage.failurePrefix}*`,
      ],
    },
    {
      // Without it, S3 answers 403 instead of 404 for a result that does not exist yet. No condition on the prefix: GetObject
      // needs this permission without one.
      Sid: "TellMissingFromForbidden",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: [inputBucketArn, outputBucketArn],
    },
    { Sid: "UseKey", Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: keyArn },
    ...readSources(account, sourceBuckets),
  ]);
}
