/** The bodies of requests to the gateway's own services. */
import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Refusal, WireRequest } from "../wire/protocol.ts";

// Above the largest body of any operation of the gateway's services (InvokeEndpointAsync's inline Body: 128,000 bytes;
// PutMetricData: 1 MB).
const bodyLimit = 4 * 1024 * 1024;

/** The answer to a body above the limit. */
export const tooLarge: Refusal = {
  name: "RequestEntityTooLargeException",
  queryCode: "RequestEntityTooLarge",
  message: `A request body may have up to ${bodyLimit} bytes here.`,
  status: 413,
};

/** Reads the whole body as it was sent; undefined if it is larger than the limit. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > bodyLimit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Decompresses the body; undefined if it is larger than the limit.
 * @throws {Error} of zlib if the body is not valid gzip
 */
export async function unpacked({ headers, body }: WireRequest): Promise<Uint8Array | undefined> {
  if (headers["content-encoding"] !== "gzip") return body;
  try {
    return await promisify(gunzip)(body, { maxOutputLength: bodyLimit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw error;
  }
}
