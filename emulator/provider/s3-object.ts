/** Adapter of objects in S3, whose content is an asset or a text (row.ts describes rows). */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type * as s3 from "@pulumi/aws/s3/index.js";
import { crud } from "./crud.ts";
import { ignoreNotFound, ProviderError } from "./errors.ts";
import type { Members, Properties } from "./mapping.ts";
import { assetField, booleanField, stringField } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import type { ResourceType, Scope } from "./resource.ts";
import { byProperties } from "./row.ts";
import { deleteVersions } from "./s3.ts";
import { isAsset } from "./values.ts";
import type { Asset } from "./values.ts";

const row = crud({
  token: "aws:s3/bucketObjectv2:BucketObjectv2",
  service: "s3",
  fields: {
    bucket: stringField({ required: true, forceNew: true }),
    // A key has no random end, and S3 allows 1,024 bytes.
    key: stringField({ autoName: { max: 1024, random: false }, forceNew: true }),
    source: assetField({ local: true, conflictsWith: ["content"] }),
    content: stringField({ local: true }),
    contentType: stringField({ computed: true }),
    forceDestroy: booleanField({ default: false, local: true }),
  } satisfies FieldsOf<Omit<s3.BucketObjectv2Args, "source"> & { source?: Asset }>,
  outputs: { arn: stringField(), etag: stringField(), versionId: stringField() },
  movingOutputs: ["etag", "versionId"],
  identity: byProperties(["bucket", "key"]),
  tags: { set: "PutObjectTagging" },
  create: { operation: "PutObject" },
  read: [{ operation: "HeadObject" }, { operation: "GetObjectTagging" }],
  derive: ({ ETag: etag }, { partition }, id) => ({
    arn: `arn:${partition}:s3:::${id}`,
    etag: String(etag).replaceAll('"', ""),
  }),
  delete: { operation: "DeleteObject" },
  notFoundCodes: ["NotFound", "NoSuchBucket", "NoSuchKey"],
});

async function body({ content, source }: Properties, scope: Scope): Promise<Members> {
  if (!isAsset(source)) return { Body: content ?? "" };
  const { path = "", uri = "", text = "" } = source;
  if (uri !== "") {
    throw new ProviderError(`An asset at an address (${uri}) is not supported: use a file or a text`);
  }
  if (path === "") return { Body: text };
  const file = scope.resolvePath(path);
  const { size } = await stat(file).catch((error: unknown) => {
    throw new ProviderError(`The file of the object's asset cannot be read: ${String(error)}`, { cause: error });
  });
  return { Body: createReadStream(file), ContentLength: size };
}

/** Uploads the object with its content, tags and metadata. */
async function upload(inputs: Properties, scope: Scope): Promise<string> {
  const { bucket: Bucket, key: Key, contentType: ContentType, tagsAll } = inputs;
  scope.progress("uploading");
  const tags = new URLSearchParams(tagsAll as Record<string, string>).toString();
  const content = await body(inputs, scope);
  await scope.aws.call("s3", "PutObject", {
    Bucket,
    Key,
    ContentType,
    ...content,
    Tagging: tags === "" ? undefined : tags,
  });
  return `${String(Bucket)}/${String(Key)}`;
}

/** Uploads objects completely, and deletes them with all their versions if the bucket keeps them. */
export const bucketObjectv2: ResourceType = {
  ...row,
  create: upload,
  async update({ inputs, changed }, scope) {
    // Only the provider uses forceDestroy.
    if (changed.size > 1 || !changed.has("forceDestroy")) await upload(inputs, scope);
  },
  async delete(id, scope, known) {
    const [bucket = "", ...key] = id.split("/");
    if (known["versionId"] === undefined || known["versionId"] === "") await row.delete(id, scope, known);
    else await ignoreNotFound(deleteVersions(scope, bucket, key.join("/")), "NoSuchBucket", "NoSuchKey");
  },
};
