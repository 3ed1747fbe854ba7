/** `aws.sagemaker.getPrebuiltEcrImage`: addresses of SageMaker's prebuilt images. */
import { z } from "zod";
import { ProviderError } from "./errors.ts";
import { partitionOf } from "./partitions.ts";

/** The function's arguments. */
export const prebuiltImageArgs = z.strictObject({
  repositoryName: z.string(),
  dnsSuffix: z.string().optional(),
  imageTag: z.string().optional(),
  region: z.string().optional(),
});

/** AWS's account of its deep learning containers in most regions. */
const commonAccount = "763104351884";
const commonRegions = [
  "ap-northeast-1",
  "ap-northeast-2",
  "ap-south-1",
  "ap-southeast-1",
  "ap-southeast-2",
  "ca-central-1",
  "eu-central-1",
  "eu-north-1",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "sa-east-1",
  "us-east-1",
  "us-east-2",
  "us-west-1",
  "us-west-2",
];

/** Accounts by region, from the official provider's table. */
const deepLearning: Readonly<Record<string, string>> = {
  ...Object.fromEntries(commonRegions.map((region) => [region, commonAccount])),
  "af-south-1": "626614931356",
  "ap-east-1": "871362719292",
  "ap-northeast-3": "364406365360",
  "ap-south-2": "772153158452",
  "ap-southeast-3": "907027046896",
  "ap-southeast-4": "457447274322",
  "ca-west-1": "204538143572",
  "cn-north-1": "727897471807",
  "cn-northwest-1": "727897471807",
  "eu-central-2": "380420809688",
  "eu-south-1": "692866216735",
  "eu-south-2": "503227376785",
  "il-central-1": "780543022126",
  "me-central-1": "914824155844",
  "me-south-1": "217643126080",
  "us-gov-east-1": "446045086412",
  "us-gov-west-1": "442386744353",
};

/** Repositories for which this table is verified. */
const accounts: Readonly<Record<string, Readonly<Record<string, string>>>> = { "pytorch-inference": deepLearning };

/** Returns the image's account and path. Throws ProviderError for an unknown repository or region. */
export function prebuiltImage(args: z.infer<typeof prebuiltImageArgs>, providerRegion: string): object {
  const { repositoryName, imageTag, region = providerRegion } = args;
  const byRegion = accounts[repositoryName];
  if (byRegion === undefined) {
    throw new ProviderError(
      `The emulator's provider knows no accounts of the repository ${repositoryName}: use ${Object.keys(accounts).join(", ")}, or pass the image's address`,
    );
  }
  const registryId = byRegion[region];
  if (registryId === undefined) {
    throw new ProviderError(`no registry ID available for region (${region}) and repository (${repositoryName})`);
  }
  // As with the official provider, the suffix is that of the provider's partition, for any requested region.
  const suffix = args.dnsSuffix ?? partitionOf(providerRegion).dnsSuffix;
  return {
    ...args,
    region,
    id: registryId,
    registryId,
    registryPath: `${registryId}.dkr.ecr.${region}.${suffix}/${repositoryName}:${imageTag ?? "1"}`,
    imageTag: imageTag ?? "1",
  };
}
