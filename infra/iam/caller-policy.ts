/** What those who send videos may do: the policy for callers, in this account or another. */
import type { PolicyDocument } from "@pulumi/aws/iam/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { policyDocument } from "./policy-document.ts";
import { readSources, type SourceBucket } from "../source-buckets.ts";
import type { VideoStorage } from "../components/video-storage.ts";

/** What callers work with. */
export interface CallerScope {
  readonly endpointArn: pulumi.Input<string>;
  readonly storage: VideoStorage;
  readonly keyArn: pulumi.Input<string>;
  readonly account: Account;
  /** Existing buckets that videos are read from. */
  readonly sourceBuckets: readonly SourceBucket[];
}

/** Upload, invoke, fetch; nothing that tells of others' videos but their names. */
export function callerPolicy({ endpointArn, storage, keyArn, account, sourceBuckets }: CallerScope): PolicyDocument {
  const { inputBucketArn, outputBucketArn } = storage;
  return policyDocument([
    { Sid: "Invoke", Effect: "Allow", Action: "sagemaker:InvokeEndpointAsync", Resource: endpointArn },
    {
      Sid: "UploadVideos",
      Effect: "Allow",
      // HeadObject is GetObject to IAM.
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
      // Without it a result that is not there yet reads as 403 instead of 404. No condition on the prefix: GetObject
      // asks for this permission without one.
      Sid: "TellMissingFromForbidden",
      Effect: "Allow",
      Action: "s3:ListBucket",
      Resource: [inputBucketArn, outputBucketArn],
    },
    { Sid: "UseKey", Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: keyArn },
    ...readSources(account, sourceBuckets),
  ]);
}
