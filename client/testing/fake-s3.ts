/** For tests: S3 with the operations that the client uses, objects in memory. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { errorAnswer, xml } from "../../lib/testing/fake-aws.ts";
import type { Answer } from "../../lib/testing/fake-aws.ts";

/** A store with S3's wire formats. */
export class FakeS3 {
  /** Objects by `bucket/key`. */
  readonly objects = new Map<string, Buffer>();
  /** Without s3:ListBucket a missing object is forbidden. */
  mayList = true;
  /** Names of buckets that do not exist. */
  missingBuckets: readonly string[] = [];
  /** Time at which a lifecycle rule removes objects. */
  expiry: Date | undefined;
  /** Maximum number of bytes that one ranged request was answered with. */
  maxBytesRead = 0;

  readonly #uploads = new Map<string, Map<number, Buffer>>();
  /** Multipart uploads that were started with SHA-256 as their checksum. */
  readonly #withSha256 = new Set<string>();
  /** SHA-256 of objects that were uploaded with one, as S3 keeps it. */
  readonly #checksums = new Map<string, string>();
  #lastUpload = 0;

  /** Returns the number of multipart uploads neither completed nor aborted. */
  get openUploads(): number {
    return this.#uploads.size;
  }

  answer(operation: string, object: string, url: URL, headers: IncomingMessage["headers"], body: Buffer): Answer {
    const [bucket = ""] = object.split("/");
    if (this.missingBuckets.includes(bucket)) return noSuchBucket(bucket);
    switch (operation) {
      case "PutObject": {
        if (isDamaged(headers, body)) return errorAnswer("s3", 400, "BadDigest");
        const conflict = this.#conflictOf(object, headers);
        if (conflict !== undefined) return conflict;
        this.objects.set(object, body);
        this.#keepChecksum(object, headers["x-amz-checksum-sha256"]);
        return { status: 200, headers: { etag: etagOf(body) } };
      }
      case "DeleteObject":
        this.objects.delete(object);
        return { status: 204 };
      case "HeadBucket":
        return { status: 200 };
      case "HeadObject":
      case "GetObject":
        return this.#get(object, headers);
      case "ListObjectsV2":
        return this.#list(object.replace(/\/$/, ""), url.searchParams.get("prefix") ?? "");
      default:
        return this.#multipart(operation, object, url.searchParams, headers, body);
    }
  }

