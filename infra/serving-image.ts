/** The serving images: AWS's two and custom ones, and the requirements of each server on the endpoint. */

/** The server in an image: SageMaker's toolkit on TorchServe, or AWS's adapter on Ray Serve. */
export type Server = "torchserve" | "ray";

/** Repository and tag of an image in AWS's registries. */
export interface PublishedImage {
  readonly repositoryName: string;
  readonly imageTag: string;
}

/** TorchServe in AWS's PyTorch image, the newest tag that contains it; the blog's serving stack. */
const torchServeImage: PublishedImage = {
  repositoryName: "pytorch-inference",
  imageTag: "2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker",
};

/** Ray Serve, the newest tags on 2026-11-22; they are in the same registries (AWS Deep Learning Containers, "Region Availability"). */
const rayImages = {
  gpu: { repositoryName: "ray", imageTag: "serve-ml-sagemaker-cuda-v1.5" },
  cpu: { repositoryName: "ray", imageTag: "serve-ml-sagemaker-cpu-v1.5" },
} as const satisfies Record<string, PublishedImage>;

/** The machine images that SageMaker offers for inference (API reference, ProductionVariant, InferenceAmiVersion). */
export const machineImages = [
  "al2-ami-sagemaker-inference-gpu-2",
  "al2-ami-sagemaker-inference-gpu-2-1",
  "al2-ami-sagemaker-inference-gpu-3-1",
  "al2-ami-sagemaker-inference-neuron-2",
  "al2023-ami-sagemaker-inference-gpu-4-1",
] as const;

/** Name of one of {@link machineImages}. */
export type MachineImage = (typeof machineImages)[number];

/** NVIDIA driver 550, CUDA 12.4: for images with CUDA 12. */
const cuda12: MachineImage = "al2-ami-sagemaker-inference-gpu-3-1";
/** NVIDIA driver 580, CUDA 13.0: for images with CUDA 13; AWS's own image with CUDA 12.9 does not start on it (aws/deep-learning-containers, 6187). */
const cuda13: MachineImage = "al2023-ami-sagemaker-inference-gpu-4-1";

/** An image in ECR, by tag or digest. */
export const imageAddress =
  /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[a-z0-9]+([._/-][a-z0-9]+)*(:[\w.-]+|@sha256:[0-9a-f]{64})$/;

/** Example of a valid address, for messages. */
export const sampleAddress = `763104351884.dkr.ecr.us-east-1.amazonaws.com/${torchServeImage.repositoryName}:${torchServeImage.imageTag}`;

/**
 * Returns the server in an image. For an address, this is Ray Serve if the last part of the repository's name is `ray`, as in AWS's registry and
 * its mirrors, otherwise TorchServe.
 * @param image `torchserve`, `ray`, or an address in ECR
 */
export function serverOf(image: string): Server {
  if (image === "ray") return "ray";
  return /\/ray[:@]/.test(image) ? "ray" : "torchserve";
}

/**
 * Returns AWS's image of that name for an instance type; undefined for an address.
 * @param image `torchserve`, `ray`, or an address in ECR
 */
export function publishedImage(image: string, instanceType: string): PublishedImage | undefined {
  if (image === "torchserve") return torchServeImage;
  return image === "ray" ? rayImages[hasGpu(instanceType) ? "gpu" : "cpu"] : undefined;
}

/** Checks that a machine image supports an instance type's accelerators. */
export function fits(machineImage: MachineImage, instanceType: string): boolean {
  return machineImage.includes("-neuron-") ? /^ml\.(inf|trn)\d/.test(instanceType) : hasGpu(instanceType);
}

/** Matches tags of AWS's Ray images with CUDA 12.9, in AWS's registry or a mirror. */
const rayTagWithCuda12 = /\/ray:serve-ml-sagemaker-cuda-v1\b/;

/**
 * Returns the machine image whose NVIDIA driver supports a serving image's CUDA. SageMaker's default for asynchronous endpoints on g4dn and g5 is
 * driver 470 with CUDA 11.4, too old for CUDA 12 (developer guide, "Best practices to minimize interruptions during GPU driver upgrades").
 * @param image `torchserve`, `ray`, or an address in ECR, whose tag contains its CUDA version: cu124, cu130
 * @returns undefined, which leaves the choice to SageMaker, without a GPU and if the tag does not contain CUDA 12 or 13
 */
export function machineImageOf(image: string, instanceType: string): MachineImage | undefined {
  if (!hasGpu(instanceType)) return undefined;
  if (publishedImage(image, instanceType) !== undefined || rayTagWithCuda12.test(image)) return cuda12;
  const [, major] = /:[^@/]*\bcu(12|13)\d*\b/.exec(image.replaceAll("_", "-")) ?? [];
  if (major === undefined) return undefined;
  return major === "12" ? cuda12 : cuda13;
}

/** Checks that an instance type has NVIDIA GPUs: families G and P. */
export function hasGpu(instanceType: string): boolean {
  return /^ml\.(g|gr|p)\d/.test(instanceType);
}
