/** The trained model and its handler, model.tar.gz, as an object in S3. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import * as s3 from "@pulumi/aws/s3/index.js";
import * as pulumi from "@pulumi/pulumi";

/** What can be chosen about a {@link ModelArtifact}. */
export interface ModelArtifactArgs {
  /** Absolute path of the model.tar.gz on the machine that deploys. */
  readonly path: string;
  /** Name of the bucket that the artifact goes to. */
  readonly bucket: pulumi.Input<string>;
  /**
   * What the object's key starts with, with a slash at its end.
   * @default "models/"
   */
  readonly prefix?: string;
}

/**
 * The artifact, under a key that holds its content's hash: other content is another object, so that its URL makes a new
 * Model, and the old one stays for the instances that still serve it until the endpoint is updated.
 */
export class ModelArtifact extends pulumi.ComponentResource {
  /** s3:// address of the object. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: ModelArtifactArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:ModelArtifact", name, {}, opts);
    const { path, bucket, prefix = "models/" } = args;

    const object = new s3.BucketObjectv2(
      name,
      {
        bucket,
        key: pulumi.interpolate`${prefix}${sha256(path)}/model.tar.gz`,
        source: new pulumi.asset.FileAsset(path),
        contentType: "application/gzip",
      },
      // An endpoint whose update SageMaker rolled back still starts from an older one. `pipeline artifacts` deletes those that no model uses.
      // The key is given, which makes Pulumi delete first, and with the object the model and the configuration that depend on it.
      { parent: this, retainOnDelete: true, deleteBeforeReplace: false },
    );

    this.url = pulumi.interpolate`s3://${object.bucket}/${object.key}`;
    this.registerOutputs({ url: this.url });
  }
}

/** The SHA-256 of a file, in hex. */
async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
