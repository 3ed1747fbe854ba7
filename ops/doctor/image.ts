/** Checks that the serving image exists in the stack's region. */
import { BatchGetImageCommand, ECRClient } from "@aws-sdk/client-ecr";
import type { ImageIdentifier } from "@aws-sdk/client-ecr";
import { closing } from "../../lib/closing.ts";
import type { StackConfig } from "../../infra/config.ts";
import { publishedImage } from "../../infra/serving-image.ts";
import type { PublishedImage } from "../../infra/serving-image.ts";
import { deepLearningAccounts } from "../../lib/deep-learning-accounts.ts";
import type { AwsAccess } from "./aws-clients.ts";
import { findingsOf, isNamed } from "./finding.ts";
import type { Finding } from "./finding.ts";

const { ok, problem, unchecked } = findingsOf("image");

interface Image {
  readonly registryId: string;
  readonly region: string;
  readonly repositoryName: string;
  readonly id: ImageIdentifier;
}

/** The parts of an image's address, whose form the stack's config has checked. */
function parsedImage(address: string): Image | undefined {
  const parts = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[a-z.]+\/([^:@]+)(?::(.+)|@(.+))$/.exec(address);
  if (parts === null) return undefined;
  const [, registryId = "", region = "", repositoryName = "", imageTag, imageDigest] = parts;
  return { registryId, region, repositoryName, id: imageTag === undefined ? { imageDigest } : { imageTag } };
}

/** Returns the address of one of AWS's images in a region. */
function prebuiltImage({ repositoryName, imageTag }: PublishedImage, region: string): Image | undefined {
  const registryId = Object.hasOwn(deepLearningAccounts, region) ? deepLearningAccounts[region] : undefined;
  return registryId === undefined ? undefined : { registryId, region, repositoryName, id: { imageTag } };
}

/** Requests the image's manifest from its registry, which SageMaker pulls first. */
export async function checkImage(
  { image: chosen, instanceType }: Pick<StackConfig, "image" | "instanceType">,
  aws: AwsAccess,
): Promise<Finding> {
  const published = publishedImage(chosen, instanceType);
  const image = published === undefined ? parsedImage(chosen) : prebuiltImage(published, aws.region);
  if (image === undefined) {
    return problem(
      published === undefined ? `${chosen} is not in ECR` : `AWS has no registry of ready-made images in ${aws.region}`,
      `Set image to one in ECR in ${aws.region}, or set another aws:region.`,
    );
  }
  const { registryId, region, repositoryName, id } = image;
  const shown = `${repositoryName}${id.imageTag === undefined ? `@${id.imageDigest ?? ""}` : `:${id.imageTag}`} of registry ${registryId} in ${region}`;
  if (region !== aws.region) {
    return problem(
      `${shown}, but the stack is in ${aws.region}: SageMaker requires images of its region`,
      `Copy the image to ${aws.region}, and set image to its address there.`,
    );
  }
  using client = closing(new ECRClient(aws));
  try {
    const { images = [], failures = [] } = await client.send(
      new BatchGetImageCommand({ registryId, repositoryName, imageIds: [id] }),
    );
    if (images.length > 0) return ok(shown);
    return missing(shown, failures[0]?.failureReason);
  } catch (error) {
    if (isNamed(error, "RepositoryNotFoundException")) return missing(shown, "the repository does not exist");
    return unchecked(
      error,
      `Try docker pull, or grant yourself ecr:BatchGetImage on ${repositoryName} of ${registryId}.`,
    );
  }
}

function missing(shown: string, reason = "no reason given"): Finding {
  return problem(`${shown} does not exist: ${reason}`, "Set image to an existing one, or push it first.");
}
