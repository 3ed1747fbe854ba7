/** The policy on the network of models whose requests refer to videos in S3. */
import { Model } from "@pulumi/aws/sagemaker/model.js";
import { validateResourceOfType } from "@pulumi/policy";
import { containersOf } from "./image.ts";
import { resourcePolicy } from "./policy.ts";

/** Such a container starts, and then fails every request. */
export const referenceNeedsS3 = resourcePolicy({
  name: "reference-needs-s3",
  description:
    "A container that reads videos from S3 must reach it: without network isolation, and in a VPC only with a tag that confirms a route to S3. Otherwise every request fails.",
  config: {
    variable: {
      type: "string",
      minLength: 1,
      // The handler's variable (`model/video_inference/allowed_sources.py`).
      default: "ALLOWED_SOURCES",
      description: "Variable of the container's environment that makes it read videos from S3.",
    },
    tag: {
      type: "string",
      minLength: 1,
      default: "s3-endpoint",
      description: "Tag of a model that must be true in a VPC whose subnets reach S3.",
    },
  },
  validate: validateResourceOfType(Model, (model, args, reportViolation) => {
    const { variable, tag } = args.getConfig<{ variable: string; tag: string }>();
    const reader = containersOf(model).find(({ container }) => Boolean(container.environment?.[variable]));
    if (reader === undefined) return;
    const remedy = `or remove ${reader.at}.environment.${variable} (the stack's setting requests: payload).`;
    if (model.enableNetworkIsolation === true) {
      reportViolation(
        `The model '${args.name}' reads videos from S3, but its container has no network. ` +
          `Set enableNetworkIsolation to false (the stack's setting networkIsolation), ${remedy}`,
      );
    }
    if (model.vpcConfig !== undefined && model.tags?.[tag] !== "true") {
      reportViolation(
        `The model '${args.name}' reads videos from S3, but nothing shows that its subnets reach it. ` +
          `Give the VPC a gateway endpoint for S3 and set tags.${tag} to "true" (the stack's setting s3Endpoint), ${remedy}`,
      );
    }
  }),
});
