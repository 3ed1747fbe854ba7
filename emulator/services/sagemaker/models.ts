/** SageMaker's models: the software of an instance. */

import type { ContainerDefinition, CreateModelInput, SageMaker } from "@aws-sdk/client-sagemaker";
import { isAccessDenied } from "../../aws-ports.ts";
import type { ObjectStore } from "../../aws-ports.ts";
import { parseS3Location } from "../../s3-location.ts";
import type { S3Location } from "../../s3-location.ts";
import { validationException } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import { executionActor } from "./dependencies.ts";
import type { SageMakerState } from "./dependencies.ts";
import type { Named } from "./registry.ts";
import { refuse, refuseMembers } from "../unsupported.ts";

/** A stored model. */
export interface ModelRecord extends Named {
  readonly input: CreateModelInput;
  /** ARN of the execution role. */
  readonly roleArn: string;
  readonly image: string;
  readonly modelDataUrl: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Matches AWS's PyTorch inference images, whose serving stack the emulator runs as processes. Any account is accepted:
 * AWS publishes the images from another account in some regions, and companies mirror them under the same repository
 * name.
 */
const runnableImage = /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/(.+\/)?pytorch-inference[:@][\w.:-]+$/;

/** Returns the handlers of the operations on models. */
export function modelHandlers({ models, tags, aws: { callAs, roles, region } }: SageMakerState) {
  return {
    async CreateModel(input, { now }) {
      const { ModelName: name = "", ExecutionRoleArn: roleArn } = input;
      models.assertFree(name);
      tags.check(input.Tags);
      const container = containerOf(input);
      const { image, modelDataUrl, location } = checkContainer(container);
      if (roleArn === undefined) {
        throw validationException("ExecutionRoleArn is required to create a model.");
      }
      if (!(await roles.trusts(roleArn, "sagemaker.amazonaws.com"))) {
        throw validationException(
          `Could not assume role ${roleArn}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to assume the role.`,
        );
      }
      await checkData(callAs(executionActor(roleArn)).objects, { location, modelDataUrl, roleArn, region });
      const arn = models.arnOf(name);
      models.add({
        name,
        arn,
        createdAt: now,
        input,
        roleArn,
        image,
        modelDataUrl,
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

/** Checks that the execution role can read the artifact. */
async function checkData(
  objects: ObjectStore,
  {
    location,
    modelDataUrl,
    roleArn,
    region,
  }: Readonly<Record<"modelDataUrl" | "roleArn" | "region", string>> & {
    readonly location: S3Location;
  },
): Promise<void> {
  try {
    if ((await objects.head(location)) !== undefined) return;
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    // Observed (philschmid/llm-sagemaker-sample#2).
    throw validationException(
      `Could not access model data at ${modelDataUrl}. Please ensure that the role "${roleArn}" exists and that its trust relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the object is located in ${region}. If your Model uses multiple models or uncompressed models, please ensure that the role has "s3:ListBucket" permission.`,
    );
  }
  throw validationException(couldNotFind(modelDataUrl));
}

function couldNotFind(url: string): string {
  return `Could not find model data at ${url}.`;
}

function checkContainer(container: ContainerDefinition): { image: string; modelDataUrl: string; location: S3Location } {
  refuseMembers("PrimaryContainer", container, [
    "AdditionalModelDataSources",
    "ContainerMetricsConfig",
    "ImageConfig",
    "InferenceSpecificationName",
    "ModelDataSource",
    "ModelPackageName",
    "MultiModelConfig",
  ]);
  if (container.Mode === "MultiModel") refuse("multi-model containers");
  const { Image: image, ModelDataUrl: modelDataUrl } = container;
  if (image === undefined) throw validationException("Image is required in PrimaryContainer.");
  if (!runnableImage.test(image)) {
    refuse(
      `the image ${image}: it runs AWS's PyTorch inference images (ACCOUNT.dkr.ecr.REGION.amazonaws.com/pytorch-inference:TAG)`,
    );
  }
  if (modelDataUrl === undefined) refuse("models without ModelDataUrl");
  const location = parseS3Location(modelDataUrl);
  if (location === undefined) {
    throw validationException(couldNotFind(modelDataUrl));
  }
  if (!location.key.endsWith(".tar.gz")) {
    throw validationException(`The ModelDataUrl ${modelDataUrl} must end with .tar.gz.`);
  }
  return { image, modelDataUrl, location };
}
