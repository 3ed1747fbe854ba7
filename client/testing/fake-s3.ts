/** For tests: S3 as the client meets it, objects in memory. */
import type { IncomingMessage } from "node:http";
import { errorAnswer, xml } from "./fake-answers.ts";
import type { Answer } from "./fake-answers.ts";

/** A store behind S3's wire shapes. */
export class FakeS3 {
  /** Objects by `bucket/key`. */
  readonly objects = new Map<string, Buffer>();
  /** Without s3:ListBucket a missing object is forbidden. */
  mayList = true;
  /** When a lifecycle rule removes objects. */
  expiry: Date | undefined;

  readonly #uploads = new Map<string, Map<number, Buffer>>();
  #lastUpload = 0;

  /** Multipart uploads neither completed nor aborted. */
  get openUploads(): number {
    return this.#uploads.size;
  }

  answer(operation: string, object: string, url: URL, headers: IncomingMessage["headers"], body: Buffer): Answer {
    switch (operation) {
      case "PutObject":
        this.objects.set(object, body);
        return { status: 200, headers: { etag: '"etag"' } };
      case "DeleteObject":
        this.objects.delete(object);
        return { status: 204 };
      case "HeadObject":
      case "GetObject":
        return this.#get(object, headers.range);
      case "ListObjectsV2":
        return this.#list(object.replace(/\/$/, ""), url.searchParams.get("prefix") ?? "");
      default:
        return this.#multipart(operation, object, url.searchParams, body);
    }
  }

  #list(bucket: string, prefix: string): Answer {
    const found = [...this.objects].filter(([object]) => object.startsWith(`${bucket}/${prefix}`)).sort();
    const contents = found.map(([object, content]) => {
      const key = object.slice(bucket.length + 1);
      return `<Contents><Key>${key}</Key><Size>${content.length}</Size></Contents>`;
    });
    return xml(`<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`);
  }

  #get(object: string, range: string | undefined): Answer {
    const content = this.objects.get(object);
    if (content === undefined) {
      return this.mayList ? errorAnswer(true, 404, "NoSuchKey") : errorAnswer(true, 403, "AccessDenied");
    }
    if (range === undefined) {
      const expiry = this.expiry === undefined ? {} : { "x-amz-expiration": expiration(this.expiry) };
      return { status: 200, headers: { "content-length": String(content.length), ...expiry }, body: content };
    }
    if (content.length === 0) return errorAnswer(true, 416, "InvalidRange");
    return {
      status: 206,
      headers: { "content-length": "1", "content-range": `bytes 0-0/${content.length}` },
      body: content.subarray(0, 1),
    };
  }

  #multipart(operation: string, object: string, query: URLSearchParams, body: Buffer): Answer {
    const id = query.get("uploadId") ?? "";
    switch (operation) {
      case "CreateMultipartUpload": {
        const created = `upload-${++this.#lastUpload}`;
        this.#uploads.set(created, new Map());
        return xml(`<InitiateMultipartUploadResult><UploadId>${created}</UploadId></InitiateMultipartUploadResult>`);
      }
      case "UploadPart":
        this.#uploads.get(id)?.set(Number(query.get("partNumber")), body);
        return { status: 200, headers: { etag: `"part-${query.get("partNumber") ?? ""}"` } };
      case "CompleteMultipartUpload": {
        const parts = [...(this.#uploads.get(id) ?? [])].sort(([a], [b]) => a - b);
        this.objects.set(object, Buffer.concat(parts.map(([, part]) => part)));
        this.#uploads.delete(id);
        return xml("<CompleteMultipartUploadResult><ETag>etag</ETag></CompleteMultipartUploadResult>");
      }
      case "AbortMultipartUpload":
        this.#uploads.delete(id);
        return { status: 204 };
      default:
        return errorAnswer(true, 501, "NotImplemented", operation);
    }
  }
}

/** S3's x-amz-expiration header. */
function expiration(date: Date): string {
  return `expiry-date="${date.toUTCString()}", rule-id="old"`;
}
