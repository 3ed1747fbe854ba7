/** The key of an endpoint's volumes. */

import type { SageMakerDependencies } from "./dependencies.ts";

/**
 * Returns the ARN of a KMS key or of its alias, given by ID, alias or ARN, as CreateEndpointConfig takes it; undefined
 * without a key. The launcher resolves the ARN of an alias.
 */
export function volumeKeyArn(
  key: string | undefined,
  { region, accountId }: Pick<SageMakerDependencies, "region" | "accountId">,
): string | undefined {
  if (key === undefined || key.startsWith("arn:")) return key;
  return `arn:aws:kms:${region}:${accountId}:${key.startsWith("alias/") ? key : `key/${key}`}`;
}
