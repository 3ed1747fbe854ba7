/** `aws.sagemaker.getPrebuiltEcrImage`: addresses of SageMaker's prebuilt images. */
import { z } from "zod";
import { deepLearningAccounts } from "../../lib/deep-learning-accounts.ts";
import { ProviderError } from "./errors.ts";
import { partitionOf } from "./partitions.ts";

const repository = "pytorch-inference";

/** The function's arguments. */
export const prebuiltImageArgs = z.strictObject({
  repositoryName: z.string(),
  imageTag: z.string().optional(),
  region: z.string().optional(),
});

/**
 * Returns the image's account and path.
 * @throws {ProviderError} for an unknown repository or region
 */
export function prebuiltImage(args: z.infer<typeof prebuiltImageArgs>, providerRegion: string): object {
  const { repositoryName, imageTag = "1", region = providerRegion } = args;
  if (repositoryName !== repository) {
    throw new ProviderError(
      `The emulator's provider does not know the account of the repository ${repositoryName}: use ${repository}, or pass the image's address`,
    );
  }
  const registryId = deepLearningAccounts[region];
  if (registryId === undefined) {
    throw new ProviderError(`no registry ID available for region (${region}) and repository (${repositoryName})`);
  }
  // As with the official provider, the suffix is that of the provider's partition, for any requested region.
  const host = `${registryId}.dkr.ecr.${region}.${partitionOf(providerRegion).dnsSuffix}`;
  return {
    ...args,
    region,
    imageTag,
    id: registryId,
    registryId,
    registryPath: `${host}/${repositoryName}:${imageTag}`,
  };
}
