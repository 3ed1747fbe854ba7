/** Calls the pages of the emulator's gateway below /_local/. */
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { UserError } from "../../lib/errors.ts";
import type { Ready } from "./emulator.ts";

/** Time limit for an answer, ms. */
const limit = 30_000;

/**
 * Posts a JSON document to a page as the administrator; returns the JSON document of the answer.
 * @throws UserError if the emulator refuses the request; the signal's reason after an abort
 */
export async function postPage(
  ready: Pick<Ready, "url" | "region" | "credentials">,
  path: string,
  content: object,
  signal: AbortSignal,
) {
  const url = new URL(path, ready.url);
  const body = JSON.stringify(content);
  const { region, credentials } = ready;
  const signer = new SignatureV4({ credentials, region, service: "iam", sha256: Sha256 });
  const headers = { host: url.host, "content-type": "application/json" };
  const signed = await signer.sign(new HttpRequest({ method: "POST", path: url.pathname, headers, body }));
  const answer = await fetch(url, {
    method: "POST",
    headers: signed.headers,
    body,
    signal: AbortSignal.any([signal, AbortSignal.timeout(limit)]),
  });
  const text = await answer.text();
  if (!answer.ok) throw new UserError(`The emulator answers ${answer.status}: ${text}`);
  return JSON.parse(text) as unknown;
}
