/** Policies on an endpoint's instances and its requests. */
import { EndpointConfiguration } from "@pulumi/aws/sagemaker/endpointConfiguration.js";
import type { EndpointConfigurationArgs } from "@pulumi/aws/sagemaker/endpointConfiguration.js";
import type { ModelArgs } from "@pulumi/aws/sagemaker/model.js";
import { validateResourceOfType } from "@pulumi/policy";
import type { PolicyResource } from "@pulumi/policy";
import { resourcePolicy } from "./policy.ts";
import { ofType, References, validateTypes } from "./resources.ts";

/** A variant, with the pools that AWS's API supports but the provider's types do not contain yet. */
export interface Variant {
  readonly instanceType?: string | undefined;
  readonly instancePools?: readonly { readonly instanceType: string }[] | undefined;
}

/** Returns the instance types of a variant and the property that sets each: on the variant itself, at the path `at`, or in one of its pools. */
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

/** Returns the instance types of all production variants. */
export function productionTypes({ productionVariants }: { readonly productionVariants: readonly Variant[] }) {
  return productionVariants.flatMap((variant, index) => typesOf(variant, `productionVariants[${index}]`));
}

/** Finds the endpoint configurations of a stack, and the models that they name. */
export function endpointModels(resources: readonly PolicyResource[]) {
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
  return { configurations, models };
}

/** A real-time endpoint keeps an instance, or refuses requests while it has none. Only a queue can hold requests until one starts. */
export const asynchronousOnly = resourcePolicy({
  name: "asynchronous-only",
  description:
    "A SageMaker endpoint must be asynchronous. A real-time endpoint has no queue that could start an instance, so it is billed while idle.",
  validate: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
    if (configuration.asyncInferenceConfig === undefined) {
      reportViolation(
        `The endpoint configuration '${name}' is for a real-time endpoint. ` +
          `Set its asyncInferenceConfig, with outputConfig.s3OutputPath.`,
      );
    }
  }),
});

/** Without notifications, callers have to poll, and failures stay unnoticed. */
export const completionTopics = resourcePolicy({
  name: "completion-topics",
  description:
    "An asynchronous endpoint must publish successes and failures to topics, so that callers need not poll and failures are noticed.",
  validate: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
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
});

/** Without it, SageMaker does not store the reason for a failed request. */
export const failurePath = resourcePolicy({
  name: "failure-path",
  description:
    "An asynchronous endpoint must store the reasons for failed requests. Without a failure path they are lost.",
  validate: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
    const output = configuration.asyncInferenceConfig?.outputConfig;
    if (output !== undefined && !output.s3FailurePath) {
      reportViolation(
        `The endpoint configuration '${name}' has no failure path. ` +
          `Set asyncInferenceConfig.outputConfig.s3FailurePath to an s3:// prefix.`,
      );
    }
  }),
});

/** Each invocation holds its video, its frames and its result in memory at the same time. */
export const concurrencyLimit = resourcePolicy({
  name: "concurrency-limit",
  description:
    "The number of concurrent invocations per instance must be set, and within a limit. SageMaker's default can exceed the GPU's memory.",
  config: {
    limit: {
      type: "integer",
      minimum: 1,
      maximum: 1000,
      default: 4,
      description: "Maximum number of concurrent invocations per instance.",
    },
  },
  validate: validateResourceOfType(EndpointConfiguration, (configuration, args, reportViolation) => {
    const { limit } = args.getConfig<{ limit: number }>();
    if (configuration.asyncInferenceConfig === undefined) return;
    const concurrency = configuration.asyncInferenceConfig.clientConfig?.maxConcurrentInvocationsPerInstance;
    if (concurrency === undefined || concurrency > limit) {
      reportViolation(
        `The endpoint configuration '${args.name}' ${concurrency === undefined ? "leaves the number of concurrent invocations to SageMaker" : `accepts ${concurrency} concurrent invocations`}. ` +
          `Set asyncInferenceConfig.clientConfig.maxConcurrentInvocationsPerInstance (the stack's setting maxConcurrency) to at most ${limit}.`,
      );
    }
  }),
});

/** SageMaker refuses others, but only when the endpoint is created. */
export const singleVariant = resourcePolicy({
  name: "single-variant",
  description:
    "An asynchronous endpoint must have one production variant and no shadow variants: SageMaker refuses others.",
  validate: validateResourceOfType(EndpointConfiguration, (configuration, { name }, reportViolation) => {
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
});

/** Names of immutable resources: the replacement must exist next to the old resource. */
export const noFixedName = resourcePolicy({
  name: "no-fixed-name",
  description:
    "Models and endpoint configurations must have names that Pulumi generates. With a fixed name, a change cannot create the replacement before the old one is deleted.",
  validate: validateTypes(
    ["aws:sagemaker/model:Model", "aws:sagemaker/endpointConfiguration:EndpointConfiguration"],
    ({ name }: { readonly name?: string }, { name: resource, type }, reportViolation) => {
      // A policy receives the inputs after Pulumi has generated names.
      if (
        name === undefined ||
        (name.startsWith(`${resource}-`) && /^[0-9a-f]{7}$/.test(name.slice(resource.length + 1)))
      )
        return;
      reportViolation(
        `The ${type.split(":").at(-1) ?? type} '${resource}' has the fixed name ${name}. Remove name: Pulumi then generates one.`,
      );
    },
  ),
});
