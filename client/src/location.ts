/** Places in S3: s3:// URIs taken apart, and whether something is there. */
import { Readable } from "node:stream";
import { GetObjectCommand, HeadBucketCommand, HeadObjectCommand, S3ServiceException } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { codeOf, ServiceAnswerError, SetupError } from "./errors.ts";
import { plural } from "./format.ts";

/** An object's place. */
export interface ObjectPlace {
  readonly Bucket: string;
  readonly Key: string;
}

/**
 * Takes `s3://bucket/key` apart.
 * @throws ServiceAnswerError if it is anything else
 */
export function parseS3Uri(uri: string): ObjectPlace {
  const match = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new ServiceAnswerError(`${JSON.stringify(uri)} is not the s3:// URI of an object.`);
  }
  return { Bucket: match[1], Key: match[2] };
}

/**
 * Whether an object is there. Reads one byte instead of asking HEAD, whose bodiless answers cannot tell a missing object
 * from a missing bucket.
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
 * Whether a bucket is missing. HEAD of a bucket has 404 only for one that does not exist (API reference, HeadBucket), whatever the
 * caller may do; every other answer leaves it open, and counts as "not missing".
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

/** What HEAD tells about an object. */
export interface ObjectHead {
  readonly bytes: number;
  readonly contentType: string | undefined;
  /** S3's ChecksumSHA256, if it was asked for and the object was uploaded with one. */
  readonly sha256: string | undefined;
  /** When a lifecycle rule removes it. */
  readonly expiry: Date | undefined;
}

/** Options for {@link headObject}. */
export interface HeadOptions {
  /**
   * Asks for the checksum, too. If a KMS key encrypts the object, this needs kms:Decrypt; without it the answer is "forbidden"
   * (API reference, HeadObject, "ChecksumMode"). @default false
   */
  readonly checksum?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks for an object without its content. `forbidden` is also how S3 calls a missing object to a caller who may not list
 * the bucket.
 * @throws SetupError where HEAD's bodiless answer says that bucket, region and credentials do not belong together
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
        throw new SetupError(`Bucket ${place.Bucket} is in another region than the stack's outputs say.`);
      case 400:
        throw new SetupError(
          `S3 refuses to look at s3://${place.Bucket}/${place.Key}: check the AWS credentials (expired ones are refused so) and the region.`,
        );
      default:
        throw error;
    }
  }
}

/**
 * An object's whole content.
 * @throws ServiceAnswerError, before the content is read, if it is larger than `maxBytes` or its size is unknown
 */
export async function read(s3: S3Client, uri: string, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
  const { Body, ContentLength } = await s3.send(
    new GetObjectCommand(parseS3Uri(uri)),
    signal === undefined ? {} : { abortSignal: signal },
  );
  // HTTP holds the body to its length, so nothing beyond it is read.
  if (ContentLength === undefined || ContentLength > maxBytes) {
    if (Body instanceof Readable) Body.destroy();
    const size = ContentLength === undefined ? "an unknown size" : plural(ContentLength, "byte");
    throw new ServiceAnswerError(
      `The object ${uri} has ${size}; the stack's results have at most ${maxBytes}. If it is a real result, raise maxResponseSize and deploy.`,
    );
  }
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}

/** The first bytes of an object, and how many it has in all. */
export interface ObjectStart {
  readonly start: Uint8Array;
  readonly bytes: number;
}

/** An object's first `maxBytes` bytes, or all of a smaller one. */
export async function readStart(
  s3: S3Client,
  uri: string,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return (await readStartAndSize(s3, uri, maxBytes, signal)).start;
}

/** An object's first `maxBytes` bytes, or all of a smaller one, with its size. */
export async function readStartAndSize(
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
