/** Where Pulumi keeps its state: a bucket with a folder for each environment, and the key that encrypts it and stacks' secrets. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as kms from "@pulumi/aws/kms/index.js";
import * as s3 from "@pulumi/aws/s3/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "./account.ts";
import type { Environment } from "./environments.ts";
import { allow, policyDocument } from "./policy-document.ts";

/** Days in which a deleted key, and with it all state, can be had back: KMS's longest. */
const deletionWindowInDays = 30;
/** Days that earlier versions of a state, and the copies that Pulumi makes of it, are kept. */
const keptDays = 365;

/** What can be chosen about a {@link StateBackend}. */
export interface StateBackendArgs {
  readonly account: Account;
  readonly environments: readonly Environment[];
}

/**
 * Bucket and key. Pulumi locks a stack by an object beside its state: whoever writes state must be able to list, write and
 * delete there. A lock has no end of its own: one that a killed job leaves is taken away by the workflow `unlock`.
 */
export class StateBackend extends pulumi.ComponentResource {
  /** As `pulumi stack init --secrets-provider` takes it. */
  readonly secretsProvider: pulumi.Output<string>;
  private readonly bucket: s3.Bucket;
  private readonly key: kms.Key;
  private readonly account: Account;

  constructor(name: string, { account, environments }: StateBackendArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:bootstrap:StateBackend", name, {}, opts);
    this.account = account;
    const lasting = { parent: this, protect: true };

    this.key = new kms.Key(
      name,
      {
        description: "Pulumi's state and secrets of async-video-inference",
        enableKeyRotation: true,
        deletionWindowInDays,
        policy: pulumi.jsonStringify(
          policyDocument([
            {
              // Lets IAM decide; without it the key could be lost for good (KMS developer guide, "Default key policy").
              Sid: "AccountAdministers",
              Effect: "Allow",
              Principal: { AWS: account.global("iam", "root") },
              Action: "kms:*",
              Resource: "*",
            },
          ]),
        ),
      },
      lasting,
    );
    new kms.Alias(name, { targetKeyId: this.key.keyId }, { parent: this });
    this.bucket = new s3.Bucket(name, {}, lasting);
    this.guard(name, environments);

    this.secretsProvider = pulumi.interpolate`awskms:///${this.key.arn}?region=${account.region}`;
    this.registerOutputs({ secretsProvider: this.secretsProvider });
  }

  /** The backend of an environment: its own folder. */
  urlFor({ name }: Environment): pulumi.Output<string> {
    return pulumi.interpolate`s3://${this.bucket.bucket}/${name}?region=${this.account.region}`;
  }

  /** What it takes to deploy an environment's stacks: all of its folder, and the key. */
  toDeploy(environment: Environment): PolicyStatement[] {
    return [
      ...this.toPreview(environment),
      allow("WriteState", ["s3:PutObject", "s3:DeleteObject"], this.folder(environment)),
      // S3 asks for a data key to write by; a new ephemeral stack's secrets get one by Encrypt.
      allow("WriteSecrets", ["kms:Encrypt", "kms:GenerateDataKey"], this.key.arn),
    ];
  }

  /** What it takes to preview them: no lock is taken. */
  toPreview(environment: Environment): PolicyStatement[] {
    return [
      allow("ReadState", ["s3:GetObject"], this.folder(environment)),
      // Names alone, and of all folders: without it a file that is not there yet reads as forbidden, and S3 asks for this
      // permission without naming the file, so that no condition on prefixes could hold.
      allow("ListState", ["s3:ListBucket"], this.bucket.arn),
      allow("ReadSecrets", ["kms:Decrypt"], this.key.arn),
    ];
  }

  private folder({ name }: Environment): pulumi.Output<string> {
    return pulumi.interpolate`${this.bucket.arn}/${name}/*`;
  }

  /** Private, the account's own, versioned, encrypted, by TLS alone; copies that nobody needs any more expire. */
  private guard(name: string, environments: readonly Environment[]): void {
    const { bucket } = this.bucket;
    const opts = { parent: this };
    const versioning = new s3.BucketVersioning(name, { bucket, versioningConfiguration: { status: "Enabled" } }, opts);
    const privacy = new s3.BucketPublicAccessBlock(
      name,
      {
        bucket,
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      opts,
    );
    new s3.BucketOwnershipControls(name, { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } }, opts);
    new s3.BucketServerSideEncryptionConfiguration(
      name,
      {
        bucket,
        rules: [
          {
            applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: this.key.arn },
            bucketKeyEnabled: true,
          },
        ],
      },
      opts,
    );
    new s3.BucketPolicy(
      name,
      {
        bucket,
        policy: policyDocument([
          {
            Sid: "DenyWithoutTls",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [this.bucket.arn, pulumi.interpolate`${this.bucket.arn}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ]),
      },
      // S3 answers OperationAborted to two changes of a bucket's access at a time.
      { ...opts, dependsOn: privacy },
    );
    new s3.BucketLifecycleConfiguration(
      name,
      {
        bucket,
        rules: [
          // The state itself never expires: only the copy that Pulumi keeps of each one that it replaces.
          ...environments.map((environment) => ({
            id: `${environment.name}-backups`,
            status: "Enabled",
            filter: { prefix: `${environment.name}/.pulumi/backups/` },
            expiration: { days: keptDays },
          })),
          {
            id: "old-versions",
            status: "Enabled",
            filter: { prefix: "" },
            noncurrentVersionExpiration: { noncurrentDays: keptDays },
          },
        ],
      },
      { ...opts, dependsOn: versioning },
    );
  }
}
