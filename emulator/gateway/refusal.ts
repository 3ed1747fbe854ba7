/** Refusals with AWS's messages, in each client's format. */

import type { IncomingMessage } from "node:http";
import { SignatureError } from "./signature-error.ts";
import type { RefusalKind } from "./signature-error.ts";
import type { Refusal, WireResponse } from "../wire/protocol.ts";
import { xml } from "../wire/xml.ts";

/** Codes of one kind of refusal: of the JSON and REST protocols, of the query protocol, and of S3. */
const codes: Readonly<Record<RefusalKind, readonly [name: string, queryCode: string, s3Code: string]>> = {
  missing: ["MissingAuthenticationTokenException", "MissingAuthenticationToken", "AccessDenied"],
  malformed: ["IncompleteSignatureException", "IncompleteSignature", "AuthorizationHeaderMalformed"],
  "unknown-key": ["UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"],
  mismatch: ["InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"],
  skewed: ["InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"],
  expired: ["ExpiredTokenException", "RequestExpired", "AccessDenied"],
  "expired-token": ["ExpiredTokenException", "ExpiredToken", "ExpiredToken"],
};

/**
 * Makes the refusal of a request that is not authentic. Sources: SageMaker API reference, "Common Errors"; S3 API
 * reference, "Error responses".
 * @throws the error itself if it is not a SignatureError
 */
export function signatureRefusal(error: unknown): Refusal & { readonly s3Code: string } {
  if (!(error instanceof SignatureError)) throw error;
  const [name, queryCode, s3Code] = codes[error.kind];
  return { name, queryCode, s3Code, message: error.message, status: error.kind === "malformed" ? 400 : 403 };
}

/** Formats a refusal for a client whose service is unknown: XML for the query protocol and S3, JSON for the others. */
export function refuse(
  request: IncomingMessage,
  refusal: Refusal & { readonly s3Code?: string | undefined },
): WireResponse {
  const { name, queryCode, s3Code, message, status } = refusal;
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith("application/x-www-form-urlencoded")) {
    const body = xml({ ErrorResponse: { Error: { Type: "Sender", Code: queryCode, Message: message } } });
    return { status, headers: { "content-type": "text/xml" }, body };
  }
  if (s3Code !== undefined && request.headers["x-amz-target"] === undefined) {
    const body = `<?xml version="1.0" encoding="UTF-8"?>${xml({ Error: { Code: s3Code, Message: message } })}`;
    return { status, headers: { "content-type": "application/xml" }, body };
  }
  return {
    status,
    headers: { "content-type": "application/json", "x-amzn-errortype": name },
    body: JSON.stringify({ __type: name, message }),
  };
}
