/** Uploads one video file to the stack's input bucket, under the hash of its content. */
import { extname } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { ContentDigest } from "./content-digest.ts";
import type { ContentDigests } from "./content-digest.ts";
import { codeOf } from "../../lib/errors.ts";
import { etagOf, headObject } from "./s3-objects.ts";
import type { ObjectHead, ObjectPlace } from "./s3-objects.ts";
import { minPartBytes, partBytesOf, uploadInParts } from "./multipart.ts";
import type { WriteCondition } from "./multipart.ts";
import { retried } from "./poll.ts";
import type { Stack } from "./stack.ts";
import { maxInputBytesOf } from "./limits.ts";
import { checkOpenFile, contentTypeOf, openVideo } from "./video-file.ts";
import { ChangedContentError, InputError } from "./errors.ts";

/**
 * Codes of a write that lost against another one of the same object (S3 user guide, "How to prevent object overwrites
 * with conditional writes").
 */
const conflictCodes = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"];

/** Maximum number of tries of a write, each after another writer's. */
const maxTries = 5;

/** Bytes per read of a large file. */
const chunkBytes = 256 * 1024;

/** Retry budget for throttling and transient errors, on top of the SDK's tries, real seconds. */
const defaultRetryBudgetSeconds = 120;

/** Real seconds for one upload and all its tries: at 10 Mbit/s, 100 GB take a day. */
const defaultLimitSeconds = 24 * 3600;

/** Progress of an upload. */
export interface UploadProgress {
  readonly step: "hashing" | "uploading";
  /** Bytes done in this step. */
  readonly loaded: number;
  /** Size of the file, bytes. */
  readonly total: number;
}

