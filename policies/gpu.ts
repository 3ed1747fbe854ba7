/** Policies on the GPU of an endpoint: there is one, the driver supports the image, and the container does not run without it. */
import { EndpointConfiguration } from "@pulumi/aws/sagemaker/endpointConfiguration.js";
import { validateResourceOfType } from "@pulumi/policy";
import { endpointModels, productionTypes, typesOf } from "./endpoint.ts";
import { containersOf } from "./image.ts";
import { resourcePolicy, stackPolicy } from "./policy.ts";
import { evaluateEach } from "./unknown.ts";

/** The families with NVIDIA GPUs among the instance types that CreateEndpointConfig supports (AWS API reference, ProductionVariant). */
const gpuFamilies = ["g4dn", "g5", "g6", "g6e", "gr6", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200"];

/** Detection on a CPU takes many times longer per video, and the serving image is built for CUDA. */
export const gpuInstanceType = resourcePolicy({
  name: "gpu-instance-type",
  description:
    "A SageMaker endpoint must run on instances with a GPU. On a CPU the model takes many times longer and costs more per video.",
  config: {
    families: {
      type: "array",
      items: { type: "string" },
      minItems: 1,
      default: gpuFamilies,
      description: "Instance families with a GPU, as written in ml.FAMILY.SIZE.",
    },
  },
  validate: validateResourceOfType(EndpointConfiguration, (configuration, args, reportViolation) => {
    const { families } = args.getConfig<{ families: string[] }>();
    for (const { instanceType, at } of productionTypes(configuration)) {
      if (!families.includes(familyOf(instanceType))) {
        reportViolation(
          `The endpoint configuration '${args.name}' runs its variant on ${instanceType}, whose family is not in the list of GPU families. ` +
            `Set ${at} (the stack's setting instanceType) to a type of one of these families: ${families.join(", ")} ` +
            `(for example ml.${families[0] ?? "g4dn"}.xlarge).`,
        );
      }
    }
  }),
});

/** Returns the family of `ml.FAMILY.SIZE`. */
function familyOf(instanceType: string): string {
  return instanceType.split(".")[1] ?? "";
}

/** Checks if an instance type has NVIDIA GPUs: families G and P, including families newer than the pack. */
function hasGpu({ instanceType }: { readonly instanceType: string }): boolean {
  return /^ml\.(g|gr|p)\d/.test(instanceType);
}

/** Advisory: for an image with an older CUDA, or on newer families, SageMaker's default is right. */
export const inferenceAmi = resourcePolicy({
  name: "inference-ami",
  description:
    "A variant on GPU instances should set its machine image. SageMaker's default driver on g4dn, g5 and p4d is 470 with CUDA 11.4, too old for images with CUDA 12.",
  enforcementLevel: "advisory",
  validate: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
    for (const [index, variant] of configuration.productionVariants.entries()) {
      const at = `productionVariants[${index}]`;
      if (variant.inferenceAmiVersion || !typesOf(variant, at).some(hasGpu)) continue;
      reportViolation(
        `The endpoint configuration '${name}' leaves the NVIDIA driver to SageMaker. ` +
          `Set ${at}.inferenceAmiVersion to a machine image whose driver supports the serving image's CUDA (the stack's setting inferenceAmi).`,
      );
    }
  }),
});

/** Without it, an endpoint with an unsuitable driver returns the same results many times slower, and every test passes. */
export const gpuRequired = stackPolicy({
  name: "gpu-required",
  description:
    "A container on GPU instances must fail if CUDA cannot use a GPU. A silent fallback to the CPU is many times slower at the GPU's price.",
  config: {
    variable: {
      type: "string",
      minLength: 1,
      // The handler's variable (`model/video_inference/settings.py`).
      default: "REQUIRE_GPU",
      description: "Variable of the container's environment that must be 1.",
    },
  },
  validate: (args, reportViolation) => {
    const { variable } = args.getConfig<{ variable: string }>();
    const { configurations, models } = endpointModels(args.resources);
    evaluateEach(configurations, reportViolation, (configuration) => {
      const model = models.of(configuration);
      if (model === undefined) return;
      const gpu = productionTypes(configuration.props).find(hasGpu);
      if (gpu === undefined) return;
      for (const { container, at } of containersOf(model.props)) {
        if (container.environment?.[variable] === "1") continue;
        reportViolation(
          `The model '${model.name}' may run on the CPU of ${gpu.instanceType}, which is billed with its GPU. ` +
            `Set ${at}.environment.${variable} to "1" (the stack's setting requireGpu).`,
          model.urn,
        );
      }
    });
  },
});
