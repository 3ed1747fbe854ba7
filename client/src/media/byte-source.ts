/** Sources of a video's bytes for range reads: a local file, and an object in S3. */
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { ServiceAnswerError } from "../errors.ts";
import { plural } from "../format.ts";
import { parseS3Uri } from "../s3-objects.ts";

/** Bytes that can be read by ranges. */
export interface ByteSource {
  /** Size, bytes. */
  readonly bytes: number;
  /**
   * Reads the bytes `from` (inclusive) to `to` (exclusive).
   * @throws the error of the file or of S3; ServiceAnswerError if the source is shorter than `to`
   */
  read(from: number, to: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
}

/** The method of an open file that is needed. A read may return less than was requested. */
interface ReadableFile {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/** Returns the bytes of an open file. */
export function fileSource(handle: ReadableFile, bytes: number): ByteSource {
  return {
    bytes,
    read: async (from, to) => {
      const buffer = new Uint8Array(to - from);
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, from + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      checkLength(filled, buffer.length);
      return buffer;
    },
  };
}

/** An object in S3. */
export interface S3Object {
  /** s3:// URI. */
  readonly uri: string;
  readonly bytes: number;
  /** ETag with its quotes: a changed object is S3's error PreconditionFailed. */
  readonly etag: string;
}

/** Returns the bytes of an object in S3. */
export function s3Source(s3: S3Client, { uri, bytes, etag }: S3Object): ByteSource {
  return {
    bytes,
    read: async (from, to, signal) => {
      const command = new GetObjectCommand({ ...parseS3Uri(uri), Range: `bytes=${from}-${to - 1}`, IfMatch: etag });
      const { Body } = await s3.send(command, { abortSignal: signal });
      // A copy, because the SDK may return a view of a larger buffer.
      const read = new Uint8Array((await Body?.transformToByteArray()) ?? []);
      checkLength(read.length, to - from);
      return read;
    },
  };
}

function checkLength(read: number, wanted: number): void {
  if (read === wanted) return;
  throw new ServiceAnswerError(`A read returned ${read} of ${plural(wanted, "byte")}: has the video become shorter?`);
}
