/** The images that serve the artifact, AWS's two and one's own, and what each server asks of the endpoint beside the artifact. */
import * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import type * as pulumi from "@pulumi/pulumi";

/** What listens in an image: SageMaker's toolkit on TorchServe, or AWS's adapter on Ray Serve. */
export type Server = "torchserve" | "ray";

/** AWS's names for its images with them; the accounts that they lie in are the same ones. */
const repositories = { torchserve: "pytorch-inference", ray: "ray" } as const satisfies Record<Server, string>;

/** The newest tags on 2026-11-22; no later PyTorch image has TorchServe. */
const tags = {
  torchserve: "2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker",
  rayOnGpu: "serve-ml-sagemaker-cuda-v1.5",
  rayOnCpu: "serve-ml-sagemaker-cpu-v1.5",
} as const;

/**
 * What AWS's Ray image with CUDA 12.9 needs under it: the NVIDIA driver of SageMaker's own choice is too old for it (AWS Deep Learning
 * Containers, "Ray Serve Inference").
 */
const rayMachineImage = "al2-ami-sagemaker-inference-gpu-3-1";

/** An image in ECR, by tag or digest. */
export const imageAddress =
  /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[a-z0-9]+([._/-][a-z0-9]+)*(:[\w.-]+|@sha256:[0-9a-f]{64})$/;

/** An address that is valid, for messages. */
export const sampleAddress = `763104351884.dkr.ecr.us-east-1.amazonaws.com/${repositories.torchserve}:${tags.torchserve}`;

/**
 * The server in an image: of an address, Ray Serve where the repository's own name is `ray`, as AWS's is, however it is mirrored,
 * else TorchServe.
 * @param image `torchserve`, `ray`, or an address in ECR
 */
export function serverOf(image: string): Server {
  if (image === "ray") return "ray";
  return /\/ray[:@]/.test(image) ? "ray" : "torchserve";
}

/**
 * The image's address in ECR, in the registry of the stack's region for AWS's own.
 * @param image `torchserve`, `ray`, or an address in ECR
 */
export function addressOf(image: string, instanceType: string, parent: pulumi.Resource): pulumi.Input<string> {
  if (image !== "torchserve" && image !== "ray") return image;
  const { registryPath } = sagemaker.getPrebuiltEcrImageOutput(
    { repositoryName: repositories.torchserve, imageTag: tags.torchserve },
    { parent },
  );
  if (image === "torchserve") return registryPath;
  // The provider does not know the repository `ray`, but the registry it is in.
  const tag = hasGpu(instanceType) ? tags.rayOnGpu : tags.rayOnCpu;
  return registryPath.apply((address) => `${address.slice(0, address.indexOf("/"))}/${repositories.ray}:${tag}`);
}

/** The machine image that the instances need; undefined where SageMaker's own choice is right. */
export function machineImageOf(image: string, instanceType: string): string | undefined {
  return serverOf(image) === "ray" && hasGpu(instanceType) ? rayMachineImage : undefined;
}

/** Whether an instance type has NVIDIA GPUs: families G and P. */
function hasGpu(instanceType: string): boolean {
  return /^ml\.(g|gr|p)\d/.test(instanceType);
}
