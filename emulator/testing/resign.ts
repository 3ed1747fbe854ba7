/** Signs a request of an SDK again for another host: for proxies between an SDK and the emulator. */

import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Credentials } from "../gateway/credentials.ts";
import { computeSignature, readSignature } from "../gateway/signature.ts";

/**
 * Returns the headers of the request for another host, with a signature for that host.
 * @param url the host's, without path
 */
export async function resigned(
  request: {
    readonly method: string;
    readonly target: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: Buffer;
  },
  url: string,
  credentials: Credentials,
): Promise<IncomingHttpHeaders> {
  const { method, target, body } = request;
  const headers: IncomingHttpHeaders = { ...request.headers, host: new URL(url).host };
  const signature = readSignature(request);
  const claimed = headers["x-amz-content-sha256"];
  const hash = typeof claimed === "string" ? claimed : createHash("sha256").update(body).digest("hex");
  const value = await computeSignature(credentials, { method, target, headers }, signature, hash);
  return { ...headers, authorization: headers.authorization?.replace(signature.value, value) };
}
