/** HTTP to a model server through its Unix sockets; each call has the server's token, if it requires one. */

import { request as httpRequest } from "node:http";
import { Socket } from "node:net";
import { pipeline, Transform } from "node:stream";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";

/** One of a model server's sockets, and the token that it requires. */
export interface ServerSocket {
  readonly socketPath: string;
  /** @default no token */
  readonly token?: string;
}

/** A request to a model server. */
export interface ModelRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  /** Length of the body, bytes. */
  readonly size: number;
  readonly signal: AbortSignal;
  /** Called when the connection has taken the complete body. */
  readonly onSent: () => void;
}

/** The answer of a model server, with its body as a stream. */
export interface ModelResponse {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Readable;
}

/**
 * A connection that skips empty writes. Node ends a request with one. If the server has answered and closed the
 * connection by then, as it does for an error, the write would fail with EPIPE, and the answer would be lost although
 * it has arrived.
 */
export class RequestSocket extends Socket {
  override _write(
    chunk: Uint8Array | string,
    encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    if (chunk.length === 0) callback();
    else super._write(chunk, encoding, callback);
  }
}

/**
 * Sends POST /invocations with streams on both sides and no time limit except the caller's; resolves when the response
 * starts.
 */
export function invoke(
  { socketPath, token }: ServerSocket,
  { headers, body, size, signal, onSent }: ModelRequest,
): Promise<ModelResponse> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      createConnection: () => new RequestSocket().connect(socketPath),
      path: "/invocations",
      method: "POST",
      headers: { ...headers, ...authorization(token), "Content-Length": size },
      signal,
    });
    request.on("response", (response) => {
      resolve({ status: response.statusCode ?? 0, contentType: response.headers["content-type"], body: response });
    });
    request.on("error", (error) => {
      body.destroy();
      // No effect if the answer came first: a server that refuses a body need not read all of it.
      reject(error);
    });
    request.on("finish", onSent);
    pipeline(body, request, (error) => {
      if (error) reject(error);
    });
  });
}

/** Sends GET and returns the status and the whole body as text. Rejects with the reason of `signal` if that aborts. */
export function get({ socketPath, token }: ServerSocket, path: string, signal: AbortSignal): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { socketPath, path, headers: authorization(token), agent: false, signal },
      (response) => {
        text(response).then((body) => {
          resolve([response.statusCode ?? 0, body]);
        }, reject);
      },
    );
    request.on("error", reject);
    request.end();
  });
}

function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

/** Passes a stream through and keeps its bytes if there are not more than `limit`. */
export function keepStart(source: Readable, limit: number): { body: Readable; whole(): Uint8Array | undefined } {
  let size = 0;
  const chunks: Buffer[] = [];
  const body = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      size += chunk.byteLength;
      if (size <= limit) chunks.push(chunk);
      callback(null, chunk);
    },
  });
  // An error of the source ends the body; the reader of the body receives it.
  pipeline(source, body, () => undefined);
  return { body, whole: () => (size <= limit ? Buffer.concat(chunks) : undefined) };
}

/** Returns the first `limit` bytes of a stream, or those before it broke off; the rest is read and dropped. */
export async function readStart(source: Readable, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (size < limit) chunks.push(chunk.subarray(0, limit - size));
      size += chunk.byteLength;
    }
  } catch {
    // A server that refuses a body may close the connection after its answer.
  }
  return Buffer.concat(chunks);
}
