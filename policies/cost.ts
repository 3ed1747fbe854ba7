/** Policies about what a stack may cost, and who is asked about it. */
import type { EndpointArgs } from "@pulumi/aws/sagemaker/endpoint.js";
import type { EndpointConfigurationArgs } from "@pulumi/aws/sagemaker/endpointConfiguration.js";
import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { instanceTypes } from "./endpoint.ts";
import { hourlyPrices, pricesAsOf, pricesRegion } from "./prices.ts";
import { ofType, References, validateTypes } from "./resources.ts";
import { endpointsOf, variantTargets } from "./scaling.ts";
import { judgeEach } from "./unknown.ts";

/** USD an hour: room for the blog post's five ml.g4dn.xlarge, and not for its mistakes. */
const defaultLimit = 10;

/** The most that an endpoint can cost: all its instances, for as long as a burst lasts. */
export const hourlyCostLimit: StackValidationPolicy = {
  name: "hourly-cost-limit",
  description:
    "An endpoint at its most instances costs no more than someone has agreed to: a burst, or a request that always fails, can last for hours.",
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
        description: `Instance types (ml.g5.xlarge) and prices (USD an hour), beside or instead of the pack's: ${pricesRegion}, ${pricesAsOf}.`,
      },
    },
  },
  validateStack: (args, reportViolation) => {
    const { resources } = args;
    const { limit = defaultLimit, prices = {} } = args.getConfig<{ limit?: number; prices?: Record<string, number> }>();
    const priceOf: Partial<Record<string, number>> = { ...hourlyPrices, ...prices };
    const targets = variantTargets(resources);
    const endpoints = endpointsOf(targets, resources);
    const configurations = new References({
      from: ofType<EndpointArgs>(resources, "aws:sagemaker/endpoint:Endpoint"),
      property: "endpointConfigName",
      values: ({ props }) => [props.endpointConfigName],
      to: ofType<EndpointConfigurationArgs>(resources, "aws:sagemaker/endpointConfiguration:EndpointConfiguration"),
      names: [({ props }) => props.name],
    });
    judgeEach(targets, reportViolation, (target) => {
      const endpoint = endpoints.of(target);
      if (endpoint === undefined) return;
      const configuration = configurations.of(endpoint);
      const { maxCapacity } = target.props;
      for (const { instanceType, at } of instanceTypes(configuration?.props.productionVariants ?? [])) {
        const price = priceOf[instanceType];
        if (price === undefined) {
          reportViolation(
            `There is no price of ${instanceType}, which '${configuration?.name ?? ""}' sets in ${at}. ` +
              `Add it to prices in the policy's config (USD an hour), or set another type.`,
            target.urn,
          );
        } else if (maxCapacity * price > limit) {
          reportViolation(
            `'${target.name}' can cost ${(maxCapacity * price).toFixed(2)} USD an hour (${maxCapacity} times ${instanceType}, ` +
              `${pricesRegion}), and ${limit} are allowed. ` +
              `Set its maxCapacity to at most ${Math.floor(limit / price)}, or a smaller type in ${at} of '${configuration?.name ?? ""}', or raise limit in the policy's config.`,
            target.urn,
          );
        }
      }
    });
  },
};

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
  validateResource: validateTypes(taggedTypes, ({ tags, tagsAll = tags }: Tagged, args, reportViolation) => {
    const { tags: required = defaultTags } = args.getConfig<{ tags?: string[] }>();
    const { type, name } = args;
    const missing = required.filter((tag) => !tagsAll?.[tag]);
    if (missing.length > 0) {
      reportViolation(
        `The ${type.split(":").at(-1) ?? type} '${name}' lacks the tags ${missing.join(", ")}. ` +
          `Set tags of it, or aws:defaultTags in the stack's config for all.`,
      );
    }
  }),
};
