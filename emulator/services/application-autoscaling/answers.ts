/** Pages and refusals that the calls of Application Auto Scaling share. */

import { AwsError, validationException } from "../../wire/service.ts";
import { pager } from "../page.ts";
import type { Page } from "../page.ts";
import type { ResourceKey } from "./resource.ts";

/** Default and maximum page size (API reference, MaxResults). */
const pageSize = 50;

const pageOf = pager("InvalidNextTokenException", "Invalid next token");

/**
 * Returns one page of a list.
 * @throws {AwsError} for an invalid size or token
 */
export function paged<Item>(items: readonly Item[], maxResults = pageSize, token: string | undefined): Page<Item> {
  if (maxResults < 1) throw validationException("MaxResults must be greater than or equal to 1");
  return pageOf(items, Math.min(maxResults, pageSize), token);
}

/** Returns the refusal of a call about something that does not exist. */
export function notFound(
  what: string,
  { ServiceNamespace, ResourceId, ScalableDimension }: ResourceKey,
  more = "",
): AwsError {
  const key = `service namespace: ${String(ServiceNamespace)}, resource ID: ${String(ResourceId)}, scalable dimension: ${String(ScalableDimension)}`;
  return new AwsError("ObjectNotFoundException", `${what} for ${key}${more}`);
}
