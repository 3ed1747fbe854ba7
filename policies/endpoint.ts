/** Policies about what an endpoint runs on and how it takes requests. */
import { EndpointConfiguration } from "@pulumi/aws/sagemaker/endpointConfiguration.js";
import {
  type ReportViolation,
  type ResourceValidationArgs,
  type ResourceValidationPolicy,
  validateResourceOfType,
} from "@pulumi/policy";
import { validateTypes } from "./resources.ts";

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
    const types = configuration.productionVariants.flatMap((variant, index) =>
      typesOf(variant, `productionVariants[${index}]`),
    );
    for (const { instanceType, at } of types) {
      if (!families.includes(familyOf(instanceType))) {
        reportViolation(
          `The endpoint configuration '${args.name}' runs its variant on ${instanceType}, which has no GPU that this pack knows. ` +
            `Set ${at} (the stack's setting instanceType) to a type of one of these families: ${families.join(", ")} ` +
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

/** A variant, with the pools that AWS's API has and the provider's types do not yet. */
export interface Variant {
  readonly instanceType?: string | undefined;
  readonly instancePools?: readonly { readonly instanceType: string }[] | undefined;
}

/** The instance types that a variant runs on, and where each is set: on the variant itself, which is `at`, or in a pool of it. */
export function typesOf(
  { instanceType, instancePools = [] }: Variant,
  at: string,
): { readonly instanceType: string; readonly at: string }[] {
  return [
    ...(instanceType === undefined ? [] : [{ instanceType, at: `${at}.instanceType` }]),
    ...instancePools.map((pool, index) => ({
      instanceType: pool.instanceType,
      at: `${at}.instancePools[${index}].instanceType`,
    })),
  ];
}

/** A real-time endpoint keeps an instance, or refuses requests while it has none: only a queue can wait for one. */
export const asynchronousOnly: ResourceValidationPolicy = {
  name: "asynchronous-only",
  description:
    "A SageMaker endpoint is asynchronous: a real-time one has no queue that could wake it, so it would be billed while idle.",
  enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
    if (configuration.asyncInferenceConfig === undefined) {
      reportViolation(
        `The endpoint configuration '${name}' is of a real-time endpoint. ` +
          `Set its asyncInferenceConfig, with outputConfig.s3OutputPath.`,
      );
    }
  }),
};

/** A caller who is not told has to poll, and nobody hears of failures. */
export const completionTopics: ResourceValidationPolicy = {
  name: "completion-topics",
  description: "An asynchronous endpoint says that a request is done, and that one has failed, each on a topic.",
  enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
    const output = configuration.asyncInferenceConfig?.outputConfig;
    if (output === undefined) return;
    for (const topic of ["successTopic", "errorTopic"] as const) {
      if (!output.notificationConfig?.[topic]) {
        reportViolation(
          `The endpoint configuration '${name}' has no ${topic}. ` +
            `Set asyncInferenceConfig.outputConfig.notificationConfig.${topic} to the ARN of an SNS topic.`,
        );
      }
    }
  }),
};

/** Without it SageMaker keeps what a failed request said to itself. */
export const failurePath: ResourceValidationPolicy = {
  name: "failure-path",
  description: "An asynchronous endpoint writes down why a request failed: without a failure path that is lost.",
  enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
    const output = configuration.asyncInferenceConfig?.outputConfig;
    if (output !== undefined && !output.s3FailurePath) {
      reportViolation(
        `The endpoint configuration '${name}' has no place for failures. ` +
          `Set asyncInferenceConfig.outputConfig.s3FailurePath to an s3:// prefix.`,
      );
    }
  }),
};

const mostInvocations = 4;

/** Each invocation has its video, its frames and its result in memory at once. */
export const concurrencyLimit: ResourceValidationPolicy = {
  name: "concurrency-limit",
  description:
    "The number of invocations at a time on an instance is chosen, and small: what SageMaker chooses by itself can be more than the GPU's memory holds.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      limit: {
        type: "integer",
        minimum: 1,
        maximum: 1000,
        default: mostInvocations,
        description: "The most invocations at a time on an instance.",
      },
    },
  },
  validateResource: validateResourceOfType(EndpointConfiguration, (configuration, args, reportViolation) => {
    const { limit = mostInvocations } = args.getConfig<{ limit?: number }>();
    if (configuration.asyncInferenceConfig === undefined) return;
    const concurrency = configuration.asyncInferenceConfig.clientConfig?.maxConcurrentInvocationsPerInstance;
    if (concurrency === undefined || concurrency > limit) {
      reportViolation(
        `The endpoint configuration '${args.name}' ${concurrency === undefined ? "leaves the number of invocations at a time to SageMaker" : `takes ${concurrency} invocations at a time`}. ` +
          `Set asyncInferenceConfig.clientConfig.maxConcurrentInvocationsPerInstance (the stack's setting maxConcurrency) to at most ${limit}.`,
      );
    }
  }),
};

/** SageMaker refuses others, but only when the endpoint is created. */
export const singleVariant: ResourceValidationPolicy = {
  name: "single-variant",
  description: "An asynchronous endpoint has one production variant and no shadow variants: SageMaker takes no others.",
  enforcementLevel: "mandatory",
  validateResource: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
    if (configuration.asyncInferenceConfig === undefined) return;
    const { productionVariants, shadowProductionVariants = [] } = configuration;
    if (productionVariants.length !== 1) {
      reportViolation(
        `The endpoint configuration '${name}' has ${productionVariants.length} variants. Set productionVariants to a list of one.`,
      );
    }
    if (shadowProductionVariants.length > 0) {
      reportViolation(`The endpoint configuration '${name}' has shadow variants. Remove shadowProductionVariants.`);
    }
  }),
};

/** The names of immutable resources: a changed one has to be there beside the old one. */
export const noFixedName: ResourceValidationPolicy = {
  name: "no-fixed-name",
  description:
    "Models and endpoint configurations are immutable and have names that Pulumi makes: with a fixed name a change cannot create the new one beside the old, so the endpoint is without it.",
  enforcementLevel: "mandatory",
  validateResource: validateTypes(
    ["aws:sagemaker/model:Model", "aws:sagemaker/endpointConfiguration:EndpointConfiguration"],
    judgeName,
  ),
};

/** Judges by the name's form, because a policy sees the inputs after Pulumi has filled in the names that it makes. */
function judgeName(
  props: { readonly name?: string | undefined },
  { name: resource, type }: ResourceValidationArgs,
  reportViolation: ReportViolation,
): void {
  if (props.name === undefined) return;
  const madeByPulumi =
    props.name.startsWith(`${resource}-`) && /^[0-9a-f]{7}$/.test(props.name.slice(resource.length + 1));
  if (!madeByPulumi) {
    reportViolation(
      `The ${type.split(":").at(-1) ?? type} '${resource}' has the fixed name ${props.name}. Remove name: Pulumi then makes one.`,
    );
  }
}
