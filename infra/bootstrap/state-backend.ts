/** Storage of an environment's Pulumi state: a bucket, and the key that encrypts it and the stacks' secrets. */
import type { PolicyStatement } from "@pulumi/aws/iam/index.js";
import * as s3 from "@pulumi/aws/s3/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { EnvironmentKey } from "./environment-key.ts";
import type { Environment } from "./environments.ts";
import { secureBucket } from "../components/secure-bucket.ts";
import { allow } from "../iam/policy-document.ts";

/** Days to keep earlier versions of a state, and Pulumi's copies of it. */
const versionRetentionDays = 365;

/** Arguments of a {@link StateBackend}. */
export interface StateBackendArgs {
  readonly account: Account;
  readonly environment: Environment;
}

/**
 * Bucket and key of one environment, which no other environment's role can use. Pulumi locks a stack with an object next to its state.
 * A role that writes state must be able to list, write and delete there. A lock has no expiry: the workflow `unlock` removes one that a
 * killed job leaves.
 */
export class StateBackend extends pulumi.ComponentResource {
  /** The argument for `pulumi stack init --secrets-provider`. */
  readonly secretsProvider: pulumi.Output<string>;
  /** The argument for `pulumi login`: the environment's folder in the bucket. */
  readonly url: pulumi.Output<string>;
  readonly #bucket: s3.Bucket;
  readonly #key: EnvironmentKey;
  readonly #folder: string;

  constructor(name: string, { account, environment }: StateBackendArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:bootstrap:StateBackend", name, {}, opts);
    this.#folder = environment.name;
    this.#key = new EnvironmentKey(
      name,
      {
        account,
        environment,
        alias: name,
        description: `Pulumi's state and secrets of async-video-inference, environment ${environment.name}`,
      },
      { parent: this },
    );
    this.#bucket = new s3.Bucket(name, {}, { parent: this, protect: true });
    secureBucket(name, { bucket: this.#bucket, keyArn: this.#key.arn }, this);
    this.#keepVersions(name);

    this.secretsProvider = pulumi.interpolate`awskms:///${this.#key.arn}?region=${account.region}`;
    this.url = pulumi.interpolate`s3://${this.#bucket.bucket}/${this.#folder}?region=${account.region}`;
    this.registerOutputs({ secretsProvider: this.secretsProvider, url: this.url });
  }

  /** Permissions to deploy the environment's stacks: the whole folder, and the key. */
  toDeploy(): PolicyStatement[] {
    return [
      ...this.toPreview(),
      allow("WriteState", ["s3:PutObject", "s3:DeleteObject"], this.#objects()),
      // S3 requests a data key to write; Encrypt provides the key of a new ephemeral stack's secrets.
      allow("WriteSecrets", ["kms:Encrypt", "kms:GenerateDataKey"], this.#key.arn),
    ];
  }

  /** Permissions to preview them, which takes no lock. */
  toPreview(): PolicyStatement[] {
    return [
      allow("ReadState", ["s3:GetObject"], this.#objects()),
      // Only names. Without it, S3 answers "forbidden" for a missing file. S3 checks this permission without a file
      // name, so a condition on prefixes would not match.
      allow("ListState", ["s3:ListBucket"], this.#bucket.arn),
      allow("ReadSecrets", ["kms:Decrypt"], this.#key.arn),
    ];
  }

  #objects(): pulumi.Output<string> {
    return pulumi.interpolate`${this.#bucket.arn}/${this.#folder}/*`;
  }

  /** Keeps versions of objects, and deletes earlier ones after a year. */
  #keepVersions(name: string): void {
    const { bucket } = this.#bucket;
    const opts = { parent: this };
    const versioning = new s3.BucketVersioning(name, { bucket, versioningConfiguration: { status: "Enabled" } }, opts);
    new s3.BucketLifecycleConfiguration(
      name,
      {
        bucket,
        rules: [
          // The state itself never expires, only the copy that Pulumi keeps of each state that it replaces.
          {
            id: "backups",
            status: "Enabled",
            filter: { prefix: `${this.#folder}/.pulumi/backups/` },
            expiration: { days: versionRetentionDays },
          },
          {
            id: "old-versions",
            status: "Enabled",
            filter: { prefix: "" },
            noncurrentVersionExpiration: { noncurrentDays: versionRetentionDays },
          },
        ],
      },
      { ...opts, dependsOn: versioning },
    );
  }
}
