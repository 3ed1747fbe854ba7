/** SageMaker: models and endpoints (endpoint configurations: endpoint-configuration.ts). */
import {
  AddTagsCommand,
  CreateEndpointCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DeleteModelCommand,
  DeleteTagsCommand,
  DescribeEndpointCommand,
  DescribeModelCommand,
  paginateListTags,
  UpdateEndpointCommand,
} from "@aws-sdk/client-sagemaker";
import type {
  ContainerDefinition,
  ContainerMode,
  DeploymentConfig,
  DescribeEndpointOutput,
  InferenceExecutionMode,
  ModelCacheSetting,
  ModelCompressionType,
  RepositoryAccessMode,
  S3ModelDataType,
} from "@aws-sdk/client-sagemaker";
import type { EndpointArgs, ModelArgs } from "@pulumi/aws/sagemaker/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { fromDeployment, deployment, toDeployment } from "./deployment.ts";
import { AwsCallError, isCode, ProviderError } from "./errors.ts";
import { block, flag, item, list, map, regional, set, tagged, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Failure, Managed, Scope, Tagging } from "./resource.ts";
import { retry } from "./retry.ts";
import { fromTagList, toTagList } from "./tags.ts";
import { unknown } from "./values.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

/** SageMaker says that something is not there by a ValidationException whose message begins so. */
export function isNotFound(error: unknown, what: string): boolean {
  return isCode(error, "ValidationException") && error.reason.startsWith(`Could not find ${what}`);
}

/** What `call` answers; undefined where SageMaker could not find it. */
export async function unlessNotFound<T>(what: string, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error, what) || isCode(error, "ResourceNotFound")) return undefined;
    throw error;
  }
}

const longestName = 63;

/** Names of models, configurations and endpoints. */
export function checkName({ name }: Readonly<Record<string, unknown>>): Failure[] {
  if (typeof name !== "string" || name === unknown) return [];
  if (name.length <= longestName && /^[0-9A-Za-z](-*[0-9A-Za-z])*$/.test(name)) return [];
  const reason = `The name ${name} must have 1 to 63 letters, digits and inner hyphens: give the resource a shorter name, or set "name"`;
  return [{ property: "name", reason }];
}

/** All tags of a SageMaker resource. */
export async function readTags({ aws }: Scope, ResourceArn: string | undefined): Promise<Record<string, string>> {
  const tags: Record<string, string> = {};
  for await (const page of paginateListTags({ client: aws.sagemaker }, { ResourceArn })) {
    Object.assign(tags, fromTagList(page.Tags));
  }
  return tags;
}

/** How all SageMaker's resources are tagged. */
export const tagging: Tagging = {
  async tag({ arn }, tags, { aws }) {
    await aws.sagemaker.send(new AddTagsCommand({ ResourceArn: arn, Tags: toTagList(tags) }));
  },
  async untag({ arn }, TagKeys, { aws }) {
    await aws.sagemaker.send(new DeleteTagsCommand({ ResourceArn: arn, TagKeys }));
  },
};

const container = {
  containerHostname: text(),
  environment: map(),
  image: text(),
  imageConfig: block({
    repositoryAccessMode: text({ required: true }),
    repositoryAuthConfig: block({ repositoryCredentialsProviderArn: text({ required: true }) }),
  }),
  inferenceSpecificationName: text(),
  mode: text({ default: "SingleModel" }),
  modelDataSource: block({
    s3DataSources: list(
      block({
        compressionType: text({ required: true }),
        s3DataType: text({ required: true }),
        s3Uri: text({ required: true }),
        modelAccessConfig: block({ acceptEula: flag({ required: true }) }),
      }),
      { required: true },
    ),
  }),
  modelDataUrl: text(),
  modelPackageName: text(),
  multiModelConfig: block({ modelCacheSetting: text() }),
} as const;

const modelFields = {
  name: text({ autoName: { max: 255 } }),
  executionRoleArn: text({ required: true }),
  primaryContainer: block(container),
  containers: list(block(container)),
  enableNetworkIsolation: flag(),
  inferenceExecutionConfig: block({ mode: text({ required: true }) }, { computed: true }),
  vpcConfig: block({ securityGroupIds: set(item, { required: true }), subnets: set(item, { required: true }) }),
  ...tagged,
  ...regional,
} satisfies Properties<ModelArgs>;

type Container = Inputs<typeof container>;

