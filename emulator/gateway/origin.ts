/** Refuses requests from web pages: checks Origin, Sec-Fetch-Site and Host before anything else is read. */

import type { IncomingHttpHeaders } from "node:http";

/** Bucket names. Source: S3 User Guide, "General purpose bucket naming rules". */
export const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Names by which a client may reach the gateway, and the bucket if the name has one. */
export interface Addressed {
  /** The bucket of S3's virtual-hosted form (BUCKET.localhost, BUCKET.s3.localhost); undefined for a plain loopback name. */
  readonly bucket: string | undefined;
}

/** A request comes from a web page, or was sent to another host. */
export class ForeignRequestError extends Error {
  override readonly name = "ForeignRequestError";
}

/** Tells whether a web page makes the request. A page cannot change the headers by which a browser identifies it. */
export function isFromPage(headers: IncomingHttpHeaders): boolean {
  const site = headers["sec-fetch-site"];
  return headers.origin !== undefined || (site !== undefined && site !== "none" && site !== "same-origin");
}

/**
 * Checks that the request was sent to a loopback name: a foreign name that resolves to this machine is refused (DNS
 * rebinding).
 * @param port the gateway's
 * @throws ForeignRequestError
 */
export function checkHost({ host = "" }: IncomingHttpHeaders, port: number): Addressed {
  if (host === `127.0.0.1:${port}` || host === `localhost:${port}`) return { bucket: undefined };
  const [, bucket] = new RegExp(`^(.+?)(?:\\.s3)?\\.localhost:${port}$`).exec(host) ?? [];
  if (bucket !== undefined && bucketPattern.test(bucket)) return { bucket };
  throw new ForeignRequestError(
    `The emulator is not at ${host === "" ? "an unnamed host" : host}. Use http://127.0.0.1:${port}.`,
  );
}
