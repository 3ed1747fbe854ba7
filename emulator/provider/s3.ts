/** S3: buckets (their settings: s3-settings.ts). */
import type * as s3 from "@pulumi/aws/s3/index.js";
import { crud } from "./crud.ts";
import { isCode, ProviderError } from "./errors.ts";
import { toText } from "./mapping.ts";
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
  async create(inputs, scope) {
    const { bucket: name, tagsAll } = inputs as { bucket: string; tagsAll: Record<string, string> };
    if ((await row.read(name, scope, {})) !== undefined) {
      throw new ProviderError(`Bucket ${name} exists already: import it, or choose another name for this one`);
    }
    const { region } = scope;
    const elsewhere = region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region } };
    await scope.aws.call("s3", "CreateBucket", { Bucket: name, ...elsewhere });
    scope.created(name);
    if (Object.keys(tagsAll).length > 0) await row.tagging?.({ id: name, arn: name, all: tagsAll }, tagsAll, [], scope);
    return name;
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

/** Deletes every version and delete marker in a bucket, or of one key. Throws ProviderError if AWS refuses one. */
export async function deleteVersions({ aws }: Scope, Bucket: string, key?: string): Promise<void> {
  for (let marker = {}; ;) {
    const page = await aws.call("s3", "ListObjectVersions", { Bucket, Prefix: key, ...marker });
    const all = [page["Versions"], page["DeleteMarkers"]].flatMap((list) =>
      Array.isArray(list) ? list.filter(isRecord) : [],
    );
    const Objects = all
      .filter(({ Key }) => key === undefined || Key === key)
      .map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length > 0) {
      const answer = await aws.call("s3", "DeleteObjects", { Bucket, Delete: { Objects, Quiet: true } });
      const errors = answer["Errors"];
      const kept = Array.isArray(errors) ? errors.find(isRecord) : undefined;
      if (kept !== undefined) {
        const { Key, Code, Message } = kept;
        throw new ProviderError(
          `Object ${toText(Key)} of bucket ${Bucket} cannot be deleted: ${toText([Code, Message])}`,
        );
      }
    }
    if (page["IsTruncated"] !== true) return;
    marker = { KeyMarker: page["NextKeyMarker"], VersionIdMarker: page["NextVersionIdMarker"] };
  }
}