function toContainer(given: Container): ContainerDefinition {
  const source = given.modelDataSource?.s3DataSources[0];
  return {
    ContainerHostname: given.containerHostname,
    Environment: given.environment,
    Image: given.image,
    ImageConfig: given.imageConfig && {
      RepositoryAccessMode: given.imageConfig.repositoryAccessMode as RepositoryAccessMode,
      RepositoryAuthConfig: given.imageConfig.repositoryAuthConfig && {
        RepositoryCredentialsProviderArn: given.imageConfig.repositoryAuthConfig.repositoryCredentialsProviderArn,
      },
    },
    InferenceSpecificationName: given.inferenceSpecificationName,
    Mode: given.mode as ContainerMode,
    ModelDataSource: source && {
      S3DataSource: {
        CompressionType: source.compressionType as ModelCompressionType,
        S3DataType: source.s3DataType as S3ModelDataType,
        S3Uri: source.s3Uri,
        ModelAccessConfig: source.modelAccessConfig && { AcceptEula: source.modelAccessConfig.acceptEula },
      },
    },
    ModelDataUrl: given.modelDataUrl,
    ModelPackageName: given.modelPackageName,
    MultiModelConfig: given.multiModelConfig && {
      ModelCacheSetting: given.multiModelConfig.modelCacheSetting as ModelCacheSetting,
    },
  };
}

function fromContainer(got: ContainerDefinition) {
  const source = got.ModelDataSource?.S3DataSource;
  const auth = got.ImageConfig?.RepositoryAuthConfig;
  return {
    containerHostname: got.ContainerHostname,
    environment: got.Environment,
    image: got.Image,
    imageConfig: got.ImageConfig && {
      repositoryAccessMode: got.ImageConfig.RepositoryAccessMode,
      repositoryAuthConfig: auth && { repositoryCredentialsProviderArn: auth.RepositoryCredentialsProviderArn },
    },
    inferenceSpecificationName: got.InferenceSpecificationName,
    mode: got.Mode ?? "SingleModel",
    modelDataSource: source && {
      s3DataSources: [
        {
          compressionType: source.CompressionType,
          s3DataType: source.S3DataType,
          s3Uri: source.S3Uri,
          modelAccessConfig: source.ModelAccessConfig && { acceptEula: source.ModelAccessConfig.AcceptEula },
        },
      ],
    },
    // SageMaker answers a model's address in both forms.
    modelDataUrl: got.ModelDataUrl,
    modelPackageName: got.ModelPackageName,
    multiModelConfig: got.MultiModelConfig && { modelCacheSetting: got.MultiModelConfig.ModelCacheSetting },
  };
}

export const model = resource<typeof modelFields>({
  token: "aws:sagemaker/model:Model",
  fields: modelFields,
  outputs: ["arn"],
  tagging,
  check: checkName,
  async create(inputs, scope) {
    const command = new CreateModelCommand({
      ModelName: inputs.name,
      ExecutionRoleArn: inputs.executionRoleArn,
      PrimaryContainer: inputs.primaryContainer && toContainer(inputs.primaryContainer),
      Containers: inputs.containers?.map(toContainer),
      EnableNetworkIsolation: inputs.enableNetworkIsolation,
      InferenceExecutionConfig: inputs.inferenceExecutionConfig && {
        Mode: inputs.inferenceExecutionConfig.mode as InferenceExecutionMode,
      },
      VpcConfig: inputs.vpcConfig && {
        SecurityGroupIds: inputs.vpcConfig.securityGroupIds,
        Subnets: inputs.vpcConfig.subnets,
      },
      Tags: toTagList(inputs.tagsAll),
    });
    // A role that cannot be assumed yet is refused like any other wrong value.
    await retry(
      scope,
      (error) => isCode(error, "ValidationException"),
      () => scope.aws.sagemaker.send(command),
    );
    return inputs.name;
  },
  async read(id, scope) {
    const found = await unlessNotFound("model", scope.aws.sagemaker.send(new DescribeModelCommand({ ModelName: id })));
    if (found === undefined) return undefined;
    return {
      name: found.ModelName,
      arn: found.ModelArn,
      executionRoleArn: found.ExecutionRoleArn,
      primaryContainer: found.PrimaryContainer && fromContainer(found.PrimaryContainer),
      containers: found.Containers?.map(fromContainer),
      enableNetworkIsolation: found.EnableNetworkIsolation,
      inferenceExecutionConfig: found.InferenceExecutionConfig && { mode: found.InferenceExecutionConfig.Mode },
      vpcConfig: found.VpcConfig && {
        securityGroupIds: found.VpcConfig.SecurityGroupIds,
        subnets: found.VpcConfig.Subnets,
      },
      tags: await readTags(scope, found.ModelArn),
    };
  },
  async delete(id, scope) {
    try {
      await scope.aws.sagemaker.send(new DeleteModelCommand({ ModelName: id }));
    } catch (error) {
      if (!isNotFound(error, "model") && !isCode(error, "ResourceNotFound")) throw error;
    }
  },
});

