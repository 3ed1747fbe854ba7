/** Policies on the cost of a stack, and on its cost allocation. */
import type { EndpointArgs } from "@pulumi/aws/sagemaker/endpoint.js";
import type { EndpointConfigurationArgs } from "@pulumi/aws/sagemaker/endpointConfiguration.js";
import { typesOf } from "./endpoint.ts";
import type { Variant } from "./endpoint.ts";
import { instanceTypes, pricesAsOf, pricesRegion } from "./instance-types.ts";
import { resourcePolicy, stackPolicy, stringList } from "./policy.ts";
import { ofType, References, validateTypes } from "./resources.ts";
import { endpointsOf, variantTargets } from "./scaling.ts";
import { evaluateEach } from "./unknown.ts";

/** Running instances are billed, however they were started. */
export const hourlyCostLimit = stackPolicy({
  name: "hourly-cost-limit",
  description:
    "The cost of an endpoint with its maximum number of instances must not exceed a limit. A burst, or a request that always fails, can last for hours.",
  config: {
    limit: {
      type: "number",
      minimum: 0,
      // Enough for the blog post's five ml.g4dn.xlarge, but not for a configuration error.
      default: 10,
      description: "Maximum cost of an endpoint (USD an hour).",
    },
    prices: {
      type: "object",
      additionalProperties: { type: "number" },
      default: {},
      description: `Prices by instance type (ml.g5.xlarge, USD an hour). They add to or replace the pack's: ${pricesRegion}, ${pricesAsOf}.`,
    },
  },
  validate: (args, reportViolation) => {
    const { resources } = args;
    const { limit, prices } = args.getConfig<{ limit: number; prices: Record<string, number> }>();
    const configured = new Map(Object.entries(prices));
    const scaled = endpointsOf(variantTargets(resources), resources);
    const endpoints = ofType<EndpointArgs>(resources, "aws:sagemaker/endpoint:Endpoint");
    const configurations = new References({
      from: endpoints,
      property: "endpointConfigName",
      values: ({ props }) => [props.endpointConfigName],
      to: ofType<EndpointConfigurationArgs>(resources, "aws:sagemaker/endpointConfiguration:EndpointConfiguration"),
      names: [({ props }) => props.name],
    });
    evaluateEach(endpoints, reportViolation, (endpoint) => {
      const { name, urn, props } = endpoint;
      const configuration = configurations.of(endpoint);
      if (configuration === undefined) {
        reportViolation(
          `The endpoint '${name}' runs on the configuration ${props.endpointConfigName}, which is not in this stack, so its cost is not known. ` +
            `Set its endpointConfigName to the name of an EndpointConfiguration that the stack creates.`,
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
          const price = configured.get(instanceType) ?? instanceTypes.get(instanceType)?.price;
          if (price === undefined) {
            reportViolation(
              `No price is known for ${instanceType} (set in ${at} of '${configuration.name}'). ` +
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
            `${pricesRegion}). The limit is ${limit}. ` +
            `Set maxCapacity of its scalable target, and initialInstanceCount of '${configuration.name}', to at most ` +
            `${Math.floor(limit / sum(parts.map(({ price }) => price)))}, choose a smaller type in ${parts.map(({ at }) => at).join(" and ")}, or raise limit in the policy's config.`,
          urn,
        );
      }
    });
  },
});

/** A variant, with its number of instances at the start. */
interface StartedVariant extends Variant {
  readonly initialInstanceCount?: number | undefined;
  readonly managedInstanceScaling?: { readonly maxInstanceCount?: number | undefined } | undefined;
}

/** Properties of an endpoint configuration with variants. Shadow variants are billed like the others. */
const variantLists = ["productionVariants", "shadowProductionVariants"] as const;

/** Returns the variants that run before, or without, a scalable target. */
function variantsOf(
  configuration: Readonly<Partial<Record<(typeof variantLists)[number], readonly StartedVariant[] | undefined>>>,
) {
  return variantLists.flatMap((list) =>
    (configuration[list] ?? []).map((variant, index) => ({
      // SageMaker's managed scaling of a variant needs no scalable target.
      instances: Math.max(variant.initialInstanceCount ?? 1, variant.managedInstanceScaling?.maxInstanceCount ?? 0),
      types: typesOf(variant, `${list}[${index}]`),
    })),
  );
}

/** Types that cost money or hold data, and support tags. */
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

/** The provider merges its default tags with the resource's tags into tagsAll. */
interface Tagged {
  readonly tags?: Readonly<Record<string, string>>;
  readonly tagsAll?: Readonly<Record<string, string>>;
}

/** Requires tags for cost allocation. */
export const requiredTags = resourcePolicy({
  name: "required-tags",
  description: "Resources that cost money or hold data must have the required tags, so that costs can be allocated.",
  config: {
    tags: stringList("Required tags, with any value.", ["project", "stack"]),
  },
  validate: validateTypes(taggedTypes, ({ tags, tagsAll = tags ?? {} }: Tagged, args, reportViolation) => {
    const { tags: required } = args.getConfig<{ tags: string[] }>();
    const { type, name } = args;
    const missing = required.filter((tag) => !(Object.hasOwn(tagsAll, tag) && tagsAll[tag]));
    if (missing.length > 0) {
      reportViolation(
        `The ${type.split(":").at(-1) ?? type} '${name}' lacks the tags ${missing.join(", ")}. ` +
          `Set its tags, or aws:defaultTags in the stack's config for all resources.`,
      );
    }
  }),
});
