/**
 * The only call that needs no signature: AssumeRoleWithWebIdentity, whose credentials are the token in its body. Source:
 * AWS STS API Reference. The launcher checks the token (emulator/iam/web_identity.py).
 */

import type { ReceivedRequest } from "./signature.ts";

/** Tells whether a request has no signature and a form, as the query protocol sends it. */
export function isUnsignedForm({ method, target, headers }: ReceivedRequest): boolean {
  const type = headers["content-type"] ?? "";
  return (
    method === "POST" &&
    target === "/" &&
    headers.authorization === undefined &&
    type.startsWith("application/x-www-form-urlencoded")
  );
}

/** Tells whether the form calls AssumeRoleWithWebIdentity. */
export function isWebIdentityCall(body: Uint8Array): boolean {
  const actions = new URLSearchParams(Buffer.from(body).toString()).getAll("Action");
  return actions.length === 1 && actions[0] === "AssumeRoleWithWebIdentity";
}
