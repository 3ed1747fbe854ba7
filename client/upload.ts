/** Brings one video file into the stack's input bucket, under a key that is its content's hash. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { HeadObjectCommand, S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { HttpHandler } from "@smithy/core/protocols";
import { codeOf, SetupError } from "./errors.ts";
import type { ObjectPlace } from "./location.ts";
import type { Stack } from "./stack.ts";

/** The largest input that an asynchronous endpoint takes, bytes (AWS: "payloads up to 1 GB"). */
export const MAX_INPUT_BYTES = 1024 ** 3;

/** Size of an upload's parts, bytes: 1 GB makes 128 of S3's 10,000, and four at once stay under 64 MB of memory. */
const PART_BYTES = 8 * 1024 * 1024;

const contentTypes: Readonly<Record<string, string>> = {
  ".avi": "video/x-msvideo",
  ".m4v": "video/mp4",
  ".mkv": "video/x-matroska",
  ".mov": "video/quicktime",
  ".mp4": "video/mp4",
  ".mpeg": "video/mpeg",
  ".mpg": "video/mpeg",
  ".ts": "video/mp2t",
  ".webm": "video/webm",
};

/** A file's media type by its extension; what the extension does not tell is for the model to find out. */
export function contentTypeOf(file: string): string {
  return contentTypes[path.extname(file).toLowerCase()] ?? "application/octet-stream";
}

/** How far an upload is. */
export interface UploadProgress {
  readonly step: "hashing" | "uploading";
  /** Bytes done in this step. */
  readonly loaded: number;
  /** Bytes of the file. */
  readonly total: number;
}

/** How to upload. */
export interface UploadOptions {
  /** A folder below the stack's input prefix. @default none */
  readonly folder?: string | undefined;
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
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
  /** The same bytes were there already and nothing was sent. */
  readonly skipped: boolean;
}

/**
 * Uploads a file, in parts, unless the same bytes are there already.
 * @throws SetupError before anything is sent if the file is missing, empty, too large or not a file, or if it changes on the way
 */
export async function uploadVideo(stack: Stack, file: string, options: UploadOptions = {}): Promise<UploadedVideo> {
  const bytes = await checkVideoFile(file);
  const sha256 = await hash(file, bytes, options);
  const { inputBucket: Bucket, inputPrefix } = stack.outputs;
  const name = `${sha256}${path.extname(file).toLowerCase()}`;
  const Key = [inputPrefix, options.folder, name]
    .flatMap((part) => (part ?? "").split("/"))
    .filter(Boolean)
    .join("/");
  const contentType = contentTypeOf(file);
  const done = { file, inputLocation: `s3://${Bucket}/${Key}`, contentType, bytes, sha256 };
  if (await isThere(stack, { Bucket, Key }, bytes, options.signal)) return { ...done, skipped: true };

  options.signal?.throwIfAborted();
  const upload = new Upload({
    client: options.signal === undefined ? stack.s3 : interruptible(stack, options.signal),
    params: { Bucket, Key, Body: Readable.from(guarded(file, sha256, options.signal)), ContentType: contentType },
    partSize: PART_BYTES,
  });
  upload.on("httpUploadProgress", ({ loaded = 0 }) =>
    options.onProgress?.({ step: "uploading", loaded, total: bytes }),
  );
  await upload.done();
  return { ...done, skipped: false };
}

/**
 * A client over the same connections whose requests end with the signal: lib-storage's own abort leaves its clean-up
 * behind in the background. The clean-up's request (DELETE) is let through.
 */
function interruptible(stack: Stack, signal: AbortSignal): S3Client {
  const { credentials, forcePathStyle, requestHandler: connections } = stack.s3.config;
  const requestHandler: HttpHandler = {
    handle: async (request, options) =>
      await connections.handle(request, request.method === "DELETE" ? options : { ...options, abortSignal: signal }),
    // The connections keep the settings that the stack's client gave them.
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
  return new S3Client({ ...stack.clientConfig, credentials, forcePathStyle: forcePathStyle === true, requestHandler });
}

/**
 * A video file's size, bytes.
 * @throws SetupError if the file is missing, empty, too large for an asynchronous endpoint, or not a file
 */
export async function checkVideoFile(file: string): Promise<number> {
  const stats = await stat(file).catch((error: unknown) => {
    throw new SetupError(`Cannot read ${file} (${codeOf(error)}): give the path of a video file.`);
  });
  if (!stats.isFile()) throw new SetupError(`${file} is not a file: give the path of a video file.`);
  if (stats.size === 0) throw new SetupError(`${file} is empty: it holds no video.`);
  if (stats.size > MAX_INPUT_BYTES) {
    const gb = (stats.size / MAX_INPUT_BYTES).toFixed(2);
    throw new SetupError(
      `${file} has ${gb} GB; an asynchronous endpoint takes 1 GB. Cut it (ffmpeg -c copy -f segment -segment_time 600) or encode it at a lower bit rate.`,
    );
  }
  return stats.size;
}

async function hash(file: string, total: number, options: UploadOptions): Promise<string> {
  const digest = createHash("sha256");
  let loaded = 0;
  for await (const chunk of chunksOf(file, options.signal)) {
    digest.update(chunk);
    loaded += chunk.length;
    options.onProgress?.({ step: "hashing", loaded, total });
  }
  return digest.digest("hex");
}

/** The file's bytes again; fails before the last of them would complete an upload if they are not the ones that were hashed. */
async function* guarded(file: string, sha256: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const digest = createHash("sha256");
  for await (const chunk of chunksOf(file, signal)) {
    digest.update(chunk);
    yield chunk;
  }
  if (digest.digest("hex") !== sha256) {
    throw new SetupError(`${file} changed while it was uploaded: submit it again once nothing writes to it.`);
  }
}

function chunksOf(file: string, signal?: AbortSignal): AsyncIterable<Buffer> {
  return createReadStream(file, { highWaterMark: 1024 * 1024, ...(signal === undefined ? {} : { signal }) });
}

/** A lifecycle rule must not take the object before its job could run: a skipped upload needs this much time left, ms. */
const KEPT_LONG_ENOUGH = 24 * 3600 * 1000;

async function isThere(stack: Stack, place: ObjectPlace, bytes: number, signal?: AbortSignal): Promise<boolean> {
  try {
    const head = await stack.s3.send(new HeadObjectCommand(place), signal === undefined ? {} : { abortSignal: signal });
    if (head.ContentLength !== bytes) return false;
    const expiry = /expiry-date="([^"]+)"/.exec(head.Expiration ?? "")?.[1];
    if (expiry === undefined) return true;
    return Date.parse(expiry) - (await stack.clock.now(60)).getTime() > KEPT_LONG_ENOUGH;
  } catch (error) {
    // A caller who may write here but not read gets 403, with or without an object: uploading the same bytes again does no harm.
    if (error instanceof S3ServiceException && [403, 404].includes(error.$metadata.httpStatusCode ?? 0)) return false;
    throw error;
  }
}