const endpointFields = {
  name: text({ autoName: { max: 255 }, forceNew: true }),
  endpointConfigName: text({ required: true }),
  deploymentConfig: deployment,
  ...tagged,
  ...regional,
} satisfies Properties<EndpointArgs>;

const longestWaitMilliseconds = 60 * 60_000;
const pending: readonly (string | undefined)[] = ["Creating", "Updating", "SystemUpdating"];

/** Waits until the endpoint serves. Throws ProviderError with AWS's reason if it ends in any other state. */
async function inService(EndpointName: string, scope: Scope): Promise<void> {
  const start = performance.now();
  for (;;) {
    const found = await scope.aws.sagemaker.send(new DescribeEndpointCommand({ EndpointName }));
    if (found.EndpointStatus === "InService") return;
    if (!pending.includes(found.EndpointStatus)) throw new ProviderError(endState(found));
    const waited = performance.now() - start;
    if (waited > longestWaitMilliseconds) {
      throw new ProviderError(`Endpoint ${EndpointName} is still ${found.EndpointStatus ?? "?"} after 60 min`);
    }
    scope.progress(`${found.EndpointStatus ?? "?"} for ${Math.round(waited / 1_000)} s`);
    await scope.pause();
  }
}

function endState({ EndpointName, EndpointStatus, FailureReason }: DescribeEndpointOutput): string {
  const reason = FailureReason ?? "SageMaker gives no reason";
  return `Endpoint ${EndpointName ?? "?"} is ${EndpointStatus ?? "in no state"} instead of InService: ${reason}`;
}

async function describeEndpoint(EndpointName: string, { aws }: Scope): Promise<DescribeEndpointOutput | undefined> {
  const found = await unlessNotFound("endpoint", aws.sagemaker.send(new DescribeEndpointCommand({ EndpointName })));
  return found?.EndpointStatus === "Deleting" ? undefined : found;
}

function toDeploymentConfig(inputs: Inputs<typeof endpointFields>): { DeploymentConfig?: DeploymentConfig } {
  return inputs.deploymentConfig === undefined ? {} : { DeploymentConfig: toDeployment(inputs.deploymentConfig) };
}

export const endpoint = resource<typeof endpointFields>({
  token: "aws:sagemaker/endpoint:Endpoint",
  fields: endpointFields,
  outputs: ["arn"],
  tagging,
  check: checkName,
  async create(inputs, scope) {
    await scope.aws.sagemaker.send(
      new CreateEndpointCommand({
        EndpointName: inputs.name,
        EndpointConfigName: inputs.endpointConfigName,
        ...toDeploymentConfig(inputs),
        Tags: toTagList(inputs.tagsAll),
      }),
    );
    scope.created(inputs.name);
    await inService(inputs.name, scope);
    return inputs.name;
  },
  async read(id, scope) {
    const found = await describeEndpoint(id, scope);
    return (
      found && {
        name: found.EndpointName,
        arn: found.EndpointArn,
        endpointConfigName: found.EndpointConfigName,
        deploymentConfig: found.LastDeploymentConfig && fromDeployment(found.LastDeploymentConfig),
        tags: await readTags(scope, found.EndpointArn),
      }
    );
  },
  async update({ id, inputs }, scope) {
    // Never RetainAllVariantProperties: the configuration's instance count applies again, as with the official provider.
    await scope.aws.sagemaker.send(
      new UpdateEndpointCommand({
        EndpointName: id,
        EndpointConfigName: inputs.endpointConfigName,
        ...toDeploymentConfig(inputs),
      }),
    );
    await inService(id, scope);
  },
  async delete(id, scope) {
    try {
      await scope.aws.sagemaker.send(new DeleteEndpointCommand({ EndpointName: id }));
    } catch (error) {
      if (error instanceof AwsCallError && isNotFound(error, "endpoint")) return;
      throw error;
    }
    while ((await describeEndpoint(id, scope)) !== undefined) await scope.pause();
  },
});
