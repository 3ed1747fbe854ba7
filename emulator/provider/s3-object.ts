/** Adapter of objects in S3, whose content is an asset, a text or base64 (row.ts describes rows). */
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
import { asAsset } from "./values.ts";
import type { Asset } from "./values.ts";

const row = crud({
  token: "aws:s3/bucketObjectv2:BucketObjectv2",
  service: "s3",
  fields: {
    bucket: stringField({ required: true, forceNew: true }),
    // A key has no random end, and S3 allows 1,024 bytes.
    key: stringField({ autoName: { max: 1024, random: false }, forceNew: true }),
    source: assetField({ local: true }),
    content: stringField({ local: true }),
    contentBase64: stringField({ local: true }),
    contentType: stringField({ computed: true }),
    forceDestroy: booleanField({ default: false, local: true }),
  } satisfies FieldsOf<Omit<s3.BucketObjectv2Args, "source"> & { source?: Asset }>,
  outputs: { arn: stringField(), etag: stringField(), versionId: stringField() },
  movingOutputs: ["etag", "versionId"],
  identity: byProperties(["bucket", "key"]),
  tags: { set: "PutObjectTagging" },
  check(inputs) {
    const given = ["source", "content", "contentBase64"].filter((name) => inputs[name] !== undefined);
    if (given.length < 2) return [];
    return [{ property: given[1] ?? "", reason: `Set only one of ${given.join(", ")}` }];
  },
  create: { operation: "PutObject" },
  read: [{ operation: "HeadObject" }, { operation: "GetObjectTagging" }],
  derive: ({ ETag: etag }, { partition }, id) => ({
    arn: `arn:${partition}:s3:::${id}`,
    etag: String(etag).replaceAll('"', ""),
  }),
  delete: { operation: "DeleteObject" },
  notFoundCodes: ["NotFound", "NoSuchBucket", "NoSuchKey"],
});

async function body(inputs: Properties, scope: Scope): Promise<Members> {
  const { content, contentBase64 } = inputs;
  if (content !== undefined) return { Body: content };
  if (typeof contentBase64 === "string") return { Body: Buffer.from(contentBase64, "base64") };
  const source = asAsset(inputs["source"]);
  if (source?.path !== undefined) {
    const path = scope.resolvePath(source.path);
    const { size } = await stat(path).catch((error: unknown) => {
      throw new ProviderError(`The file of the object's asset cannot be read: ${String(error)}`, { cause: error });
    });
    return { Body: createReadStream(path), ContentLength: size };
  }
  if (source?.uri !== undefined) {
    throw new ProviderError(`An asset at an address (${source.uri}) is not supported: use a file or a text`);
  }
  return { Body: source?.text ?? "" };
}

async function upload(inputs: Properties, scope: Scope): Promise<string> {
  const { bucket: Bucket, key: Key, contentType: ContentType } = inputs;
  const tags = inputs["tagsAll"] as Record<string, string>;
  scope.progress("uploading");
  const Tagging = Object.keys(tags).length === 0 ? {} : { Tagging: new URLSearchParams(tags).toString() };
  const content = await body(inputs, scope);
  await scope.aws.call("s3", "PutObject", { Bucket, Key, ContentType, ...content, ...Tagging });
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
