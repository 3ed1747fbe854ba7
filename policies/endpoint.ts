/** Policies about what an endpoint runs on. */
import { EndpointConfiguration } from "@pulumi/aws/sagemaker/endpointConfiguration.js";
import { type ResourceValidationPolicy, validateResourceOfType } from "@pulumi/policy";

/** The families with NVIDIA GPUs among the instance types that CreateEndpointConfig takes (AWS API reference, ProductionVariant). */
const gpuFamilies = ["g4dn", "g5", "g6", "g6e", "gr6", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200"];

/** Detection on a CPU takes many times longer per video, and the serving image is built for CUDA. */
export const gpuInstanceType: ResourceValidationPolicy = {
  name: "gpu-instance-type",
  description:
    "A SageMaker endpoint runs on instances with a GPU: the model on a CPU takes many times longer, and costs more per video.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      families: {
        type: "array",
        items: { type: "string" },
        minItems: 1,
        default: gpuFamilies,
        description: "Instance families that have a GPU, as they stand in ml.FAMILY.SIZE.",
      },
    },
  },
  validateResource: validateResourceOfType(EndpointConfiguration, (configuration, args, reportViolation) => {
    const { families = gpuFamilies } = args.getConfig<{ families?: string[] }>();
    for (const [index, { instanceType }] of configuration.productionVariants.entries()) {
      if (instanceType !== undefined && !families.includes(familyOf(instanceType))) {
        reportViolation(
          `The endpoint configuration '${args.name}' runs its variant on ${instanceType}, which has no GPU that this pack knows. ` +
            `Set productionVariants[${index}].instanceType to a type of one of these families: ${families.join(", ")} ` +
            `(for example ml.${families[0] ?? "g4dn"}.xlarge).`,
        );
      }
    }
  }),
};

/** The family of `ml.FAMILY.SIZE`. */
function familyOf(instanceType: string): string {
  return instanceType.split(".")[1] ?? "";
}
