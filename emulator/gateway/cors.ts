/**
 * Answers web pages according to a bucket's CORS configuration; the emulator refuses all other pages. Source: S3 User
 * Guide, "Using cross-origin resource sharing (CORS)" and "Elements of a CORS configuration".
 */

import type { IncomingHttpHeaders } from "node:http";

/** One rule of a bucket's CORS configuration. */
export interface CorsRule {
  readonly AllowedOrigins?: readonly string[] | undefined;
  readonly AllowedMethods?: readonly string[] | undefined;
  readonly AllowedHeaders?: readonly string[] | undefined;
  readonly ExposeHeaders?: readonly string[] | undefined;
  /** Seconds for which a browser may cache the answer to a preflight. */
  readonly MaxAgeSeconds?: number | undefined;
}

/**
 * Returns the headers of the answer, from the first rule that allows the request or the preflight; undefined if none
 * does.
 */
export function corsHeaders(
  rules: readonly CorsRule[],
  method: string,
  headers: IncomingHttpHeaders,
): Record<string, string> | undefined {
  const { origin } = headers;
  if (origin === undefined) return undefined;
  const wanted = method === "OPTIONS" ? headers["access-control-request-method"] : method;
  const asked = (headers["access-control-request-headers"] ?? "").split(",").map((name) => name.trim().toLowerCase());
  const requested = asked.filter((name) => name !== "");
  for (const rule of rules) {
    const allowed = rule.AllowedOrigins?.find((pattern) => matches(pattern, origin));
    if (allowed === undefined || wanted === undefined || rule.AllowedMethods?.includes(wanted) !== true) continue;
    const isAllowed = (name: string) => rule.AllowedHeaders?.some((one) => matches(one.toLowerCase(), name)) === true;
    if (!requested.every(isAllowed)) continue;
    return {
      "access-control-allow-origin": allowed === "*" ? "*" : origin,
      "access-control-allow-methods": rule.AllowedMethods.join(", "),
      ...(requested.length === 0 ? {} : { "access-control-allow-headers": requested.join(", ") }),
      ...(rule.ExposeHeaders === undefined ? {} : { "access-control-expose-headers": rule.ExposeHeaders.join(", ") }),
      ...(rule.MaxAgeSeconds === undefined ? {} : { "access-control-max-age": String(rule.MaxAgeSeconds) }),
      ...(allowed === "*" ? {} : { "access-control-allow-credentials": "true" }),
      vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    };
  }
  return undefined;
}

/** Tells whether a pattern with one wildcard `*` or none matches the text. */
function matches(pattern: string, text: string): boolean {
  const [start = "", end] = pattern.split("*", 2);
  if (end === undefined) return pattern === text;
  return text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end);
}
