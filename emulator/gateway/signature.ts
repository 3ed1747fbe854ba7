/**
 * Verifies SigV4 signatures: of the Authorization header, of presigned URLs, and of the seed of a streaming body.
 * Source: IAM User Guide, "AWS Signature Version 4 for API requests".
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Sha256 } from "@smithy/core/checksum";
import { escapeUri, HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Clock } from "../core/clock.ts";
import type { Credentials } from "./credentials.ts";
import type { KnownKeys } from "./known-keys.ts";
import { SignatureError } from "./signature-error.ts";
import type { StackDate } from "./stack-date.ts";

/** A request as received. */
export interface ReceivedRequest {
  readonly method: string;
  /** The request target: path and query as they were sent. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

/** The credential scope of a signature. */
export interface Scope {
  readonly service: string;
  readonly region: string;
}

/** Whose request it is, for which service. */
export interface SignatureScope {
  readonly scope: Scope;
  readonly accessKeyId: string;
  /** Signing time of the request. */
  readonly date: Date;
}

/** A parsed signature, not verified yet. */
export interface Signature extends SignatureScope {
  readonly signedHeaders: ReadonlySet<string>;
  readonly value: string;
  /** Validity of a presigned URL, seconds; undefined for the Authorization header. */
  readonly expiresIn: number | undefined;
}

/** The reason to refuse a request without a signature. */
export const unsigned = new SignatureError("missing", "Missing Authentication Token");

/** Maximum age of a signature, and maximum time that it may be ahead. Source: "Troubleshoot Signature Version 4". */
const tolerance = 15 * 60_000;
const longestExpiry = 7 * 24 * 3600;

const authorizationPattern =
  /^AWS4-HMAC-SHA256 +Credential=([^,\s]+) *, *SignedHeaders=([^,\s]+) *, *Signature=([0-9a-f]{64})$/;
const sha256Pattern = /^[0-9a-f]{64}$/;
const tokenParameter = "X-Amz-Security-Token";
const authenticationParameters = new Set([
  "X-Amz-Algorithm",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-Signature",
  "X-Amz-SignedHeaders",
  // Signature Version 2.
  "AWSAccessKeyId",
  "Expires",
  "Signature",
]);

/**
 * Parses the signature of a request.
 * @throws SignatureError (missing, malformed)
 */
export function readSignature(request: ReceivedRequest): Signature {
  const { authorization } = request.headers;
  const query = queryOf(request.target);
  const parameter = (name: string) => query.find(([key]) => key === name)?.[1];
  if (authorization !== undefined) {
    const [, credential, signedHeaders, value] = authorizationPattern.exec(authorization) ?? [];
    if (credential === undefined || signedHeaders === undefined || value === undefined) {
      throw new SignatureError("malformed", "The Authorization header is not an AWS4-HMAC-SHA256 signature.");
    }
    return {
      ...credentialParts(credential, single(request.headers["x-amz-date"]), signedHeaders),
      value,
      expiresIn: undefined,
    };
  }
  const value = parameter("X-Amz-Signature");
  if (value === undefined) throw unsigned;
  const expiresIn = Number(parameter("X-Amz-Expires") ?? longestExpiry);
  if (
    parameter("X-Amz-Algorithm") !== "AWS4-HMAC-SHA256" ||
    !sha256Pattern.test(value) ||
    !Number.isInteger(expiresIn) ||
    expiresIn < 1 ||
    expiresIn > longestExpiry
  ) {
    throw new SignatureError("malformed", "The query string is not a presigned AWS4-HMAC-SHA256 signature.");
  }
  const credential = parameter("X-Amz-Credential") ?? "";
  return {
    ...credentialParts(credential, parameter("X-Amz-Date"), parameter("X-Amz-SignedHeaders") ?? ""),
    value,
    expiresIn,
  };
}

/** Returns a request target without the parameters of a presigned URL that authenticate it. */
export function withoutAuthentication(target: string): string {
  const [path, query] = splitTarget(target);
  if (query === undefined) return target;
  const kept = query.split("&").filter((pair) => {
    const name = decode(pair.split("=", 1)[0] ?? "");
    return !authenticationParameters.has(name) && name.toLowerCase() !== tokenParameter.toLowerCase();
  });
  return kept.length === 0 ? path : `${path}?${kept.join("&")}`;
}

/** Tells whether a request has a part of a signature, of any version and in any spelling. */
export function carriesCredentials({ headers, target }: ReceivedRequest): boolean {
  const names = new Set([...authenticationParameters, tokenParameter].map((name) => name.toLowerCase()));
  return (
    headers.authorization !== undefined ||
    headers["x-amz-security-token"] !== undefined ||
    queryOf(target).some(([name]) => names.has(name.toLowerCase()))
  );
}

/** Verifies signatures made with known key pairs. */
export class SignatureVerifier {
  readonly #keys: KnownKeys;
  readonly #clock: Clock;
  readonly #dates: StackDate;
  readonly #now: () => number;