  #list(bucket: string, prefix: string): Answer {
    const found = [...this.objects].filter(([object]) => object.startsWith(`${bucket}/${prefix}`)).sort();
    const contents = found.map(([object, content]) => {
      const key = object.slice(bucket.length + 1);
      return `<Contents><Key>${key}</Key><Size>${content.length}</Size><LastModified>2020-01-01T00:00:00Z</LastModified></Contents>`;
    });
    return xml(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`);
  }

  /** Evaluates the condition of a write (S3 user guide, "How to prevent object overwrites with conditional writes"). */
  #conflictOf(object: string, headers: IncomingMessage["headers"]): Answer | undefined {
    const content = this.objects.get(object);
    const { "if-none-match": absent, "if-match": etag } = headers;
    if (absent !== undefined && content !== undefined) return errorAnswer("s3", 412, "PreconditionFailed");
    if (etag === undefined) return undefined;
    if (content === undefined) return errorAnswer("s3", 404, "NoSuchKey");
    return etag === etagOf(content) ? undefined : errorAnswer("s3", 412, "PreconditionFailed");
  }

  /** Returns the ETag of an object. */
  etag(object: string): string {
    return etagOf(this.objects.get(object) ?? Buffer.alloc(0));
  }

  /** Copies an object with its checksum. */
  copy(from: string, to: string): void {
    this.objects.set(to, this.objects.get(from) ?? Buffer.alloc(0));
    this.#keepChecksum(to, this.#checksums.get(from));
  }

  #keepChecksum(object: string, checksum: string | string[] | undefined): void {
    if (typeof checksum === "string") this.#checksums.set(object, checksum);
    else this.#checksums.delete(object);
  }

  #get(object: string, { range, ...headers }: IncomingMessage["headers"]): Answer {
    const content = this.objects.get(object);
    if (content === undefined) {
      return this.mayList ? errorAnswer("s3", 404, "NoSuchKey") : errorAnswer("s3", 403, "AccessDenied");
    }
    const wanted = headers["if-match"];
    if (wanted !== undefined && wanted !== etagOf(content)) return errorAnswer("s3", 412, "PreconditionFailed");
    if (range === undefined) {
      const expiry = this.expiry === undefined ? {} : { "x-amz-expiration": expiration(this.expiry) };
      const kept = headers["x-amz-checksum-mode"] === "ENABLED" ? this.#checksums.get(object) : undefined;
      const checksum = kept === undefined ? {} : { "x-amz-checksum-sha256": kept };
      return {
        status: 200,
        headers: { "content-length": String(content.length), etag: etagOf(content), ...expiry, ...checksum },
        body: content,
      };
    }
    if (content.length === 0) return errorAnswer("s3", 416, "InvalidRange");
    const [, first = "", end = ""] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    const [from, to] = [Number(first), Math.min(Number(end) + 1, content.length)];
    this.maxBytesRead = Math.max(this.maxBytesRead, to - from);
    return {
      status: 206,
      headers: { "content-length": String(to - from), "content-range": `bytes ${from}-${to - 1}/${content.length}` },
      body: content.subarray(from, to),
    };
  }

  #multipart(
    operation: string,
    object: string,
    query: URLSearchParams,
    headers: IncomingMessage["headers"],
    body: Buffer,
  ): Answer {
    const id = query.get("uploadId") ?? "";
    switch (operation) {
      case "CreateMultipartUpload": {
        const created = `upload-${++this.#lastUpload}`;
        this.#uploads.set(created, new Map());
        if (headers["x-amz-checksum-algorithm"] === "SHA256") this.#withSha256.add(created);
        return xml(`<InitiateMultipartUploadResult><UploadId>${created}</UploadId></InitiateMultipartUploadResult>`);
      }
      case "UploadPart":
        if (isDamaged(headers, body)) return errorAnswer("s3", 400, "BadDigest");
        this.#uploads.get(id)?.set(Number(query.get("partNumber")), body);
        return {
          status: 200,
          headers: {
            etag: `"part-${query.get("partNumber") ?? ""}"`,
            ...(this.#withSha256.has(id) ? { "x-amz-checksum-sha256": sha256Of(body).toString("base64") } : {}),
          },
        };
      case "CompleteMultipartUpload": {
        const conflict = this.#conflictOf(object, headers);
        if (conflict !== undefined) return conflict;
        const parts = [...(this.#uploads.get(id) ?? [])].sort(([a], [b]) => a - b);
        this.objects.set(object, Buffer.concat(parts.map(([, part]) => part)));
        this.#uploads.delete(id);
        // S3 has the composite only if the completion names each part's checksum.
        const named = body.toString().split("<ChecksumSHA256>").length - 1;
        const composite = sha256Of(Buffer.concat(parts.map(([, part]) => sha256Of(part)))).toString("base64");
        this.#keepChecksum(object, named === parts.length ? `${composite}-${parts.length}` : undefined);
        return xml("<CompleteMultipartUploadResult><ETag>etag</ETag></CompleteMultipartUploadResult>");
      }
      case "AbortMultipartUpload":
        this.#uploads.delete(id);
        return { status: 204 };
      default:
        return errorAnswer("s3", 501, "NotImplemented", operation);
    }
  }
}

function noSuchBucket(name: string): Answer {
  const message = "The specified bucket does not exist";
  const body = `<Error><Code>NoSuchBucket</Code><Message>${message}</Message><BucketName>${name}</BucketName></Error>`;
  return xml(body, 404);
}

function sha256Of(content: Buffer): Buffer {
  return createHash("sha256").update(content).digest();
}

/** Returns the ETag of an object that was uploaded in one request, without a KMS key. */
function etagOf(content: Buffer): string {
  return `"${createHash("md5").update(content).digest("hex")}"`;
}

/** Tells whether the content's checksum differs from the request's. */
function isDamaged(headers: IncomingMessage["headers"], content: Buffer): boolean {
  const checksum = headers["x-amz-checksum-sha256"];
  return checksum !== undefined && checksum !== sha256Of(content).toString("base64");
}

/** Formats S3's x-amz-expiration header. */
function expiration(date: Date): string {
  return `expiry-date="${date.toUTCString()}", rule-id="old"`;
}
