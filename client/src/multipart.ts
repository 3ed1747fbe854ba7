/**
 * Uploads a file in parts. Each part under way has one buffer: 64 MiB together, or one part of a file of more than
 * 625 GiB, whose parts are larger.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { CompletedPart, PutObjectCommandInput } from "@aws-sdk/client-s3";
import type { FileHandle } from "node:fs/promises";
import { codeOf } from "../../lib/errors.ts";
import { ChangedContentError } from "./errors.ts";
import { maxUploadParts } from "./limits.ts";
import { etagOf } from "./s3-objects.ts";
import type { ObjectPlace } from "./s3-objects.ts";
import { inParallel } from "./parallel.ts";
import type { Stack } from "./stack.ts";

/** The condition of a write. */
export type WriteCondition = Pick<PutObjectCommandInput, "IfMatch" | "IfNoneMatch">;

/** Minimum size of an upload's parts, bytes. */
export const minPartBytes = 16 * 1024 * 1024;

/** Maximum size of all buffers, bytes, unless one part is larger. */
const maxBufferBytes = 4 * minPartBytes;

/** Returns the number of parts that are sent at a time, from 1 to 4. */
export function partsAtOnceOf(partBytes: number): number {
  return Math.max(1, Math.floor(maxBufferBytes / partBytes));
}

/** S3's codes for a part whose content does not have its checksum. */
const mismatchCodes = ["BadDigest", "XAmzContentChecksumMismatch"];

/**
 * Returns the size of an upload's parts, bytes. It depends on the size of the file only, because S3's checksum of the
 * object depends on it.
 */
export function partBytesOf(bytes: number): number {
  return Math.max(minPartBytes, Math.ceil(bytes / maxUploadParts));
}

/** A file to upload in parts. */
export interface PartedContent {
  readonly handle: FileHandle;
  /** Size of the file. */
  readonly bytes: number;
  /** SHA-256 of each part, in base64. */
  readonly parts: readonly string[];
  readonly contentType: string;
}

/** Options for an upload in parts. */
interface PartsOptions {
  /** Called after each part with the number of bytes that are sent. */
  readonly onSent: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Uploads a file in parts, whose checksums S3 verifies, and returns the object's ETag. After an error, it removes the
 * parts.
 * @throws ChangedContentError if the file is not the one of the checksums; the SDK's error if S3 refuses
 */
export async function uploadInParts(
  { s3 }: Pick<Stack, "s3">,
  { Bucket, Key, ...condition }: ObjectPlace & WriteCondition,
  content: PartedContent,
  { onSent, signal }: PartsOptions,
): Promise<string> {
  const { handle, bytes, parts, contentType: ContentType } = content;
  const options = signal === undefined ? {} : { abortSignal: signal };
  const place = { Bucket, Key };
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ ...place, ContentType, ChecksumAlgorithm: "SHA256" }),
    options,
  );
  const upload = { ...place, UploadId };
  try {
    const partBytes = partBytesOf(bytes);
    const atOnce = Math.min(partsAtOnceOf(partBytes), parts.length);
    const free = Array.from({ length: atOnce }, () => Buffer.allocUnsafeSlow(partBytes));
    const done: CompletedPart[] = [];
    let sent = 0;
    await inParallel(parts.entries(), free.length, async ([index, ChecksumSHA256]) => {
      signal?.throwIfAborted();
      const buffer = free.pop() ?? Buffer.allocUnsafeSlow(partBytes);
      const Body = await partOf(handle, buffer, index * partBytes, bytes);
      const part = { PartNumber: index + 1, ChecksumSHA256 };
      const { ETag } = await s3.send(new UploadPartCommand({ ...upload, ...part, Body }), options);
      done[index] = { ...part, ETag };
      free.push(buffer);
      sent += Body.length;
      onSent(sent);
    });
    if ((await handle.stat()).size !== bytes) throw new ChangedContentError("The size has changed.");
    const { ETag } = await s3.send(
      new CompleteMultipartUploadCommand({ ...upload, ...condition, MultipartUpload: { Parts: done } }),
      options,
    );
    return etagOf(ETag, place);
  } catch (error) {
    // A lifecycle rule removes the parts if this fails, too.
    await s3.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw mismatchCodes.includes(codeOf(error)) ? new ChangedContentError("A part has changed.") : error;
  }
}

/** Reads a part into a buffer. */
async function partOf(handle: FileHandle, buffer: Buffer, start: number, bytes: number): Promise<Buffer> {
  const length = Math.min(buffer.length, bytes - start);
  for (let filled = 0; filled < length;) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, start + filled);
    if (bytesRead === 0) throw new ChangedContentError("The file has become shorter.");
    filled += bytesRead;
  }
  return buffer.subarray(0, length);
}
