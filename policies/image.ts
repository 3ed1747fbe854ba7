/** The policy about the image that serves the model. */
import { Model } from "@pulumi/aws/sagemaker/model.js";
import { type ResourceValidationPolicy, validateResourceOfType } from "@pulumi/policy";
import { endOfPatch, supportAsOf } from "./image-support.ts";

/** An advisory: the image of AWS's blog post is one of those, and there is no later one with TorchServe. */
export const supportedImage: ResourceValidationPolicy = {
  name: "supported-image",
  description:
    "The serving image still gets security patches: AWS ends them for each version of its PyTorch images on a day that it announces.",
  enforcementLevel: "advisory",
  configSchema: {
    properties: {
      endOfPatch: {
        type: "object",
        additionalProperties: { type: "string" },
        default: {},
        description: "Versions (2.6) and the last days of their patches (2026-06-30), beside or instead of the pack's.",
      },
      today: {
        type: "string",
        description: `The day that counts as today (YYYY-MM-DD), instead of today. The pack's table is of ${supportAsOf}.`,
      },
    },
  },
  validateResource: validateResourceOfType(Model, (model, args, reportViolation) => {
    const config = args.getConfig<{ endOfPatch?: Record<string, string>; today?: string }>();
    const lastDays = new Map(Object.entries({ ...endOfPatch, ...config.endOfPatch }));
    const { today = new Date().toISOString().slice(0, 10) } = config;
    const containers = [
      { image: model.primaryContainer?.image, at: "primaryContainer.image" },
      ...(model.containers ?? []).map(({ image }, index) => ({ image, at: `containers[${index}].image` })),
    ];
    for (const { image = "", at } of containers) {
      const version = /\/pytorch-inference[\w-]*:(\d+\.\d+)/.exec(image)?.[1];
      const lastDay = version === undefined ? undefined : lastDays.get(version);
      if (version !== undefined && lastDay !== undefined && lastDay < today) {
        reportViolation(
          `The model '${args.name}' is served by ${image}: AWS's patches for PyTorch ${version} ended on ${lastDay}. ` +
            `Set ${at} (the stack's setting image) to an image of a supported version, or to one of your own that you patch.`,
        );
      }
    }
  }),
};
