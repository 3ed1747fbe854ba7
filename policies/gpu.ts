/** Policies about the GPU that an endpoint pays for: the driver fits, and the container does not work without it. */
import { EndpointConfiguration, type EndpointConfigurationArgs } from "@pulumi/aws/sagemaker/endpointConfiguration.js";
import type { ModelArgs } from "@pulumi/aws/sagemaker/model.js";
import { type ResourceValidationPolicy, type StackValidationPolicy, validateResourceOfType } from "@pulumi/policy";
import { typesOf } from "./endpoint.ts";
import { ofType, References } from "./resources.ts";
import { judgeEach } from "./unknown.ts";

/** Whether an instance type has NVIDIA GPUs: families G and P, also those that are newer than the pack. */
function hasGpu({ instanceType }: { readonly instanceType: string }): boolean {
  return /^ml\.(g|gr|p)\d/.test(instanceType);
}

/** An advisory: for an image with an older CUDA, or on newer families, SageMaker's own choice is right. */
export const inferenceAmi: ResourceValidationPolicy = {
  name: "inference-ami",
  description:
    "A variant on GPU instances names its machine image: SageMaker's default driver on g4dn, g5 and p4d is 470 with CUDA 11.4, too old for images with CUDA 12.",
  enforcementLevel: "advisory",
  validateResource: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
    for (const [index, variant] of configuration.productionVariants.entries()) {
      const at = `productionVariants[${index}]`;
      if (variant.inferenceAmiVersion || !typesOf(variant, at).some(hasGpu)) continue;
      reportViolation(
        `The endpoint configuration '${name}' leaves the NVIDIA driver to SageMaker. ` +
          `Set ${at}.inferenceAmiVersion to a machine image whose driver fits the serving image's CUDA (the stack's setting inferenceAmi).`,
      );
    }
  }),
};

/** The handler's own variable (`model/video_inference/settings.py`). */
const defaultVariable = "REQUIRE_GPU";

/** Without it an endpoint whose driver does not fit gives the same answers, many times slower, and every test passes. */
export const gpuRequired: StackValidationPolicy = {
  name: "gpu-required",
  description:
    "A container on GPU instances is told to fail if CUDA cannot use a GPU: a silent fallback to the CPU is many times slower at the GPU's price.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      variable: {
        type: "string",
        minLength: 1,
        default: defaultVariable,
        description: "The variable of the container's environment that must be 1.",
      },
    },
  },
  validateStack: (args, reportViolation) => {
    const { variable = defaultVariable } = args.getConfig<{ variable?: string }>();
    const { resources } = args;
    const configurations = ofType<EndpointConfigurationArgs>(
      resources,
      "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
    );
    const models = new References({
      from: configurations,
      property: "productionVariants",
      values: ({ props }) => props.productionVariants.map(({ modelName }) => modelName),
      to: ofType<ModelArgs>(resources, "aws:sagemaker/model:Model"),
      names: [({ props }) => props.name],
    });
    judgeEach(configurations, reportViolation, (configuration) => {
      const model = models.of(configuration);
      if (model === undefined) return;
      const types = configuration.props.productionVariants.flatMap((variant, index) =>
        typesOf(variant, `productionVariants[${index}]`),
      );
      const gpu = types.find(hasGpu);
      if (gpu === undefined) return;
      const { primaryContainer, containers = [] } = model.props;
      const environments = [
        ...(primaryContainer === undefined ? [] : [{ ...primaryContainer, at: "primaryContainer" }]),
        ...containers.map((container, index) => ({ ...container, at: `containers[${index}]` })),
      ];
      for (const { environment, at } of environments) {
        if (environment?.[variable] === "1") continue;
        reportViolation(
          `The model '${model.name}' may work on the CPU of ${gpu.instanceType}, which is paid for its GPU. ` +
            `Set ${at}.environment.${variable} to "1" (the stack's setting requireGpu).`,
          model.urn,
        );
      }
    });
  },
};
