/** SageMaker: endpoint configurations, with what makes an endpoint asynchronous. */
import {
  CreateEndpointConfigCommand,
  DeleteEndpointConfigCommand,
  DescribeEndpointConfigCommand,
} from "@aws-sdk/client-sagemaker";
import type {
  AsyncInferenceConfig,
  AsyncNotificationTopicTypes,
  ManagedInstanceScalingStatus,
  ProductionVariant,
  ProductionVariantAcceleratorType,
  ProductionVariantInferenceAmiVersion,
  ProductionVariantInstanceType,
  RoutingStrategy,
} from "@aws-sdk/client-sagemaker";
import type { EndpointConfigurationArgs } from "@pulumi/aws/sagemaker/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { block, flag, item, list, number, regional, set, tagged, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Failure, Managed } from "./resource.ts";
import { checkName, isNotFound, readTags, tagging, unlessNotFound } from "./sagemaker.ts";
import { toTagList } from "./tags.ts";
import { isRecord } from "./values.ts";

const fields = {
  name: text({ autoName: { max: 255 } }),
  executionRoleArn: text(),
  kmsKeyArn: text(),
  productionVariants: list(
    block({
      variantName: text({ computed: true }),
      modelName: text(),
      instanceType: text(),
      initialInstanceCount: number(),
      initialVariantWeight: number({ default: 1 }),
      acceleratorType: text(),
      containerStartupHealthCheckTimeoutInSeconds: number(),
      coreDumpConfig: block({ destinationS3Uri: text({ required: true }), kmsKeyId: text() }),
      enableSsmAccess: flag(),
      inferenceAmiVersion: text({ computed: true }),
      managedInstanceScaling: block({ maxInstanceCount: number(), minInstanceCount: number(), status: text() }),
      modelDataDownloadTimeoutInSeconds: number(),
      routingConfigs: list(block({ routingStrategy: text({ required: true }) }), { computed: true }),
      serverlessConfig: block({
        maxConcurrency: number({ required: true }),
        memorySizeInMb: number({ required: true }),
        provisionedConcurrency: number(),
      }),
      volumeSizeInGb: number(),
    }),
    { required: true },
  ),
  asyncInferenceConfig: block({
    clientConfig: block({ maxConcurrentInvocationsPerInstance: number() }),
    outputConfig: block(
      {
        s3OutputPath: text({ required: true }),
        s3FailurePath: text(),
        kmsKeyId: text(),
        notificationConfig: block({
          successTopic: text(),
          errorTopic: text(),
          includeInferenceResponseIns: set(item),
        }),
      },
      { required: true },
    ),
  }),
  ...tagged,
  ...regional,
} satisfies FieldsOf<pulumi.Unwrap<EndpointConfigurationArgs> & Managed>;

type ConfigInputs = Inputs<typeof fields>;
type Variant = ConfigInputs["productionVariants"][number];
type AsyncInputs = NonNullable<ConfigInputs["asyncInferenceConfig"]>;

let counter = 0;

/** A name as the Terraform provider makes one: the time to a tenth of a millisecond and a counter. */
function uniqueName(): string {
  const time = new Date().toISOString().replaceAll(/\D/g, "");
  counter = (counter + 1) % 0x1_0000_0000;
  return `terraform-${time.padEnd(18, "0")}${counter.toString(16).padStart(8, "0")}`;
}

/** Terraform leaves out zeros. */
const unlessZero = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

function toVariant(given: Variant): ProductionVariant {
  const { coreDumpConfig: dump, managedInstanceScaling: scaling, serverlessConfig: serverless } = given;
  const routing = given.routingConfigs?.[0];
  return {
    VariantName: given.variantName ?? uniqueName(),
    ModelName: given.modelName,
    InstanceType: given.instanceType as ProductionVariantInstanceType,
    InitialInstanceCount: unlessZero(given.initialInstanceCount),
    InitialVariantWeight: given.initialVariantWeight,
    AcceleratorType: given.acceleratorType as ProductionVariantAcceleratorType,
    ContainerStartupHealthCheckTimeoutInSeconds: unlessZero(given.containerStartupHealthCheckTimeoutInSeconds),
    CoreDumpConfig: dump && { DestinationS3Uri: dump.destinationS3Uri, KmsKeyId: dump.kmsKeyId },
    EnableSSMAccess: given.enableSsmAccess ?? false,
    InferenceAmiVersion: given.inferenceAmiVersion as ProductionVariantInferenceAmiVersion,
    ManagedInstanceScaling: scaling && {
      MaxInstanceCount: scaling.maxInstanceCount,
      MinInstanceCount: scaling.minInstanceCount,
      Status: scaling.status as ManagedInstanceScalingStatus,
    },
    ModelDataDownloadTimeoutInSeconds: unlessZero(given.modelDataDownloadTimeoutInSeconds),
    RoutingConfig: routing && { RoutingStrategy: routing.routingStrategy as RoutingStrategy },
    ServerlessConfig: serverless && {
      MaxConcurrency: serverless.maxConcurrency,
      MemorySizeInMB: serverless.memorySizeInMb,
      ProvisionedConcurrency: serverless.provisionedConcurrency,
    },
    VolumeSizeInGB: unlessZero(given.volumeSizeInGb),
  };
}