  /**
   * @param clock the stack's; it runs ahead of the machine's while the stack is idle
   * @param dates the times that clients were told
   * @param now the machine's clock, ms since 1970; SDKs that do not correct their clock sign with it
   */
  constructor(keys: KnownKeys, clock: Clock, dates: StackDate, now: () => number = Date.now) {
    this.#keys = keys;
    this.#clock = clock;
    this.#dates = dates;
    this.#now = now;
  }

  /**
   * Resolves if the request was signed with a known key pair and is fresh: with the SHA-256 (hex) that its body must have,
   * or with undefined if the body is verified already, unsigned, or signed in chunks.
   * @param body the complete body, for services other than S3; S3 sends its hash in x-amz-content-sha256
   * @throws SignatureError
   */
  async verify(request: ReceivedRequest, signature: Signature, body?: Uint8Array): Promise<string | undefined> {
    const { accessKeyId, signedHeaders } = signature;
    const credentials = await this.#keys.find(accessKeyId, sessionToken(request));
    this.#checkDate(signature);
    const unsigned = Object.keys(request.headers).find((name) => name.startsWith("x-amz-") && !signedHeaders.has(name));
    if (unsigned !== undefined || !signedHeaders.has("host")) {
      throw new SignatureError("mismatch", `The header ${unsigned ?? "host"} must be signed.`);
    }
    const hash = body === undefined ? s3PayloadHash(request, signature) : sha256(body);
    const claimed = single(request.headers["x-amz-content-sha256"]) ?? hash;
    const expected = await computeSignature(credentials, request, signature, claimed);
    if (!timingSafeEqual(Buffer.from(expected), Buffer.from(signature.value)) || claimed !== hash) {
      throw new SignatureError(
        "mismatch",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
      );
    }
    return body === undefined && sha256Pattern.test(hash) ? hash : undefined;
  }

