/** Objects in S3: parses s3:// URIs, checks for objects and reads them. */
import { Readable } from "node:stream";
import { GetObjectCommand, HeadBucketCommand, HeadObjectCommand, S3ServiceException } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { codeOf } from "../../lib/errors.ts";
import { ServiceAnswerError, SetupError } from "./errors.ts";
import { plural } from "./format.ts";

/** Location of an object. */
export interface ObjectPlace {
  readonly Bucket: string;
  readonly Key: string;
}

/**
 * Parses `s3://bucket/key`.
 * @throws ServiceAnswerError if it has another form
 */
export function parseS3Uri(uri: string): ObjectPlace {
  const match = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new ServiceAnswerError(`${JSON.stringify(uri)} is not the s3:// URI of an object.`);
  }
  return { Bucket: match[1], Key: match[2] };
}

/**
 * Tells whether an object exists. Reads one byte instead of sending HEAD, because HEAD's answers have no body and do
 * not tell a missing object from a missing bucket.
 * @throws the SDK's error for anything but the object's absence; without s3:ListBucket that is AccessDenied
 */
export async function exists(s3: S3Client, uri: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await readStart(s3, uri, 1, signal);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === "NoSuchKey" || code === "NotFound") return false;
    throw error;
  }
}

/**
 * Tells whether a bucket is missing. HEAD of a bucket answers 404 only if it does not exist (API reference,
 * HeadBucket), regardless of the caller's rights; every other answer leaves it open and counts as "not missing".
 */
export async function isBucketMissing(s3: S3Client, bucket: string, signal?: AbortSignal): Promise<boolean> {
  try {
    await s3.send(new HeadBucketCommand({ Bucket: bucket }), signal === undefined ? {} : { abortSignal: signal });
    return false;
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    return error.$metadata.httpStatusCode === 404;
  }
}

/** Returns the bucket of an s3:// URI. */
export function bucketOf(uri: string): string {
  return uri.slice("s3://".length).split("/", 1)[0] ?? "";
}

/** S3's errors for a bucket that belongs to somebody else, or that is in another region. */
const foreignCodes = ["AccessDenied", "AllAccessDisabled", "PermanentRedirect"];

/**
 * Explains an error of S3 that concerns one job's bucket only: it does not exist, or it is not one of the stack's and
 * refuses access. Both happen to the jobs of a deployment that was destroyed, or replaced by another one.
 * @returns undefined for any other error
 */
export function unreachableReason(
  error: unknown,
  uri: string,
  {
    outputLocation,
    failureLocation,
    inputBucket,
  }: Readonly<Record<"outputLocation" | "failureLocation" | "inputBucket", string>>,
): string | undefined {
  const bucket = bucketOf(uri);
  const code = codeOf(error);
  if (code === "NoSuchBucket") return `bucket ${bucket} does not exist`;
  const isOwn = [bucketOf(outputLocation), bucketOf(failureLocation), inputBucket].includes(bucket);
  if (isOwn || !foreignCodes.includes(code)) return undefined;
  return `bucket ${bucket}, which is not the stack's, refuses access (${code})`;
}

/** Result of HEAD for an object. */
export interface ObjectHead {
  readonly bytes: number;
  /** With its quotes. */
  readonly etag: string;
  readonly contentType: string | undefined;
  /** S3's ChecksumSHA256, if it was requested and the object was uploaded with one. */
  readonly sha256: string | undefined;
  /** Time at which a lifecycle rule removes it. */
  readonly expiry: Date | undefined;
}

/**
 * Returns the ETag of an answer of S3. Requests and records name objects by it, so none stands in for it.
 * @throws ServiceAnswerError if there is none
 */
export function etagOf(etag: string | undefined, { Bucket, Key }: ObjectPlace): string {
  if (etag !== undefined && etag !== "") return etag;
  throw new ServiceAnswerError(`S3's answer for s3://${Bucket}/${Key} has no ETag.`);
}

/** Options for {@link headObject}. */
export interface HeadOptions {
  /**
   * Requests the checksum, too. If a KMS key encrypts the object, this needs kms:Decrypt; without it the answer is
   * "forbidden" (API reference, HeadObject, "ChecksumMode"). @default false
   */
  readonly checksum?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads an object's properties without its content. `forbidden` is also S3's answer for a missing object if the caller
 * may not list the bucket.
 * @throws SetupError if HEAD's answer without a body shows that bucket, region and credentials do not belong together;
 * ServiceAnswerError if it has no ETag
 */
export async function headObject(
  s3: S3Client,
  place: ObjectPlace,
  { checksum = false, signal }: HeadOptions = {},
): Promise<ObjectHead | "missing" | "forbidden"> {
  try {
    const head = await s3.send(
      new HeadObjectCommand({ ...place, ...(checksum ? { ChecksumMode: "ENABLED" } : {}) }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    const expiry = /expiry-date="([^"]+)"/.exec(head.Expiration ?? "")?.[1];
    return {
      bytes: head.ContentLength ?? 0,
      etag: etagOf(head.ETag, place),
      contentType: head.ContentType,
      sha256: head.ChecksumSHA256,
      expiry: expiry === undefined ? undefined : new Date(expiry),
    };
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error;
    switch (error.$metadata.httpStatusCode) {
      case 404:
        return "missing";
      case 403:
        return "forbidden";
      case 301:
        throw new SetupError(`Bucket ${place.Bucket} is in another region than the stack's outputs name.`);
      case 400:
        throw new SetupError(
          `S3 refuses HEAD of s3://${place.Bucket}/${place.Key}: check the AWS credentials (S3 refuses expired ones like this) and the region.`,
        );
      default:
        throw error;
    }
  }
}

/**
 * Reads an object's whole content.
 * @throws ServiceAnswerError, before the content is read, if it is larger than `maxBytes` or its size is unknown
 */
export async function read(s3: S3Client, uri: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
  const { Body, ContentLength } = await s3.send(
    new GetObjectCommand(parseS3Uri(uri)),
    signal === undefined ? {} : { abortSignal: signal },
  );
  // HTTP limits the body to its length, so nothing beyond it is read.
  if (ContentLength === undefined || ContentLength > maxBytes) {
    if (Body instanceof Readable) Body.destroy();
    const size = ContentLength === undefined ? "an unknown size" : plural(ContentLength, "byte");
    throw new ServiceAnswerError(
      `The object ${uri} has ${size}; the stack's results have at most ${maxBytes}. If it is a real result, raise maxResponseSize and deploy.`,
    );
  }
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}

/** First bytes of an object, and its total size. */
export interface ObjectStart {
  readonly start: Uint8Array;
  readonly bytes: number;
}

/** Reads an object's first `maxBytes` bytes, or all of a smaller one, and its size. */
export async function readStart(
  s3: S3Client,
  uri: string,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<ObjectStart> {
  try {
    const { Body, ContentRange = "" } = await s3.send(
      new GetObjectCommand({ ...parseS3Uri(uri), Range: `bytes=0-${maxBytes - 1}` }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    const start = (await Body?.transformToByteArray()) ?? new Uint8Array();
    return { start, bytes: Number(/\/(\d+)$/.exec(ContentRange)?.[1] ?? start.length) };
  } catch (error) {
    // An empty object has no first byte.
    if (codeOf(error) === "InvalidRange") return { start: new Uint8Array(), bytes: 0 };
    throw error;
  }
}
