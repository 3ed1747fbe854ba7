/** Places in S3: s3:// URIs taken apart, and whether something is there. */
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { codeOf, ServiceAnswerError } from "./errors.ts";

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
    const { Body } = await s3.send(
      new GetObjectCommand({ ...parseS3Uri(uri), Range: "bytes=0-0" }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    await Body?.transformToByteArray();
    return true;
  } catch (error) {
    const code = codeOf(error);
    // An empty object has no first byte.
    if (code === "InvalidRange") return true;
    if (code === "NoSuchKey" || code === "NotFound") return false;
    throw error;
  }
}

/** An object's whole content. */
export async function read(s3: S3Client, uri: string, signal?: AbortSignal): Promise<Uint8Array> {
  const { Body } = await s3.send(
    new GetObjectCommand(parseS3Uri(uri)),
    signal === undefined ? {} : { abortSignal: signal },
  );
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}