  /**
   * Checks the age. A date ahead of the machine's clock comes from a client that follows the stack's clock, and is
   * compared with that one. Between both clocks, a signature is fresh: an SDK that corrected its clock some time ago
   * lags behind the stack's.
   */
  #checkDate({ date, expiresIn }: Signature): void {
    const [machine, stack, signed] = [this.#now(), this.#clock.now(), date.getTime()];
    const earliest = Math.min(machine, stack) - tolerance;
    const latest = Math.max(machine, stack) + tolerance;
    if (signed > latest || (expiresIn === undefined && signed < earliest)) {
      throw new SignatureError(
        "skewed",
        `Signature expired or not yet current: ${date.toISOString()} is more than 15 minutes away from ${new Date(stack).toISOString()}.`,
      );
    }
    if (expiresIn === undefined) return;
    // Presigned URLs expire by real time, like sessions.
    const real = signed > machine + tolerance ? this.#dates.realTimeOf(signed) : signed;
    if (real === undefined || real + expiresIn * 1000 < machine) {
      throw new SignatureError("expired", "Request has expired");
    }
  }
}

/**
 * Computes the signature of a request by `credentials`, with the time and the headers of `signature`.
 * @param payloadHash SHA-256 of the body (hex), or the value of x-amz-content-sha256
 */
export async function computeSignature(
  credentials: Credentials,
  request: ReceivedRequest,
  signature: Omit<Signature, "value">,
  payloadHash: string,
): Promise<string> {
  const { scope, signedHeaders, date, expiresIn } = signature;
  const isS3 = scope.service === "s3";
  const signer = new SignatureV4({
    credentials,
    region: scope.region,
    service: scope.service,
    sha256: Sha256,
    uriEscapePath: !isS3,
    applyChecksum: false,
  });
  const [path] = splitTarget(request.target);
  const headers: Record<string, string> = {};
  for (const name of signedHeaders) {
    const value = request.headers[name];
    if (value !== undefined) headers[name] = [value].flat().join(",");
  }
  // The signer reads the body's hash from this header; it is part of the signature only if the client signed it.
  headers["x-amz-content-sha256"] = payloadHash;
  const options = {
    signingDate: date,
    signableHeaders: new Set(signedHeaders),
    unsignableHeaders: new Set(signedHeaders.has("x-amz-content-sha256") ? [] : ["x-amz-content-sha256"]),
  };
  const isPresigned = expiresIn !== undefined;
  const query = queryOf(request.target).filter(([name]) => !isPresigned || !authenticationParameters.has(name));
  const described = new HttpRequest({
    method: request.method,
    path: isS3 ? canonicalPath(path) : path,
    query: grouped(query),
    headers,
  });
  if (!isPresigned) return signatureIn((await signer.sign(described, options)).headers["authorization"]);
  const unhoistableHeaders = new Set(Object.keys(headers));
  const signed = await signer.presign(described, { ...options, expiresIn, unhoistableHeaders });
  return String(signed.query?.["X-Amz-Signature"]);
}

/**
 * Returns the payload hash of a request to S3. Source: S3 API reference, "Signature Calculations for the Authorization
 * Header".
 */
function s3PayloadHash(request: ReceivedRequest, { expiresIn }: Signature): string {
  const header = single(request.headers["x-amz-content-sha256"]);
  const parameter = queryOf(request.target).find(([name]) => name === "X-Amz-Content-Sha256")?.[1];
  const hash = header ?? (expiresIn === undefined ? undefined : (parameter ?? "UNSIGNED-PAYLOAD"));
  if (hash === undefined || !/^([0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-[A-Z0-9-]+)$/.test(hash)) {
    throw new SignatureError("malformed", "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-… or a SHA-256.");
  }
  return hash;
}

function credentialParts(
  credential: string,
  date: string | undefined,
  signedHeaders: string,
): Pick<Signature, "scope" | "accessKeyId" | "date" | "signedHeaders"> {
  // The key may contain slashes; the other parts do not.
  const parts = credential.split("/");
  const [day, region = "", service = "", terminator] = parts.slice(-4);
  const [, year, month, dayOfMonth, time] = /^(\d{4})(\d\d)(\d\d)T(\d{6})Z$/.exec(date ?? "") ?? [];
  const signed = new Date(`${year}-${month}-${dayOfMonth}T${time?.replace(/(..)(..)(..)/, "$1:$2:$3")}Z`);
  if (parts.length < 5 || terminator !== "aws4_request" || day !== `${year}${month}${dayOfMonth}` || isNaN(+signed)) {
    throw new SignatureError(
      "malformed",
      "Credential must be KEY/DATE/REGION/SERVICE/aws4_request, and X-Amz-Date a date of that day as YYYYMMDDTHHMMSSZ.",
    );
  }
  return {
    scope: { region, service },
    accessKeyId: parts.slice(0, -4).join("/"),
    date: signed,
    signedHeaders: new Set(signedHeaders.split(";")),
  };
}

function sessionToken({ headers, target }: ReceivedRequest): string | undefined {
  return single(headers["x-amz-security-token"]) ?? queryOf(target).find(([name]) => name === tokenParameter)?.[1];
}

function signatureIn(authorization: string | undefined): string {
  return authorizationPattern.exec(authorization ?? "")?.[3] ?? "";
}

/** Splits path and query as they were sent; without a query: undefined. */
function splitTarget(target: string): [string, string?] {
  const mark = target.indexOf("?");
  return mark < 0 ? [target] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** Returns the decoded query parameters of a request target, in order. */
export function queryOf(target: string): [string, string][] {
  const [, query = ""] = splitTarget(target);
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const mark = pair.indexOf("=");
      return mark < 0 ? [decode(pair), ""] : [decode(pair.slice(0, mark)), decode(pair.slice(mark + 1))];
    });
}

function grouped(pairs: readonly [string, string][]): Record<string, string | string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) values.set(name, [...(values.get(name) ?? []), value]);
  return Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? (all[0] ?? "") : all]));
}

/** Encodes a path as S3 signs it: once, all except A-Z a-z 0-9 - . _ ~ and the slash, for any sent spelling. */
function canonicalPath(path: string): string {
  return path
    .split("/")
    .map((segment) => escapeUri(decode(segment)))
    .join("/");
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SignatureError("malformed", `The request target is not percent-encoded: ${text}`);
  }
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}

function sha256(body: Uint8Array): string {
  return createHash("sha256").update(body).digest("hex");
}
