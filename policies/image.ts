/** The policy on the serving image. */
import { Model } from "@pulumi/aws/sagemaker/model.js";
import { validateResourceOfType } from "@pulumi/policy";
import { endOfPatch, supportAsOf } from "./image-support.ts";
import { resourcePolicy } from "./policy.ts";

/** Returns a model's containers, each with the property that defines it. */
export function containersOf<Container>({
  primaryContainer,
  containers = [],
}: {
  readonly primaryContainer?: Container | undefined;
  readonly containers?: readonly Container[] | undefined;
}) {
  return [
    ...(primaryContainer === undefined ? [] : [{ container: primaryContainer, at: "primaryContainer" }]),
    ...containers.map((container, index) => ({ container, at: `containers[${index}]` })),
  ];
}

/** Advisory: the image of AWS's blog post is past its support, and there is no later one with TorchServe. */
export const supportedImage = resourcePolicy({
  name: "supported-image",
  description:
    "The serving image should still get security patches. AWS ends them for each version of its PyTorch images on an announced day.",
  enforcementLevel: "advisory",
  config: {
    endOfPatch: {
      type: "object",
      additionalProperties: { type: "string" },
      default: {},
      description: "Last days of patches (2026-06-30) by version (2.6). They add to or replace the pack's.",
    },
    today: {
      type: "string",
      description: `Date to use as today (YYYY-MM-DD). By default the current date. The pack's table is of ${supportAsOf}.`,
    },
  },
  validate: validateResourceOfType(Model, (model, args, reportViolation) => {
    const config = args.getConfig<{ endOfPatch: Record<string, string>; today?: string }>();
    const lastDays = new Map(Object.entries({ ...endOfPatch, ...config.endOfPatch }));
    const { today = new Date().toISOString().slice(0, 10) } = config;
    for (const { container, at } of containersOf(model)) {
      const { image = "" } = container;
      const version = /\/pytorch-inference[\w-]*:(\d+\.\d+)/.exec(image)?.[1];
      const lastDay = version === undefined ? undefined : lastDays.get(version);
      if (version !== undefined && lastDay !== undefined && lastDay < today) {
        reportViolation(
          `The model '${args.name}' is served by ${image}: AWS's patches for PyTorch ${version} ended on ${lastDay}. ` +
            `Set ${at}.image (the stack's setting image) to an image of a supported version, or to a custom image that you patch.`,
        );
      }
    }
  }),
});
