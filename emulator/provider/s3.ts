/** S3: buckets (their settings: s3-settings.ts). */
import type * as s3 from "@pulumi/aws/s3/index.js";
import { crud } from "./crud.ts";
import { isCode, ProviderError } from "./errors.ts";
import type { Members } from "./mapping.ts";
import { booleanField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import type { ResourceType, Scope } from "./resource.ts";
import { byProperties } from "./row.ts";
import { isRecord } from "./values.ts";

const row = crud({
  token: "aws:s3/bucket:Bucket",
  service: "s3",
  fields: {
    bucket: stringField({ autoName: { max: 63, lowerCase: true }, forceNew: true }),
    forceDestroy: booleanField({ default: false, local: true }),
  } satisfies FieldsOf<s3.BucketArgs>,
  outputs: {
    arn: stringField(),
    bucketDomainName: stringField(),
    bucketRegion: stringField(),
    bucketRegionalDomainName: stringField(),
  },
  identity: byProperties(["bucket"]),
  tags: { set: "PutBucketTagging", clear: "DeleteBucketTagging" },
  create: { operation: "CreateBucket" },
  read: [{ operation: "HeadBucket" }, { operation: "GetBucketTagging", notFoundCodes: ["NoSuchTagSet"] }],
  derive({ BucketRegion }, { region, partition }, bucket) {
    const bucketRegion = typeof BucketRegion === "string" ? BucketRegion : region;
    return {
      arn: `arn:${partition}:s3:::${bucket}`,
      bucketDomainName: `${bucket}.s3.amazonaws.com`,
      bucketRegionalDomainName: `${bucket}.s3.${bucketRegion}.amazonaws.com`,
      bucketRegion,
      region: bucketRegion,
    };
  },
  // Only the provider uses forceDestroy: it is stored, and no call is made.
  update: [],
  delete: { operation: "DeleteBucket", awaited: true },
  notFoundCodes: ["NoSuchBucket", "NotFound"],
});

/** A bucket gets its tags after it is created, and may be deleted with its content. */
export const bucket: ResourceType = {
  ...row,
  async create({ bucket: name }, scope) {
    const id = String(name);
    if ((await row.read(id, scope, {})) !== undefined) {
      throw new ProviderError(`Bucket ${id} exists already: import it, or choose another name for this one`);
    }
    const { region } = scope;
    const elsewhere = region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region } };
    await scope.aws.call("s3", "CreateBucket", { Bucket: id, ...elsewhere });
    return id;
  },
  async finish(id, inputs, scope) {
    if (Object.keys(inputs["tagsAll"] ?? {}).length === 0) return;
    await row.retag({ id, inputs, before: {}, changed: new Set() }, scope);
  },
  async delete(id, scope, known) {
    try {
      await row.delete(id, scope, known);
    } catch (error) {
      if (!isCode(error, "BucketNotEmpty")) throw error;
      if (known["forceDestroy"] !== true) {
        throw new ProviderError(
          `Bucket ${id} is not empty: delete its objects, or set forceDestroy and deploy once more`,
          { cause: error },
        );
      }
      await deleteVersions(scope, id);
      await row.delete(id, scope, known);
    }
  },
};

/**
 * Deletes every version and delete marker in a bucket, or of one key.
 * @throws {ProviderError} if AWS refuses one
 */
export async function deleteVersions({ aws }: Scope, Bucket: string, key?: string): Promise<void> {
  for (let marker: Members = {}; ;) {
    const page = await aws.call("s3", "ListObjectVersions", { Bucket, Prefix: key, ...marker });
    const Objects = [page["Versions"], page["DeleteMarkers"]]
      .flat()
      .filter(isRecord)
      .filter(({ Key }) => key === undefined || Key === key)
      .map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length > 0) {
      const { Errors } = await aws.call("s3", "DeleteObjects", { Bucket, Delete: { Objects, Quiet: true } });
      const [kept] = [Errors].flat().filter(isRecord);
      if (kept !== undefined) {
        throw new ProviderError(`An object of bucket ${Bucket} cannot be deleted: ${JSON.stringify(kept)}`);
      }
    }
    if (page["IsTruncated"] !== true) return;
    marker = { KeyMarker: page["NextKeyMarker"], VersionIdMarker: page["NextVersionIdMarker"] };
  }
}
