/** S3: an object, uploaded from an asset, a text or base64. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import {
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from "@aws-sdk/client-s3";
import type { ChecksumAlgorithm, PutObjectCommandInput, ServerSideEncryption, StorageClass } from "@aws-sdk/client-s3";
import type { BucketObjectv2Args } from "@pulumi/aws/s3/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { isCode, ProviderError, unlessMissing } from "./errors.ts";
import { asset, flag, map, regional, tagged, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed, Scope } from "./resource.ts";
import { deleteVersions } from "./s3-versions.ts";
import { fromTagList, toTagList } from "./tags.ts";
import { asAsset } from "./values.ts";
import type { Asset } from "./values.ts";

const fields = {
  bucket: text({ required: true, forceNew: true }),
  // A key has no random end, and S3 takes 1,024 bytes.
  key: text({ autoName: { max: 1024, random: false }, forceNew: true }),
  source: asset(),
  content: text(),
  contentBase64: text(),
  sourceHash: text(),
  cacheControl: text(),
  contentDisposition: text(),
  contentEncoding: text(),
  contentLanguage: text(),
  contentType: text({ computed: true }),
  metadata: map(),
  websiteRedirect: text(),
  storageClass: text({ computed: true }),
  serverSideEncryption: text({ computed: true }),
  kmsKeyId: text({ computed: true }),
  bucketKeyEnabled: flag({ computed: true }),
  checksumAlgorithm: text(),
  forceDestroy: flag({ default: false }),
  ...tagged,
  ...regional,
} satisfies FieldsOf<Omit<pulumi.Unwrap<BucketObjectv2Args>, "source"> & Managed & { source?: Asset }>;

type ObjectInputs = Inputs<typeof fields>;

async function body(
  inputs: ObjectInputs,
  scope: Scope,
): Promise<Pick<PutObjectCommandInput, "Body" | "ContentLength">> {
  if (inputs.content !== undefined) return { Body: inputs.content };
  if (inputs.contentBase64 !== undefined) return { Body: Buffer.from(inputs.contentBase64, "base64") };
  const source = asAsset(inputs.source);
  if (source?.path !== undefined) {
    const path = scope.resolvePath(source.path);
    const { size } = await stat(path).catch((error: unknown) => {
      throw new ProviderError(`The file of the object's asset cannot be read: ${String(error)}`, { cause: error });
    });
    return { Body: createReadStream(path), ContentLength: size };
  }
  if (source?.uri !== undefined) {
    throw new ProviderError(`An asset at an address (${source.uri}) is not translated: give a file or a text`);
  }
  return { Body: source?.text ?? "" };
}

async function upload(inputs: ObjectInputs, scope: Scope): Promise<string> {
  const { bucket: Bucket, key: Key } = inputs;
  scope.progress("uploading");
  await scope.aws.s3.send(
    new PutObjectCommand({
      Bucket,
      Key,
      ...(await body(inputs, scope)),
      CacheControl: inputs.cacheControl,
      ContentDisposition: inputs.contentDisposition,
      ContentEncoding: inputs.contentEncoding,
      ContentLanguage: inputs.contentLanguage,
      ContentType: inputs.contentType,
      Metadata: inputs.metadata,
      WebsiteRedirectLocation: inputs.websiteRedirect,
      StorageClass: inputs.storageClass as StorageClass,
      ServerSideEncryption: (inputs.serverSideEncryption ??
        (inputs.kmsKeyId === undefined ? undefined : "aws:kms")) as ServerSideEncryption,
      SSEKMSKeyId: inputs.kmsKeyId,
      BucketKeyEnabled: inputs.bucketKeyEnabled,
      ChecksumAlgorithm: inputs.checksumAlgorithm as ChecksumAlgorithm,
      ...(Object.keys(inputs.tagsAll).length === 0 ? {} : { Tagging: new URLSearchParams(inputs.tagsAll).toString() }),
    }),
  );
  return `${Bucket}/${Key}`;
}

/** Bucket and key of an id; a bucket's name has no slash. */
function place(id: string): { Bucket: string; Key: string } {
  const slash = id.replace(/^s3:\/\//, "").indexOf("/");
  const plain = id.replace(/^s3:\/\//, "");
  return { Bucket: plain.slice(0, slash), Key: plain.slice(slash + 1) };
}

async function putTags(id: string, tags: Record<string, string>, { aws }: Scope): Promise<void> {
  await aws.s3.send(new PutObjectTaggingCommand({ ...place(id), Tagging: { TagSet: toTagList(tags) ?? [] } }));
}

export const bucketObjectv2 = resource<typeof fields>({
  token: "aws:s3/bucketObjectv2:BucketObjectv2",
  fields,
  outputs: ["arn", "etag", "versionId"],
  movingOutputs: ["etag", "versionId"],
  tagging: {
    tag: ({ id, all }, _tags, scope) => putTags(id, all, scope),
    untag: ({ id, all }, _keys, scope) => putTags(id, all, scope),
  },
  check(inputs) {
    const given = ["source", "content", "contentBase64"].filter((name) => inputs[name] !== undefined);
    if (given.length < 2) return [];
    return [{ property: given[1] ?? "", reason: `Give only one of ${given.join(", ")}` }];
  },
  create: upload,
  async read(id, { aws, partition }) {
    const found = await unlessMissing(aws.s3.send(new HeadObjectCommand(place(id))), "NotFound", "NoSuchBucket");
    if (found === undefined) return undefined;
    const tagging = await aws.s3.send(new GetObjectTaggingCommand(place(id)));
    const { Bucket: bucket, Key: key } = place(id);
    return {
      bucket,
      key,
      arn: `arn:${partition}:s3:::${bucket}/${key}`,
      etag: found.ETag?.replaceAll('"', ""),
      versionId: found.VersionId,
      cacheControl: found.CacheControl,
      contentDisposition: found.ContentDisposition,
      contentEncoding: found.ContentEncoding,
      contentLanguage: found.ContentLanguage,
      contentType: found.ContentType,
      metadata: found.Metadata,
      websiteRedirect: found.WebsiteRedirectLocation,
      storageClass: found.StorageClass ?? "STANDARD",
      serverSideEncryption: found.ServerSideEncryption,
      kmsKeyId: found.SSEKMSKeyId,
      bucketKeyEnabled: found.BucketKeyEnabled,
      tags: fromTagList(tagging.TagSet),
    };
  },
  async update({ inputs, changed }, scope) {
    // forceDestroy is the provider's own.
    if (changed.size === 1 && changed.has("forceDestroy")) return;
    await upload(inputs, scope);
  },
  async delete(id, scope, known) {
    const { Bucket, Key } = place(id);
    const { versionId } = known as { versionId?: unknown };
    try {
      if (typeof versionId === "string" && versionId !== "") await deleteVersions(scope, Bucket, Key);
      else await scope.aws.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    } catch (error) {
      if (!isCode(error, "NoSuchBucket", "NoSuchKey")) throw error;
    }
  },
});
