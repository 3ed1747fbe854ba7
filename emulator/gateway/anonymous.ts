/**
 * Requests to S3 without a signature, by the anonymous principal: a bucket's policy can allow them to everyone. Web pages
 * can send such requests, too; the gateway must refuse those (docs/decisions/0049-unsigned-requests.md).
 */

import type { IncomingHttpHeaders } from "node:http";
import type { Launcher } from "../iam/launcher-client.ts";
import type { Refusal } from "../wire/protocol.ts";
import { ForeignRequestError, isFromPage } from "./origin.ts";
import type { Addressed } from "./origin.ts";
import { firstSegment, isBucket } from "./s3-target.ts";
import { carriesCredentials, queryOf } from "./signature.ts";
import type { ReceivedRequest, SignatureScope } from "./signature.ts";

/** The access key ID that names the anonymous principal to the launcher; no signature can have it. */
const anonymousKey = "ANONYMOUS";

type S3Refusal = Refusal & { readonly s3Code: string };

// Source of both refusals: S3 API reference, "Error responses" and GetObject.
const denied: S3Refusal = s3Refusal(403, "AccessDenied", "Access Denied");
const noOverrides: S3Refusal = s3Refusal(
  400,
  "InvalidRequest",
  "Request specific response headers cannot be used for anonymous GET requests.",
);

/** Without POST: a form of a web page sends it, and browsers of the past do not say so. */
const methods = new Set(["GET", "HEAD", "PUT", "DELETE"]);

/**
 * Returns the bucket that an unsigned request is for, if it is for a bucket or an object in path style: without
 * credentials, and without the protocol of another service.
 */
export function anonymousBucket(request: ReceivedRequest, addressed: Addressed, path: string): string | undefined {
  const { method, target, headers } = request;
  const bucket = firstSegment(path);
  const isOtherService =
    headers["x-amz-target"] !== undefined ||
    /^(application\/x-www-form-urlencoded|multipart\/form-data)/i.test(headers["content-type"] ?? "") ||
    queryOf(target).some(([name]) => name === "Action");
  const isForS3 =
    methods.has(method) &&
    addressed.bucket === undefined &&
    isBucket(bucket) &&
    !isOtherService &&
    !carriesCredentials(request);
  return isForS3 ? bucket : undefined;
}

/**
 * Refuses a browser's request, unless its user has entered the URL. All browsers send a User-Agent that starts with
 * Mozilla; those of today also send Sec-Fetch-Site. Source: W3C, "Fetch Metadata Request Headers".
 * @throws ForeignRequestError
 */
export function refusePages(headers: IncomingHttpHeaders): void {
  const isBrowser = headers["user-agent"]?.startsWith("Mozilla/") === true || headers["sec-fetch-site"] !== undefined;
  const isEntered = headers["sec-fetch-site"] === "none";
  if (isFromPage(headers) || headers.referer !== undefined || (isBrowser && !isEntered)) {
    throw new ForeignRequestError(
      "The emulator accepts no requests without a signature from web pages, even if the bucket's policy allows them to everyone.",
    );
  }
}

/**
 * Returns the reason to refuse an anonymous request before its body is read; undefined if the bucket's policy allows
 * something to everyone. The launcher decides about the call itself.
 */
export async function anonymousRefusal(
  { target }: ReceivedRequest,
  bucket: string,
  launcher: Pick<Launcher, "isOpen">,
): Promise<S3Refusal | undefined> {
  if (!(await launcher.isOpen(bucket))) return denied;
  return queryOf(target).some(([name]) => name.startsWith("response-")) ? noOverrides : undefined;
}

/** Returns the signature in whose name MiniStack gets an anonymous request. */
export function anonymousSignature(region: string): SignatureScope {
  return { accessKeyId: anonymousKey, scope: { service: "s3", region }, date: new Date() };
}

function s3Refusal(status: number, code: string, message: string): S3Refusal {
  return { name: code, queryCode: code, s3Code: code, message, status };
}
