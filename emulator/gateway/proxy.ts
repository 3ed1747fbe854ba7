/**
 * Forwards a verified request to MiniStack, with bodies as streams, and returns its answer with the emulator's clock in
 * the Date header.
 */

import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";
import { request as httpRequest } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { pipeline, PassThrough, Transform } from "node:stream";
import type { TransformCallback } from "node:stream";
import { launcherHeaders } from "../iam/launcher-client.ts";
import { SocketAgent } from "../processes/sockets.ts";
import type { ServerSocket } from "../processes/sockets.ts";
import { xml } from "../wire/xml.ts";
import { withoutAuthentication } from "./signature.ts";
import type { SignatureScope } from "./signature.ts";

// Headers that concern one hop, not the message (RFC 9110, 7.6.1); Node sets them itself.
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** A verified request on its way to MiniStack. */
export interface Forwarded {
  /** Path and query as they were sent; S3's in path style. */
  readonly target: string;
  /** Undefined for a request that needs no credentials. */
  readonly signature: SignatureScope | undefined;
  /** Headers that replace MiniStack's in the answer. */
  readonly stamp: () => Readonly<Record<string, string>>;
  /** SHA-256 (hex) of the body. MiniStack gets the end of the body only if it matches. */
  readonly bodyHash?: string | undefined;
  /** The body, if it was already read. */
  readonly body?: Uint8Array;
}

/** Forwards requests to MiniStack over its Unix socket. */
export class Proxy {
  readonly #host: string;
  readonly #agent: SocketAgent;

  /**
   * @param upstream the Unix socket that MiniStack listens on
   * @param host the gateway's loopback address with its port; MiniStack interprets other hosts as those of buckets and
   * functions
   */
  constructor(upstream: ServerSocket, host: string) {
    this.#host = host;
    // Idle connections are closed before MiniStack closes them (75 s), so that no request uses a closing one.
    this.#agent = new SocketAgent(upstream, { maxSockets: 256, timeout: 30_000 });
  }

  /** Streams the request's body to MiniStack when that is ready, and its answer back. */
  forward(request: IncomingMessage, response: ServerResponse, forwarded: Forwarded): void {
    const { stamp, body, bodyHash } = forwarded;
    const { signature } = forwarded;
    const replaced = {
      ...(signature === undefined ? {} : { authorization: scopeOnly(signature) }),
      host: this.#host,
      ...framing(request.headers, body),
    };
    const upstream = httpRequest({
      method: request.method ?? "GET",
      path: withoutAuthentication(forwarded.target),
      headers: endToEnd(request.rawHeaders, replaced, launcherPattern),
      agent: this.#agent,
    });
    const fail = (status: number, code: string, message: string): void => {
      upstream.destroy();
      // The rest of the body is read and dropped, so that the client sees the answer.
      request.unpipe().resume();
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      response.writeHead(status, { "content-type": "application/xml", ...stamp() });
      response.end(`<?xml version="1.0" encoding="UTF-8"?>${xml({ Error: { Code: code, Message: message } })}`);
    };
    // A client that waits before it sends its body (Expect: 100-continue) waits for MiniStack, not for the gateway.
    upstream.on("continue", () => {
      response.writeContinue();
    });
    upstream.on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.rawHeaders, stamp(), corsPattern));
      pipeline(answer, response, () => {
        // If either side broke off, pipeline has closed both.
      });
    });
    upstream.on("error", (error) => {
      fail(
        503,
        "ServiceUnavailable",
        `MiniStack, which serves this service in the emulator, does not answer: ${error.message}`,
      );
    });
    response.on("close", () => {
      if (!response.writableFinished) upstream.destroy();
    });
    if (body !== undefined) {
      upstream.end(body);
      return;
    }
    const check = bodyHash === undefined ? new PassThrough() : new HashCheck(bodyHash);
    check.on("error", (error) => {
      fail(400, "XAmzContentSHA256Mismatch", error.message);
    });
    // Without a body, a request is complete with its headers: those wait for the check.
    const { "transfer-encoding": encoding, "content-length": length = "0" } = request.headers;
    const hasBody = encoding !== undefined || length !== "0";
    if (hasBody) upstream.flushHeaders();
    request.pipe(check).pipe(upstream);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Holds back the last chunk of a body until the whole has the signed hash. */
class HashCheck extends Transform {
  readonly #expected: string;
  readonly #hash: Hash = createHash("sha256");
  #held: Buffer | undefined;

  constructor(expected: string) {
    super();
    this.#expected = expected;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#hash.update(chunk);
    const ready = this.#held;
    this.#held = chunk;
    callback(null, ready);
  }

  override _flush(callback: TransformCallback): void {
    if (this.#hash.digest("hex") === this.#expected) callback(null, this.#held);
    else callback(new Error("The provided 'x-amz-content-sha256' header does not match what was computed."));
  }
}

/**
 * Formats an Authorization header with only the scope: MiniStack routes by it; the signature has been verified and is
 * not forwarded.
 */
function scopeOnly({ accessKeyId, date, scope }: SignatureScope): string {
  const day = date.toISOString().slice(0, 10).replaceAll("-", "");
  const credential = `${accessKeyId}/${day}/${scope.region}/${scope.service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=${"0".repeat(64)}`;
}

/**
 * Returns the headers that delimit the body. Without them Node sends the body of a GET or DELETE as bare bytes, which
 * MiniStack would interpret as another request.
 */
function framing({ "transfer-encoding": encoding }: IncomingHttpHeaders, body?: Uint8Array): Record<string, string> {
  if (body !== undefined) return { "content-length": String(body.byteLength) };
  return encoding === undefined ? {} : { "transfer-encoding": "chunked" };
}

/** Matches MiniStack's CORS headers, which allow every origin. */
const corsPattern = /^access-control-/;

/** Matches headers by which the emulator's services name themselves to MiniStack. */
const launcherPattern = new RegExp(`^${launcherHeaders}`);

/** Returns headers without those that concern one hop, those that match `dropped`, and those replaced. */
function endToEnd(
  rawHeaders: readonly string[],
  replaced: Readonly<Record<string, string>>,
  dropped: RegExp,
): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const lower = name.toLowerCase();
    if (!hopByHop.has(lower) && !Object.hasOwn(replaced, lower) && !dropped.test(lower)) {
      kept.push(name, rawHeaders[index + 1] ?? "");
    }
  }
  return [...kept, ...Object.entries(replaced).flat()];
}
