/** The trained model and its handler, model.tar.gz, as an object in S3. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import * as s3 from "@pulumi/aws/s3/index.js";
import * as pulumi from "@pulumi/pulumi";
import { withDefaults } from "../defaults.ts";
import { create } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** Arguments of a {@link ModelArtifact}. */
export interface ModelArtifactArgs {
  /** Absolute path of the model.tar.gz on the machine that deploys. */
  readonly path: pulumi.Input<string>;
  /** Name of the bucket to upload the artifact to. */
  readonly bucket: pulumi.Input<string>;
  /**
   * Prefix of the object's key, with a trailing slash.
   * @default "models/"
   */
  readonly modelPrefix?: pulumi.Input<string>;
  /**
   * Changes the resources of the component.
   * @default none
   */
  readonly transform?: {
    /** The object. @default unchanged */
    readonly object?: Transform<s3.BucketObjectv2Args>;
  };
}

/**
 * The artifact, under a key that contains the hash of its content. Other content is another object, so its URL creates a new
 * Model, and the old object stays for the instances that serve it until the endpoint is updated.
 * @example
 * const artifact = new ModelArtifact("videos", { path, bucket: storage.inputBucket });
 */
export class ModelArtifact extends pulumi.ComponentResource {
  /** s3:// address of the object. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: ModelArtifactArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:ModelArtifact", name, {}, opts);
    const { path, bucket, modelPrefix, transform = {} } = withDefaults(args);
    const file = pulumi.output(path);

    const object = create(
      s3.BucketObjectv2,
      transform.object,
      name,
      {
        bucket,
        key: pulumi.interpolate`${modelPrefix}${file.apply(sha256)}/model.tar.gz`,
        source: file.apply((found) => new pulumi.asset.FileAsset(found)),
        contentType: "application/gzip",
      },
      // An endpoint whose update SageMaker rolled back still starts from an older artifact. `pipeline artifacts` deletes unused ones.
      // The key is explicit, so Pulumi would delete first: the object, and with it the model and the configuration that depend on it.
      { parent: this, retainOnDelete: true, deleteBeforeReplace: false },
    );

    this.url = pulumi.interpolate`s3://${object.bucket}/${object.key}`;
    this.registerOutputs({ url: this.url });
  }
}

/**
 * Returns the SHA-256 of a file, in hex.
 * @throws Error if the file cannot be read
 */
async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
