/** The asynchronous endpoint: the role that it works with, the model that it serves, how it serves it, and where results go. */
import * as iam from "@pulumi/aws/iam/index.js";
import * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "./account.ts";
import type { CompletionTopics } from "./completion-topics.ts";
import { containerEnvironment, type ServingLimits } from "./container-environment.ts";
import { defaults, torchServeImage } from "./defaults.ts";
import { executionPolicy, trustPolicy } from "./execution-role.ts";
import type { VideoStorage } from "./video-storage.ts";

/** Fixed, because the scalable target names it too; SageMaker's own name for an only variant. */
const variantName = "AllTraffic";

/** What can be chosen about an {@link AsyncEndpoint}. */
export interface AsyncEndpointArgs extends Partial<ServingLimits> {
  /** Where the endpoint runs. */
  readonly account: Account;
  /** Where it reads videos and writes results. */
  readonly storage: VideoStorage;
  /** Where it says what is done. */
  readonly topics: CompletionTopics;
  /** s3:// address of the model.tar.gz, under the storage's prefix for models. */
  readonly modelUrl: pulumi.Input<string>;
  /**
   * The serving image, in ECR.
   * @default AWS's PyTorch image with TorchServe, from the registry of the stack's region
   */
  readonly image?: pulumi.Input<string> | undefined;
  /** @default "ml.g4dn.xlarge" */
  readonly instanceType?: pulumi.Input<string>;
}

/**
 * Model, endpoint configuration and endpoint. The first two are immutable at AWS and get their names from Pulumi, so that
 * a change makes new ones, updates the endpoint in place, and only then deletes the old ones.
 */
export class AsyncEndpoint extends pulumi.ComponentResource {
  readonly endpoint: sagemaker.Endpoint;
  readonly endpointName: pulumi.Output<string>;
  readonly variantName = variantName;
  readonly instanceType: pulumi.Output<string>;
  /** Invocations at a time on an instance. */
  readonly maxConcurrency: number;

  constructor(name: string, args: AsyncEndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:AsyncEndpoint", name, {}, opts);
    const settings = { ...defaults, ...args };
    const { account, storage, topics, instanceType, maxConcurrency } = settings;
    const image = settings.image ?? sagemaker.getPrebuiltEcrImageOutput(torchServeImage, { parent: this }).registryPath;

    const role = new iam.Role(`${name}-execution`, { assumeRolePolicy: trustPolicy(account) }, { parent: this });
    const rolePolicy = new iam.RolePolicy(
      `${name}-execution`,
      {
        role: role.name,
        policy: executionPolicy({
          account,
          endpointNamePrefix: `${name}-endpoint-`,
          image,
          buckets: [storage.inputBucketArn, storage.outputBucketArn],
          // All artifacts, not only this one: while an endpoint is updated, or rolled back, its old model still starts.
          reads: [
            pulumi.interpolate`${storage.inputBucketArn}/${storage.inputPrefix}*`,
            pulumi.interpolate`${storage.inputBucketArn}/${storage.modelPrefix}*`,
          ],
          writes: [
            pulumi.interpolate`${storage.outputBucketArn}/${storage.resultPrefix}*`,
            pulumi.interpolate`${storage.outputBucketArn}/${storage.failurePrefix}*`,
          ],
          topics: [topics.successTopicArn, topics.errorTopicArn],
        }),
      },
      { parent: this },
    );

    const model = new sagemaker.Model(
      `${name}-model`,
      {
        executionRoleArn: role.arn,
        primaryContainer: { image, modelDataUrl: args.modelUrl, environment: containerEnvironment(settings) },
      },
      // CreateModel reads the artifact with the role: it must be allowed to by then.
      { parent: this, dependsOn: rolePolicy },
    );

    const configuration = new sagemaker.EndpointConfiguration(
      `${name}-config`,
      {
        productionVariants: [
          // SageMaker starts no endpoint without an instance; the autoscaler takes it to zero.
          { variantName, modelName: model.name, instanceType, initialInstanceCount: 1 },
        ],
        asyncInferenceConfig: {
          clientConfig: { maxConcurrentInvocationsPerInstance: maxConcurrency },
          outputConfig: {
            s3OutputPath: storage.outputLocation,
            s3FailurePath: storage.failureLocation,
            notificationConfig: { successTopic: topics.successTopicArn, errorTopic: topics.errorTopicArn },
          },
        },
      },
      { parent: this },
    );

    this.endpoint = new sagemaker.Endpoint(
      `${name}-endpoint`,
      { endpointConfigName: configuration.name },
      { parent: this },
    );
    this.endpointName = this.endpoint.name;
    this.instanceType = pulumi.output(instanceType);
    this.maxConcurrency = maxConcurrency;
    this.registerOutputs({
      endpointName: this.endpointName,
      variantName: this.variantName,
      instanceType: this.instanceType,
      maxConcurrency: this.maxConcurrency,
    });
  }
}
