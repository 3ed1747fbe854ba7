/** SageMaker's endpoint configurations: immutable descriptions of a fleet and its asynchronous inference. */

import type { CreateEndpointConfigInput, ProductionVariant, SageMaker } from "@aws-sdk/client-sagemaker";
import { defaultStartupTimeout } from "../../core/endpoint-api.ts";
import { parseS3Location } from "../../s3-location.ts";
import type { S3Location } from "../../s3-location.ts";
import { validationException } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import type { SageMakerState } from "./dependencies.ts";
import type { ModelRecord } from "./models.ts";
import type { Named, Registry } from "./registry.ts";
import { refuse, refuseMembers } from "../unsupported.ts";

/** A stored endpoint configuration. */
export interface EndpointConfigRecord extends Named {
  readonly input: CreateEndpointConfigInput;
  readonly variant: VariantSpec;
  readonly async: AsyncSpec;
}

/** The only production variant. */
export type VariantSpec = ReturnType<typeof variantOf>;

/** Settings of asynchronous inference. */
export type AsyncSpec = ReturnType<typeof asyncOf>;

// Without a value "SageMaker chooses an optimal value" (API reference, AsyncInferenceClientConfig); the value is
// unconfirmed.
const defaultConcurrency = 4;

/** Returns the handlers of the operations on endpoint configurations. */
export function endpointConfigHandlers({ models, configs, tags }: SageMakerState) {
  return {
    CreateEndpointConfig(input, { now }) {
      const { EndpointConfigName: name = "" } = input;
      configs.assertFree(name);
      tags.check(input.Tags);
      refuseMembers("CreateEndpointConfig", input, [
        "DataCaptureConfig",
        "ExecutionRoleArn",
        "ExplainerConfig",
        "MetricsConfig",
        "ShadowProductionVariants",
      ]);
      const variant = variantOf(input, models);
      const arn = configs.arnOf(name);
      configs.add({ name, arn, createdAt: now, input, variant, async: asyncOf(input) });
      tags.create(arn, input.Tags);
      return { EndpointConfigArn: arn };
    },

    DescribeEndpointConfig({ EndpointConfigName: name = "" }) {
      const { arn, createdAt, input } = configs.get(name);
      return {
        EnableNetworkIsolation: false,
        ...input,
        EndpointConfigArn: arn,
        CreationTime: createdAt,
      };
    },

    DeleteEndpointConfig({ EndpointConfigName: name = "" }) {
      configs.remove(configs.get(name));
      return {};
    },

    ListEndpointConfigs(input) {
      const { items, nextToken } = configs.list(input);
      return {
        EndpointConfigs: items.map(({ name, arn, createdAt }) => ({
          EndpointConfigName: name,
          EndpointConfigArn: arn,
          CreationTime: createdAt,
        })),
        NextToken: nextToken,
      };
    },
  } satisfies Handlers<SageMaker>;
}

function variantOf(input: CreateEndpointConfigInput, models: Registry<ModelRecord>) {
  const variants: ProductionVariant[] = input.ProductionVariants ?? [];
  const [variant] = variants;
  if (variant === undefined) throw validationException("A production variant is required.");
  if (variants.length > 1) {
    // One variant only: developer guide, asynchronous inference; AWS's message is unconfirmed.
    throw validationException("Asynchronous endpoints support exactly one production variant.");
  }
  refuseMembers("ProductionVariants", variant, [
    "AcceleratorType",
    "CapacityReservationConfig",
    "CoreDumpConfig",
    "InstancePools",
    "ManagedInstanceScaling",
    "RoutingConfig",
    "ServerlessConfig",
    "VariantInstanceProvisionTimeoutInSeconds",
  ]);
  if (variant.EnableSSMAccess === true) refuse("EnableSSMAccess in ProductionVariants");
  const { ModelName: modelName, InstanceType: instanceType, InitialInstanceCount: initialCount } = variant;
  if (modelName === undefined) refuse("production variants without ModelName (inference components)");
  if (instanceType === undefined || initialCount === undefined) {
    throw validationException(
      "InstanceType and InitialInstanceCount are required for a production variant that is not serverless.",
    );
  }
  const { ContainerStartupHealthCheckTimeoutInSeconds: startupSeconds } = variant;
  return {
    name: variant.VariantName ?? "",
    // The model at the time of the configuration: deleting it later does not affect endpoints.
    model: models.get(modelName),
    instanceType,
    initialCount,
    weight: variant.InitialVariantWeight ?? 1,
    // Maximum time from a container's start until it passes its health check, ms.
    startupTimeout: startupSeconds === undefined ? defaultStartupTimeout : startupSeconds * 1_000,
  };
}

function asyncOf(input: CreateEndpointConfigInput) {
  const config = input.AsyncInferenceConfig;
  if (config === undefined) refuse("endpoints that are not asynchronous: AsyncInferenceConfig is missing");
  const output = config.OutputConfig ?? {};
  const notifications = output.NotificationConfig ?? {};
  const includeIn = notifications.IncludeInferenceResponseIn ?? [];
  const { S3OutputPath: outputPath } = output;
  // Optional in the API; the location of results without it is unconfirmed.
  if (outputPath === undefined) refuse("asynchronous endpoints without S3OutputPath");
  return {
    concurrency: config.ClientConfig?.MaxConcurrentInvocationsPerInstance ?? defaultConcurrency,
    outputPath: placeOf("S3OutputPath", outputPath),
    failurePath: output.S3FailurePath === undefined ? undefined : placeOf("S3FailurePath", output.S3FailurePath),
    kmsKeyId: output.KmsKeyId,
    success: {
      topic: notifications.SuccessTopic,
      includeResponse: includeIn.includes("SUCCESS_NOTIFICATION_TOPIC"),
    },
    error: { topic: notifications.ErrorTopic, includeResponse: includeIn.includes("ERROR_NOTIFICATION_TOPIC") },
  };
}

function placeOf(name: string, text: string): S3Location {
  const place = parseS3Location(text);
  if (place === undefined) throw validationException(`${name} is not a location in Amazon S3: ${text}`);
  return place;
}
