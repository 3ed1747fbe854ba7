/**
 * Requests that refer to a video: JSON objects in the input bucket, below `requests/` and the stack's input prefix.
 * `model/request.schema.json` is their schema. The API's inline `Body` is not used: the notification of a failed one has
 * no location, so that it could not be sent again.
 */
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";
import { InputError } from "./errors.ts";
import { ownerOf, partFile } from "./job-record.ts";
import type { PlannedJob } from "./journal-lines.ts";
import { maxRequestBytes } from "./limits.ts";
import { headObject, parseS3Uri, readStart } from "./s3-objects.ts";
import type { ObjectHead } from "./s3-objects.ts";
import type { StackOutputs } from "./outputs.ts";
import type { Stack } from "./stack.ts";

/** Media type of a request object (`model/video_inference/request.py`). */
export const requestType = "application/vnd.async-video.request+json";

/** Members of a request object that the client reads. */
const requestSchema = z.object({
  video: z.string().regex(/^s3:\/\/[^/]+\/.+$/s),
  etag: z.string().min(1),
  from: z.number().nonnegative().default(0),
  to: z.number().positive().nullable().default(null),
});

/** A video that a request refers to, and the part of it, seconds from the first shown frame. */
export interface ReferredVideo {
  /** s3:// URI of the video. */
  readonly video: string;
  /** ETag of the object, with its quotes; an object with another one is refused. */
  readonly etag: string;
  readonly from: number;
  /** Null for the end of the video. */
  readonly to: number | null;
}

/** Returns the s3:// prefix of a stack's request objects, with a trailing slash. */
export function requestsPrefix({
  inputBucket,
  inputPrefix,
}: Pick<StackOutputs, "inputBucket" | "inputPrefix">): string {
  return `s3://${[inputBucket, ...inputPrefix.split("/"), "requests"].filter(Boolean).join("/")}/`;
}

/** Form of a request object's key below {@link requestsPrefix}, as {@link requestUri} makes it. */
const requestKey = /^[A-Za-z0-9][\w.-]{0,31}\/part-\d{5}\.json$/;

/** Tells whether a location is that of a request object of the stack. */
export function isRequestUri(outputs: Pick<StackOutputs, "inputBucket" | "inputPrefix">, uri: string): boolean {
  const prefix = requestsPrefix(outputs);
  return uri.startsWith(prefix) && requestKey.test(uri.slice(prefix.length));
}

/**
 * Returns the s3:// URI of the request object of a job or of a part of it. All attempts have the same one, with the same
 * content.
 */
export function requestUri(
  outputs: Pick<StackOutputs, "inputBucket" | "inputPrefix">,
  named: Pick<PlannedJob, "inferenceId" | "part">,
): string {
  return `${requestsPrefix(outputs)}${ownerOf(named)}/${partFile(named)}.json`;
}

/**
 * Writes the request object of a job, and returns its s3:// URI.
 * @param video s3:// URI of the video
 * @param etag the video's ETag, if it is known
 * @throws InputError if there is no such video, or the caller may not read its ETag; the SDK's error if S3 refuses
 */
export async function storeRequest(
  stack: Stack,
  { video, etag, ...named }: { video: string; etag: string | undefined } & Pick<PlannedJob, "inferenceId" | "part">,
  signal?: AbortSignal,
): Promise<string> {
  const { from, to } = named.part ?? { from: 0, to: null };
  const request: ReferredVideo = { video, etag: etag ?? (await etagOf(stack, video, signal)), from, to };
  const uri = requestUri(stack.outputs, named);
  await stack.s3.send(
    new PutObjectCommand({
      ...parseS3Uri(uri),
      Body: JSON.stringify(request),
      ContentType: requestType,
    }),
    signal === undefined ? {} : { abortSignal: signal },
  );
  return uri;
}

/**
 * Returns in one sentence that a video is not the one that a request refers to, and how to fix it; undefined if it is,
 * or if it cannot be read. The model refuses such a request, however often it is sent.
 * @param etag the ETag that the request states
 * @param head the object as it is now
 */
export function changeOf(video: string, etag: string, head: ObjectHead | "missing" | "forbidden"): string | undefined {
  if (head === "forbidden" || (head !== "missing" && head.etag === etag)) return undefined;
  if (head === "missing") return `There is no object ${video}: submit the video again.`;
  return `The video ${video} has changed since the job was submitted (ETag ${etag}, now ${head.etag}): submit it again, as a new job.`;
}

async function etagOf(stack: Stack, video: string, signal?: AbortSignal): Promise<string> {
  const head = await headObject(stack.s3, parseS3Uri(video), { signal });
  if (head === "missing") throw new InputError(`There is no object ${video}: submit the video again.`);
  if (head !== "forbidden") return head.etag;
  throw new InputError(
    `These AWS credentials may not read ${video}, so its ETag is unknown, which the request must contain: use the stack's caller policy.`,
  );
}

/**
 * Reads a request object. Every caller of the stack may write one, so its content is not trusted.
 * @returns undefined if there is none, or if it is not a request
 * @throws the SDK's error if it cannot be read
 */
export async function readRequest(stack: Stack, uri: string, signal?: AbortSignal): Promise<ReferredVideo | undefined> {
  try {
    const { start } = await readStart(stack.s3, uri, maxRequestBytes, signal);
    return requestSchema.safeParse(JSON.parse(new TextDecoder().decode(start))).data;
  } catch (error) {
    if (error instanceof SyntaxError || codeOf(error) === "NoSuchKey") return undefined;
    throw error;
  }
}
