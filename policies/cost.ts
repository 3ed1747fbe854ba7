/** Policies about what a stack may cost, and who is asked about it. */
import type { EndpointArgs } from "@pulumi/aws/sagemaker/endpoint.js";
import type { EndpointConfigurationArgs } from "@pulumi/aws/sagemaker/endpointConfiguration.js";
import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { typesOf, type Variant } from "./endpoint.ts";
import { hourlyPrices, pricesAsOf, pricesRegion } from "./prices.ts";
import { ofType, References, validateTypes } from "./resources.ts";
import { endpointsOf, variantTargets } from "./scaling.ts";
import { judgeEach } from "./unknown.ts";

/** USD an hour: room for the blog post's five ml.g4dn.xlarge, and not for its mistakes. */
const defaultLimit = 10;

/** Instances cost as long as they run, whatever started them. */
export const hourlyCostLimit: StackValidationPolicy = {
  name: "hourly-cost-limit",
  description:
    "An endpoint with all the instances that it starts with, or scales to, costs no more than someone has agreed to: a burst, or a request that always fails, can last for hours.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      limit: {
        type: "number",
        minimum: 0,
        default: defaultLimit,
        description: "The most that an endpoint may cost (USD an hour).",
      },
      prices: {
        type: "object",
        additionalProperties: { type: "number" },
        default: {},
        description: `Instance types (ml.g5.xlarge) and prices (USD an hour), in addition to or instead of the pack's: ${pricesRegion}, ${pricesAsOf}.`,
      },
    },
  },
  validateStack: (args, reportViolation) => {
    const { resources } = args;
    const { limit = defaultLimit, prices = {} } = args.getConfig<{ limit?: number; prices?: Record<string, number> }>();
    const priceOf = new Map(Object.entries({ ...hourlyPrices, ...prices }));
    const scaled = endpointsOf(variantTargets(resources), resources);
    const endpoints = ofType<EndpointArgs>(resources, "aws:sagemaker/endpoint:Endpoint");
    const configurations = new References({
      from: endpoints,
      property: "endpointConfigName",
      values: ({ props }) => [props.endpointConfigName],
      to: ofType<EndpointConfigurationArgs>(resources, "aws:sagemaker/endpointConfiguration:EndpointConfiguration"),
      names: [({ props }) => props.name],
    });
    judgeEach(endpoints, reportViolation, (endpoint) => {
      const { name, urn, props } = endpoint;
      const configuration = configurations.of(endpoint);
      if (configuration === undefined) {
        reportViolation(
          `The endpoint '${name}' runs on the configuration ${props.endpointConfigName}, which is not in this stack, so its cost is not known. ` +
            `Set its endpointConfigName to the name of an EndpointConfiguration that the stack makes.`,
          urn,
        );
        return;
      }
      const scaledTo = scaled.to(endpoint).map((target) => target.props.maxCapacity);
      const parts: { readonly cost: number; readonly price: number; readonly what: string; readonly at: string }[] = [];
      for (const { instances, types } of variantsOf(configuration.props)) {
        const count = Math.max(instances, ...scaledTo);
        let dearest: (typeof parts)[number] | undefined;
        for (const { instanceType, at } of types) {
          const price = priceOf.get(instanceType);
          if (price === undefined) {
            reportViolation(
              `There is no price of ${instanceType}, which '${configuration.name}' sets in ${at}. ` +
                `Add it to prices in the policy's config (USD an hour), or set another type.`,
              urn,
            );
          } else if (dearest === undefined || price > dearest.price) {
            dearest = { cost: count * price, price, what: `${count} times ${instanceType}`, at };
          }
        }
        if (dearest !== undefined) parts.push(dearest);
      }
      const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
      const cost = sum(parts.map((part) => part.cost));
      if (cost > limit) {
        reportViolation(
          `The endpoint '${name}' can cost ${cost.toFixed(2)} USD an hour (${parts.map(({ what }) => what).join(" and ")}, ` +
            `${pricesRegion}), and ${limit} are allowed. ` +
            `Set maxCapacity of its scalable target, and initialInstanceCount of '${configuration.name}', to at most ` +
            `${Math.floor(limit / sum(parts.map(({ price }) => price)))}, or a smaller type in ${parts.map(({ at }) => at).join(" and ")}, or raise limit in the policy's config.`,
          urn,
        );
      }
    });
  },
};

/** A variant, as far as it says how many instances it starts. */
interface StartedVariant extends Variant {
  readonly initialInstanceCount?: number | undefined;
  readonly managedInstanceScaling?: { readonly maxInstanceCount?: number | undefined } | undefined;
}

/** What runs for an endpoint configuration before, or without, a scalable target: shadow variants are billed like the others. */
function variantsOf({
  productionVariants,
  shadowProductionVariants = [],
}: {
  readonly productionVariants: readonly StartedVariant[];
  readonly shadowProductionVariants?: readonly StartedVariant[] | undefined;
}) {
  return [
    ...productionVariants.map((variant, index) => ({ variant, at: `productionVariants[${index}]` })),
    ...shadowProductionVariants.map((variant, index) => ({ variant, at: `shadowProductionVariants[${index}]` })),
  ].map(({ variant, at }) => ({
    // SageMaker's own scaling of a variant needs no scalable target.
    instances: Math.max(variant.initialInstanceCount ?? 1, variant.managedInstanceScaling?.maxInstanceCount ?? 0),
    types: typesOf(variant, at),
  }));
}

const defaultTags = ["project", "stack"];

/** What costs money or holds data, and takes tags. */
const taggedTypes = [
  "aws:cloudwatch/metricAlarm:MetricAlarm",
  "aws:iam/policy:Policy",
  "aws:iam/role:Role",
  "aws:kms/key:Key",
  "aws:s3/bucket:Bucket",
  "aws:s3/bucketV2:BucketV2",
  "aws:sagemaker/endpoint:Endpoint",
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  "aws:sagemaker/model:Model",
  "aws:sns/topic:Topic",
  "aws:sqs/queue:Queue",
];

/** The provider adds its default tags to the resource's own and calls the whole tagsAll. */
interface Tagged {
  readonly tags?: Readonly<Record<string, string>>;
  readonly tagsAll?: Readonly<Record<string, string>>;
}

/** A bill that can be read. */
export const requiredTags: ResourceValidationPolicy = {
  name: "required-tags",
  description: "What costs money or holds data says by its tags what it belongs to: a bill without them asks nobody.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      tags: {
        type: "array",
        items: { type: "string" },
        default: defaultTags,
        description: "Tags that must be there, with any value.",
      },
    },
  },
  validateResource: validateTypes(taggedTypes, ({ tags, tagsAll = tags ?? {} }: Tagged, args, reportViolation) => {
    const { tags: required = defaultTags } = args.getConfig<{ tags?: string[] }>();
    const { type, name } = args;
    const missing = required.filter((tag) => !(Object.hasOwn(tagsAll, tag) && tagsAll[tag]));
    if (missing.length > 0) {
      reportViolation(
        `The ${type.split(":").at(-1) ?? type} '${name}' lacks the tags ${missing.join(", ")}. ` +
          `Set tags of it, or aws:defaultTags in the stack's config for all.`,
      );
    }
  }),
};
