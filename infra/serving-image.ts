/** The images that serve the artifact, AWS's two and one's own, and what each server asks of the endpoint beside the artifact. */

/** What listens in an image: SageMaker's toolkit on TorchServe, or AWS's adapter on Ray Serve. */
export type Server = "torchserve" | "ray";

/** Repository and tag of an image in AWS's registries. */
export interface PublishedImage {
  readonly repositoryName: string;
  readonly imageTag: string;
}

/** TorchServe in AWS's PyTorch image, the newest tag that has it; the blog's serving stack. */
const torchServeImage: PublishedImage = {
  repositoryName: "pytorch-inference",
  imageTag: "2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker",
};

/** Ray Serve, the newest tags on 2026-11-22; they lie in the same registries (AWS Deep Learning Containers, "Region Availability"). */
const rayImages = {
  gpu: { repositoryName: "ray", imageTag: "serve-ml-sagemaker-cuda-v1.5" },
  cpu: { repositoryName: "ray", imageTag: "serve-ml-sagemaker-cpu-v1.5" },
} as const satisfies Record<string, PublishedImage>;

/**
 * What AWS's Ray image with CUDA 12.9 needs under it: the NVIDIA driver of SageMaker's own choice is too old for it (AWS Deep Learning
 * Containers, "Ray Serve Inference").
 */
const rayMachineImage = "al2-ami-sagemaker-inference-gpu-3-1";

/** An image in ECR, by tag or digest. */
export const imageAddress =
  /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[a-z0-9]+([._/-][a-z0-9]+)*(:[\w.-]+|@sha256:[0-9a-f]{64})$/;

/** An address that is valid, for messages. */
export const sampleAddress = `763104351884.dkr.ecr.us-east-1.amazonaws.com/${torchServeImage.repositoryName}:${torchServeImage.imageTag}`;

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
 * AWS's image of that name for an instance type; undefined for an address.
 * @param image `torchserve`, `ray`, or an address in ECR
 */
export function publishedImage(image: string, instanceType: string): PublishedImage | undefined {
  if (image === "torchserve") return torchServeImage;
  return image === "ray" ? rayImages[hasGpu(instanceType) ? "gpu" : "cpu"] : undefined;
}

/** The machine image that the instances need; undefined where SageMaker's own choice is right. */
export function machineImageOf(image: string, instanceType: string): string | undefined {
  return serverOf(image) === "ray" && hasGpu(instanceType) ? rayMachineImage : undefined;
}

/** Whether an instance type has NVIDIA GPUs: families G and P. */
function hasGpu(instanceType: string): boolean {
  return /^ml\.(g|gr|p)\d/.test(instanceType);
}