/** Options for an upload. */
export interface UploadOptions {
  /** A folder below the stack's input prefix. @default none */
  readonly folder?: string | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
  /** Called with the service's problem while the upload is retried. */
  readonly onProblem?: ((problem: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A video in the input bucket. */
export interface UploadedVideo {
  /** The file as the caller named it. */
  readonly file: string;
  /** s3:// URI. */
  readonly inputLocation: string;
  readonly contentType: string;
  readonly bytes: number;
  /** SHA-256 of the content, in hexadecimal. */
  readonly sha256: string;
  /** The object's ETag, with its quotes. */
  readonly etag: string;
  /** True if the same bytes were there already, so that nothing was sent. */
  readonly skipped: boolean;
}

/**
 * Uploads a file, in parts if it is large, unless the same bytes are there already. Every caller may write below the
 * input prefix, so an existing object counts only if the SHA-256 that S3 has computed of it is the file's. Another
 * upload of the same file at the same time does not replace the object, so that requests keep referring to its ETag.
 * @throws InputError before anything is sent if the file is missing, empty, larger than the stack accepts or not a
 * file, or if it changes during the upload
 */
export async function uploadVideo(stack: Stack, file: string, options: UploadOptions = {}): Promise<UploadedVideo> {
  const { signal, onProblem } = options;
  const content = await contentOf(file, maxInputBytesOf(stack.outputs), options);
  const { bytes } = content;
  const { inputBucket: Bucket, inputPrefix } = stack.outputs;
  const name = `${content.sha256}${extname(file).toLowerCase()}`;
  const Key = [inputPrefix, options.folder, name]
    .flatMap((part) => (part ?? "").split("/"))
    .filter(Boolean)
    .join("/");
  const place = { Bucket, Key };
  const { etag, skipped } = await retried(
    async () => {
      for (let tries = 1; ; tries += 1) {
        const head = await headObject(stack.s3, place, { signal, checksum: true });
        if (typeof head === "object" && (await hasContent(stack, head, content))) {
          return { etag: head.etag, skipped: true };
        }
        signal?.throwIfAborted();
        try {
          return { etag: await send(stack, { ...place, ...conditionOf(head) }, content, options), skipped: false };
        } catch (error) {
          if (tries === maxTries || !conflictCodes.includes(codeOf(error))) throw error;
        }
      }
    },
    { signal, onProblem, limitSeconds: defaultLimitSeconds, retryBudgetSeconds: defaultRetryBudgetSeconds },
  );
  const inputLocation = `s3://${Bucket}/${Key}`;
  return { file, inputLocation, contentType: contentTypeOf(file), bytes, sha256: content.sha256, etag, skipped };
}

/** Content to send, read once to compute its digests. */
interface Content extends ContentDigests {
  readonly file: string;
  readonly bytes: number;
  /** Bytes of a small file; those of a large one are read again. */
  readonly body: Buffer | undefined;
}

async function contentOf(file: string, maxBytes: number, { signal, onProgress }: UploadOptions): Promise<Content> {
  await using handle = await openVideo(file);
  const bytes = await checkOpenFile(file, handle, maxBytes);
  const digest = new ContentDigest(partBytesOf(bytes));
  if (bytes <= minPartBytes) {
    // One byte more, to see whether it has grown.
    const buffer = Buffer.allocUnsafeSlow(bytes + 1);
    const { bytesRead } = await handle.read(buffer, 0, bytes + 1);
    if (bytesRead !== bytes) throw changed(file);
    const body = buffer.subarray(0, bytes);
    digest.update(body);
    onProgress?.({ step: "hashing", loaded: bytes, total: bytes });
    return { file, bytes, ...digest.digest(), body };
  }
  // One buffer for the whole file: a gigabyte of discarded ones would stay in memory until the garbage collector runs.
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let loaded = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes);
    if (bytesRead === 0) break;
    digest.update(chunk.subarray(0, bytesRead));
    loaded += bytesRead;
    onProgress?.({ step: "hashing", loaded, total: bytes });
  }
  if (loaded !== bytes) throw changed(file);
  return { file, bytes, ...digest.digest(), body: undefined };
}

/**
 * Returns the condition that the object is as it was read. A caller who may write but not read gets "forbidden", with or
 * without an object. The same bytes are sent again then. If a KMS key encrypts the object, it gets another ETag, and
 * requests under way that refer to the old one fail.
 */
function conditionOf(head: ObjectHead | "missing" | "forbidden"): WriteCondition {
  if (head === "forbidden") return {};
  return head === "missing" ? { IfNoneMatch: "*" } : { IfMatch: head.etag };
}

/** Sends the content, and returns the object's ETag. */
async function send(
  stack: Stack,
  place: ObjectPlace & WriteCondition,
  { file, bytes, atOnce, parts, body }: Content,
  { signal, onProgress }: UploadOptions,
): Promise<string> {
  const ContentType = contentTypeOf(file);
  if (body !== undefined) {
    const command = new PutObjectCommand({ ...place, Body: body, ContentType, ChecksumSHA256: atOnce });
    const { ETag } = await stack.s3.send(command, signal === undefined ? {} : { abortSignal: signal });
    onProgress?.({ step: "uploading", loaded: bytes, total: bytes });
    return etagOf(ETag, place);
  }
  await using handle = await openVideo(file);
  const onSent = (loaded: number): void => {
    onProgress?.({ step: "uploading", loaded, total: bytes });
  };
  try {
    return await uploadInParts(stack, place, { handle, bytes, parts, contentType: ContentType }, { onSent, signal });
  } catch (error) {
    throw error instanceof ChangedContentError ? changed(file) : error;
  }
}

function changed(file: string): InputError {
  return new InputError(`${file} changed while it was uploaded: submit it again once nothing writes to it.`);
}

/** Minimum time, ms, before a lifecycle rule may remove an object whose upload is skipped, so that its job can run. */
const keptLongEnough = 24 * 3600 * 1000;

/** Tells whether an object has the same bytes and stays long enough. */
async function hasContent(stack: Stack, head: ObjectHead, { bytes, atOnce, inParts }: Content): Promise<boolean> {
  if (head.bytes !== bytes) return false;
  if (head.sha256 !== atOnce && head.sha256 !== inParts) return false;
  if (head.expiry === undefined) return true;
  return head.expiry.getTime() - (await stack.clock.now(60)).getTime() > keptLongEnough;
}
