/**
 * Verifies presigned URLs of Signature Version 2, which boto3 still makes by default for us-east-1. Header signatures of that
 * version are refused.
 * Source: botocore/auth.py, HmacV1QueryAuth; S3 REST authentication, "Query string request authentication alternative".
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import type { KnownKeys } from "./known-keys.ts";
import { SignatureError } from "./signature-error.ts";
import { queryOf } from "./signature.ts";
import type { ReceivedRequest, Signature } from "./signature.ts";

/**
 * Query parameters that the signature covers; all others are excluded. Source: botocore/auth.py,
 * HmacV1Auth.QSAOfInterest.
 */
const signedParameters = new Set([
  "accelerate",
  "acl",
  "analytics",
  "cors",
  "defaultObjectAcl",
  "delete",
  "inventory",
  "lifecycle",
  "location",
  "logging",
  "metrics",
  "notification",
  "partNumber",
  "policy",
  "replication",
  "requestPayment",
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
  "restore",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versionId",
  "versioning",
  "versions",
  "website",
]);

/** Tells whether the query parameters of Signature Version 2 authenticate a request. */
export function isPresignedV2({ target, headers }: ReceivedRequest): boolean {
  return headers.authorization === undefined && queryOf(target).some(([name]) => name === "AWSAccessKeyId");
}

/**
 * Verifies a presigned URL to S3, and returns its signature as one for the service S3.
 * @param request its target in path style
 * @param now the machine's clock, ms since 1970: the URL has its expiry, not its signing time
 * @throws SignatureError
 */
export async function verifyPresignedV2(
  request: ReceivedRequest,
  keys: KnownKeys,
  region: string,
  now = Date.now(),
): Promise<Signature> {
  const query = queryOf(request.target);
  const parameter = (name: string): string => query.find(([key]) => key === name)?.[1] ?? "";
  const [accessKeyId, expires, value] = [parameter("AWSAccessKeyId"), parameter("Expires"), parameter("Signature")];
  const token = query.find(([name]) => name === "x-amz-security-token")?.[1];
  const credentials = await keys.find(accessKeyId, token);
  const expected = createHmac("sha1", credentials.secretAccessKey).update(stringToSign(request, expires)).digest();
  const given = Buffer.from(value, "base64");
  if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) {
    throw new SignatureError(
      "mismatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    );
  }
  if (!/^\d+$/.test(expires) || Number(expires) * 1000 < now) {
    throw new SignatureError("expired", "Request has expired");
  }
  return {
    scope: { service: "s3", region },
    accessKeyId,
    date: new Date(now),
    signedHeaders: new Set(),
    value,
    expiresIn: undefined,
  };
}

function stringToSign({ method, target, headers }: ReceivedRequest, expires: string): string {
  const [path = ""] = target.split("?", 1);
  // The signer moves these headers, the session token among them, to the query.
  const moved = queryOf(target).filter(([name]) => name.startsWith("x-amz-"));
  const custom = [...Object.entries(headers).filter(([name]) => name.startsWith("x-amz-")), ...moved]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}:${[value].flat().join(",").trim()}\n`);
  const parameters = queryOf(target)
    .filter(([name]) => signedParameters.has(name))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => (value === "" ? name : `${name}=${value}`));
  const resource = parameters.length === 0 ? path : `${path}?${parameters.join("&")}`;
  const standard = [method, headers["content-md5"] ?? "", headers["content-type"] ?? "", expires];
  return `${standard.join("\n")}\n${custom.join("")}${resource}`;
}