function fromVariant(got: ProductionVariant) {
  const { CoreDumpConfig: dump, ManagedInstanceScaling: scaling, ServerlessConfig: serverless } = got;
  return {
    variantName: got.VariantName,
    modelName: got.ModelName,
    instanceType: got.InstanceType,
    initialInstanceCount: got.InitialInstanceCount,
    initialVariantWeight: got.InitialVariantWeight,
    acceleratorType: got.AcceleratorType,
    containerStartupHealthCheckTimeoutInSeconds: got.ContainerStartupHealthCheckTimeoutInSeconds,
    coreDumpConfig: dump && { destinationS3Uri: dump.DestinationS3Uri, kmsKeyId: dump.KmsKeyId },
    enableSsmAccess: got.EnableSSMAccess,
    inferenceAmiVersion: got.InferenceAmiVersion,
    managedInstanceScaling: scaling && {
      maxInstanceCount: scaling.MaxInstanceCount,
      minInstanceCount: scaling.MinInstanceCount,
      status: scaling.Status,
    },
    modelDataDownloadTimeoutInSeconds: got.ModelDataDownloadTimeoutInSeconds,
    routingConfigs: got.RoutingConfig && [{ routingStrategy: got.RoutingConfig.RoutingStrategy }],
    serverlessConfig: serverless && {
      maxConcurrency: serverless.MaxConcurrency,
      memorySizeInMb: serverless.MemorySizeInMB,
      provisionedConcurrency: serverless.ProvisionedConcurrency,
    },
    volumeSizeInGb: got.VolumeSizeInGB,
  };
}

function toAsync({ clientConfig, outputConfig }: AsyncInputs): AsyncInferenceConfig {
  const topics = outputConfig.notificationConfig;
  return {
    ClientConfig: clientConfig && {
      MaxConcurrentInvocationsPerInstance: unlessZero(clientConfig.maxConcurrentInvocationsPerInstance),
    },
    OutputConfig: {
      S3OutputPath: outputConfig.s3OutputPath,
      S3FailurePath: outputConfig.s3FailurePath,
      KmsKeyId: outputConfig.kmsKeyId,
      NotificationConfig: topics && {
        SuccessTopic: topics.successTopic,
        ErrorTopic: topics.errorTopic,
        IncludeInferenceResponseIn: topics.includeInferenceResponseIns as AsyncNotificationTopicTypes[] | undefined,
      },
    },
  };
}

function fromAsync({ ClientConfig: client, OutputConfig: output }: AsyncInferenceConfig) {
  const topics = output?.NotificationConfig;
  return {
    clientConfig: client && { maxConcurrentInvocationsPerInstance: client.MaxConcurrentInvocationsPerInstance },
    outputConfig: output && {
      s3OutputPath: output.S3OutputPath,
      s3FailurePath: output.S3FailurePath,
      kmsKeyId: output.KmsKeyId,
      notificationConfig: topics && {
        successTopic: topics.SuccessTopic,
        errorTopic: topics.ErrorTopic,
        includeInferenceResponseIns: topics.IncludeInferenceResponseIn,
      },
    },
  };
}

function checkCounts({ productionVariants: variants }: Readonly<Record<string, unknown>>): Failure[] {
  if (!Array.isArray(variants)) return [];
  return variants.flatMap((variant: unknown, index) => {
    const count = isRecord(variant) ? variant["initialInstanceCount"] : undefined;
    if (typeof count !== "number" || count >= 1) return [];
    const property = `productionVariants[${index}].initialInstanceCount`;
    const reason = `"${property}" must be at least 1, got ${count}: an endpoint starts with one instance and is then scaled to zero`;
    return [{ property, reason }];
  });
}

export const endpointConfiguration = resource<typeof fields>({
  token: "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  fields,
  outputs: ["arn"],
  tagging,
  check: (inputs) => [...checkName(inputs), ...checkCounts(inputs)],
  async create(inputs, { aws }) {
    await aws.sagemaker.send(
      new CreateEndpointConfigCommand({
        EndpointConfigName: inputs.name,
        ExecutionRoleArn: inputs.executionRoleArn,
        KmsKeyId: inputs.kmsKeyArn,
        ProductionVariants: inputs.productionVariants.map(toVariant),
        AsyncInferenceConfig: inputs.asyncInferenceConfig && toAsync(inputs.asyncInferenceConfig),
        Tags: toTagList(inputs.tagsAll),
      }),
    );
    return inputs.name;
  },
  async read(id, scope) {
    const command = new DescribeEndpointConfigCommand({ EndpointConfigName: id });
    const found = await unlessNotFound("endpoint configuration", scope.aws.sagemaker.send(command));
    if (found === undefined) return undefined;
    return {
      name: found.EndpointConfigName,
      arn: found.EndpointConfigArn,
      executionRoleArn: found.ExecutionRoleArn,
      kmsKeyArn: found.KmsKeyId,
      productionVariants: found.ProductionVariants?.map(fromVariant),
      asyncInferenceConfig: found.AsyncInferenceConfig && fromAsync(found.AsyncInferenceConfig),
      tags: await readTags(scope, found.EndpointConfigArn),
    };
  },
  async delete(id, { aws }) {
    try {
      await aws.sagemaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName: id }));
    } catch (error) {
      if (!isNotFound(error, "endpoint configuration")) throw error;
    }
  },
});
