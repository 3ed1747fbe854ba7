/** SageMaker's models: the software of an instance. */

import type { ContainerDefinition, CreateModelInput, SageMaker } from "@aws-sdk/client-sagemaker";
import { validationException } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import { executionActor } from "./dependencies.ts";
import type { SageMakerDependencies, SageMakerState } from "./dependencies.ts";
import { checkModelData, modelDataOf } from "./model-data.ts";
import type { ModelData } from "./model-data.ts";
import type { Named } from "./registry.ts";
import { refuse, refuseMembers } from "../unsupported.ts";

/** A stored model. */
export interface ModelRecord extends Named {
  readonly input: CreateModelInput;
  /** ARN of the execution role. */
  readonly roleArn: string;
  readonly image: string;
  /** The local command that stands for the image; undefined for AWS's serving stack. */
  readonly command: string | undefined;
  /** Undefined for a container that brings its model. */
  readonly modelData: ModelData | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Matches AWS's PyTorch inference images, whose serving stack the emulator runs as processes. Any account is accepted:
 * AWS publishes the images from another account in some regions, and companies mirror them under the same repository
 * name.
 */
const runnableImage = /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/(.+\/)?pytorch-inference[:@][\w.:-]+$/;

/** Returns the handlers of the operations on models. */
export function modelHandlers({ models, tags, aws: { callAs, roles, region, commandOf } }: SageMakerState) {
  return {
    async CreateModel(input, { now }) {
      const { ModelName: name = "", ExecutionRoleArn: roleArn } = input;
      models.assertFree(name);
      tags.check(input.Tags);
      const container = containerOf(input);
      const { image, command, modelData } = checkContainer(container, commandOf);
      if (roleArn === undefined) {
        throw validationException("ExecutionRoleArn is required to create a model.");
      }
      if (!(await roles.trusts(roleArn, "sagemaker.amazonaws.com"))) {
        throw validationException(
          `Could not assume role ${roleArn}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.`,
        );
      }
      if (modelData !== undefined) {
        await checkModelData(callAs(executionActor(roleArn)).objects, modelData, { roleArn, region });
      }
      const arn = models.arnOf(name);
      models.add({
        name,
        arn,
        createdAt: now,
        input,
        roleArn,
        image,
        command,
        modelData,
        environment: container.Environment ?? {},
      });
      tags.create(arn, input.Tags);
      return { ModelArn: arn };
    },

    DescribeModel({ ModelName: name = "" }) {
      const { arn, createdAt, input } = models.get(name);
      return {
        EnableNetworkIsolation: false,
        ...input,
        PrimaryContainer: { Mode: "SingleModel", ...input.PrimaryContainer },
        CreationTime: createdAt,
        ModelArn: arn,
      };
    },

    DeleteModel({ ModelName: name = "" }) {
      models.remove(models.get(name));
      return {};
    },

    ListModels(input) {
      const { items, nextToken } = models.list(input);
      return {
        Models: items.map(({ name, arn, createdAt }) => ({ ModelName: name, ModelArn: arn, CreationTime: createdAt })),
        NextToken: nextToken,
      };
    },
  } satisfies Handlers<SageMaker>;
}

function containerOf(input: CreateModelInput): ContainerDefinition {
  refuseMembers("CreateModel", input, ["Containers", "InferenceExecutionConfig"]);
  if (input.PrimaryContainer === undefined) {
    throw validationException("Both PrimaryContainer and Containers are null. Exactly one must be set.");
  }
  return input.PrimaryContainer;
}

function checkContainer(
  container: ContainerDefinition,
  commandOf: SageMakerDependencies["commandOf"],
): Pick<ModelRecord, "image" | "command" | "modelData"> {
  refuseMembers("PrimaryContainer", container, [
    "AdditionalModelDataSources",
    "ContainerMetricsConfig",
    "ImageConfig",
    "InferenceSpecificationName",
    "ModelPackageName",
    "MultiModelConfig",
  ]);
  if (container.Mode === "MultiModel") refuse("multi-model containers");
  const { Image: image } = container;
  if (image === undefined) throw validationException("Image is required in PrimaryContainer.");
  const command = commandOf?.(image);
  if (command === undefined && !runnableImage.test(image)) {
    refuse(
      `the image ${image}: it runs AWS's PyTorch inference images (ACCOUNT.dkr.ecr.REGION.amazonaws.com/pytorch-inference:TAG), and images that its option --image maps to a local command`,
    );
  }
  const modelData = modelDataOf(container);
  if (command === undefined && modelData === undefined) refuse("models of AWS's images without model data");
  return { image, command, modelData };
}
