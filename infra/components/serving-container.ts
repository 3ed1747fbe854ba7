/** The serving container of an endpoint: its image, its environment, and the machine image that it runs on. */
import { getPrebuiltEcrImageOutput } from "@pulumi/aws/sagemaker/index.js";
import * as pulumi from "@pulumi/pulumi";
import { containerEnvironment } from "../container-environment.ts";
import type { WithDefaults } from "../defaults.ts";
import type { Account } from "../account.ts";
import { requestModeOf } from "../request-settings.ts";
import type { RequestMode } from "../request-settings.ts";
import { hasGpu, machineImageOf, publishedImage, serverOf } from "../serving-image.ts";
import type { MachineImage } from "../serving-image.ts";
import { locationsOf } from "../source-buckets.ts";
import type { AsyncEndpointArgs } from "./async-endpoint-args.ts";

/** A container, with the choices that follow from its image and its instance type. */
export interface ServingContainer {
  /** Address of the image in ECR. */
  readonly image: pulumi.Output<string>;
  /** Environment variables. */
  readonly environment: pulumi.Output<Record<string, string>>;
  /** True if the container fails to start without a GPU that CUDA can use. */
  readonly requireGpu: pulumi.Output<boolean>;
  /** How the endpoint gets a video. */
  readonly requests: pulumi.Output<RequestMode>;
  /** Machine image of the instances; undefined leaves the choice to SageMaker. */
  readonly inferenceAmiVersion: pulumi.Output<MachineImage | undefined>;
}

/** Returns the container for an endpoint's settings. */
export function servingContainer(
  settings: WithDefaults<AsyncEndpointArgs>,
  account: Account,
  parent: pulumi.Resource,
): ServingContainer {
  const chosen = pulumi.all([settings.image, settings.instanceType]);
  const requireGpu = pulumi
    .all([settings.requireGpu, settings.instanceType])
    .apply(([required, instanceType]) => required ?? hasGpu(instanceType));
  const { maxConcurrency, invocationTimeout, maxRequestSize, maxResponseSize, sampleFps, scoreThreshold } = settings;
  const limits = { maxConcurrency, invocationTimeout, maxRequestSize, maxResponseSize, sampleFps, scoreThreshold };
  const { networkIsolation, subnetIds, s3Endpoint, inputBucket, inputPrefix, sourceBuckets } = settings;
  const requests = pulumi
    .output({ requests: settings.requests, networkIsolation, subnetIds, s3Endpoint })
    .apply(requestModeOf);
  const sources = pulumi
    .output({ requests, region: account.region, own: { bucket: inputBucket, prefix: inputPrefix }, sourceBuckets })
    .apply(({ requests, region, own, sourceBuckets }) =>
      requests === "payload" ? undefined : { locations: locationsOf([own, ...sourceBuckets]), region },
    );
  return {
    image: chosen.apply(([image, instanceType]) => addressOf(image, instanceType, parent)),
    environment: pulumi
      .output({ ...limits, requireGpu, sources, image: settings.image })
      .apply(({ image, ...serving }) => containerEnvironment(serving, serverOf(image))),
    requireGpu,
    requests,
    inferenceAmiVersion: pulumi
      .all([settings.inferenceAmi, chosen])
      .apply(([ami, [image, instanceType]]) => ami ?? machineImageOf(image, instanceType)),
  };
}

/** Returns the image's address in ECR. AWS's images are in the registry of the stack's region. */
function addressOf(image: string, instanceType: string, parent: pulumi.Resource): pulumi.Output<string> {
  const published = publishedImage(image, instanceType);
  if (published === undefined) return pulumi.output(image);
  // The provider does not know the repository `ray`, but it knows the registry that contains both.
  const { registryPath } = getPrebuiltEcrImageOutput({ repositoryName: "pytorch-inference" }, { parent });
  const { repositoryName, imageTag } = published;
  return registryPath.apply((address) => `${address.slice(0, address.indexOf("/"))}/${repositoryName}:${imageTag}`);
}
