/** The asynchronous endpoint: its role, its model, its configuration and the location of its results. */
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import * as iam from "@pulumi/aws/iam/index.js";
import * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import type { InferenceNotifications } from "./inference-notifications.ts";
import { containerEnvironment, containerStartupTimeout, type ServingLimits } from "../container-environment.ts";
import { defaults } from "../defaults.ts";
import { endpointNameOf, logGroupOf } from "../endpoint-name.ts";
import { executionPolicy, type Network, trustPolicy } from "../iam/execution-role.ts";
import { updateHooks } from "./update-hooks.ts";
import { boundedBy } from "../iam/role-boundary.ts";
import { hasGpu, type MachineImage, machineImageOf, publishedImage, serverOf } from "../serving-image.ts";
import type { SourceBucket } from "../source-buckets.ts";
import type { VideoStorage } from "./video-storage.ts";

/** Fixed, because the scalable target names it too. SageMaker uses this name if an endpoint has only one variant. */
const variantName = "AllTraffic";

/** For resources with a given name. By default Pulumi would delete them, and everything that depends on them, before it creates the replacement. */
const newFirst = { deleteBeforeReplace: false };

/** Options for an {@link AsyncEndpoint}. */
export interface AsyncEndpointArgs extends Partial<ServingLimits> {
  /** The account and region that the endpoint runs in. */
  readonly account: Account;
  /** The storage of videos and results. */
  readonly storage: VideoStorage;
  /** The topics that successes and failures are published to. */
  readonly topics: InferenceNotifications;
  /** s3:// address of the model.tar.gz, under the storage's prefix for models. */
  readonly modelUrl: pulumi.Input<string>;
  /**
   * The serving image: `torchserve` or `ray` for AWS's images, from the registry of the stack's region, or an address in ECR.
   * @default "torchserve"
   */
  readonly image?: string;
  /** Instance type. @default "ml.g4dn.xlarge" */
  readonly instanceType?: string;
  /**
   * Machine image of the instances, which determines their NVIDIA driver.
   * @default the one that fits the CUDA version of AWS's images, or of the image's tag; otherwise SageMaker's choice
   */
  readonly inferenceAmi?: MachineImage | undefined;
  /**
   * Fail to start if CUDA cannot use a GPU, instead of running on the CPU at the price of a GPU.
   * @default true for instance types with a GPU
   */
  readonly requireGpu?: boolean | undefined;
  /** ARN of the key that encrypts results. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Subnets of the instances' network interfaces. S3, SNS, ECR and CloudWatch Logs must be reachable from them.
   * @default none: AWS's own network
   */
  readonly subnetIds?: readonly string[];
  /** Security groups of the instances' network interfaces. @default none */
  readonly securityGroupIds?: readonly string[];
  /**
   * Disconnect the container from every network. SageMaker still delivers videos and uploads results.
   * @default false
   */
  readonly networkIsolation?: boolean;
  /**
   * Existing buckets that videos are read from, in addition to the storage's.
   * @default none
   */
  readonly sourceBuckets?: readonly SourceBucket[];
  /**
   * ARN of the policy that bounds what the execution role can do.
   * @default none
   */
  readonly permissionsBoundary?: string | undefined;
  /**
   * Seconds to keep the old instances after a blue/green update, while the alarms watch the new ones.
   * @default 0
   */
  readonly bakeTime?: number;
  /**
   * Names of CloudWatch alarms. Any of them rolls back an update. They must exist before the endpoint does. A change of the
   * list replaces the endpoint (a rule of the provider).
   * @default none
   */
  readonly rollbackAlarms?: readonly string[];
  /**
   * Days to keep the endpoint's log; one of CloudWatch's values.
   * @default 30
   */
  readonly logRetentionDays?: number;
}

/**
 * Model, endpoint configuration and endpoint. The first two are immutable in AWS and Pulumi names them, so
 * a change creates new ones, updates the endpoint in place, and only then deletes the old ones.
 */
export class AsyncEndpoint extends pulumi.ComponentResource {
  readonly endpoint: sagemaker.Endpoint;
  readonly endpointName: pulumi.Output<string>;
  /** Name of the endpoint configuration that the endpoint must run. After a rollback it runs another one. */
  readonly configurationName: pulumi.Output<string>;
  readonly variantName = variantName;
  /**
   * Changes when the variant's instance type changes. AWS refuses such an update while a scalable target is
   * registered. A target that depends on this is deleted before the endpoint's update and created again after it.
   */
  readonly replacementTrigger: pulumi.Stash;
  readonly instanceType: pulumi.Output<string>;
  /** Number of concurrent invocations per instance. */
  readonly maxConcurrency: number;
  /** Maximum size of a result, MiB. */
  readonly maxResponseSize: number;
  /** True if the container fails to start without a GPU that CUDA can use. */
  readonly requireGpu: boolean;
  /** Maximum size of a video, MiB. */
  readonly maxRequestSize: number;
  /** Maximum processing time of one video, seconds. */
  readonly invocationTimeout: number;

  constructor(name: string, args: AsyncEndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:AsyncEndpoint", name, {}, opts);
    const settings = { ...defaults, ...args };
    const { account, storage, topics, keyArn, instanceType, maxConcurrency } = settings;
    const network = networkOf(settings);
    const image = addressOf(settings.image, instanceType, this);
    const inferenceAmiVersion = settings.inferenceAmi ?? machineImageOf(settings.image, instanceType);
    const requireGpu = settings.requireGpu ?? hasGpu(instanceType);

    const role = new iam.Role(
      `${name}-execution`,
      { assumeRolePolicy: trustPolicy(account), ...boundedBy(args) },
      { parent: this },
    );
    const rolePolicy = new iam.RolePolicy(
      `${name}-execution`,
      {
        role: role.name,
        policy: executionPolicy({
          account,
          rollbackAlarms: settings.rollbackAlarms,
          endpointNamePrefix: `${name}-endpoint-`,
          image,
          buckets: [storage.inputBucketArn, storage.outputBucketArn],
          // All artifacts, not only this one: during an update or a rollback, the old model still starts.
          reads: [
            pulumi.interpolate`${storage.inputBucketArn}/${storage.inputPrefix}*`,
            pulumi.interpolate`${storage.inputBucketArn}/${storage.modelPrefix}*`,
          ],
          writes: [
            pulumi.interpolate`${storage.outputBucketArn}/${storage.resultPrefix}*`,
            pulumi.interpolate`${storage.outputBucketArn}/${storage.failurePrefix}*`,
          ],
          topics: [topics.successTopicArn, topics.errorTopicArn],
          keyArn,
          sourceBuckets: settings.sourceBuckets,
          network,
        }),
      },
      { parent: this },
    );

    const model = new sagemaker.Model(
      `${name}-model`,
      {
        executionRoleArn: role.arn,
        primaryContainer: {
          image,
          modelDataUrl: args.modelUrl,
          environment: containerEnvironment({ ...settings, requireGpu }, serverOf(settings.image)),
        },
        enableNetworkIsolation: settings.networkIsolation,
        ...(network === undefined
          ? {}
          : { vpcConfig: { subnets: [...network.subnetIds], securityGroupIds: [...network.securityGroupIds] } }),
      },
      // CreateModel reads the artifact with the role, which must have its permissions by then.
      { parent: this, dependsOn: rolePolicy },
    );

    const configuration = new sagemaker.EndpointConfiguration(
      `${name}-config`,
      {
        productionVariants: [
          // SageMaker starts no endpoint without an instance; the autoscaler scales it to zero. No kmsKeyArn: instances with
          // a local disk, such as g4dn, encrypt it in hardware and refuse a key.
          {
            variantName,
            modelName: model.name,
            instanceType,
            initialInstanceCount: 1,
            containerStartupHealthCheckTimeoutInSeconds: containerStartupTimeout,
            ...(inferenceAmiVersion === undefined ? {} : { inferenceAmiVersion }),
          },
        ],
        asyncInferenceConfig: {
          clientConfig: { maxConcurrentInvocationsPerInstance: maxConcurrency },
          outputConfig: {
            s3OutputPath: storage.outputLocation,
            s3FailurePath: storage.failureLocation,
            kmsKeyId: keyArn,
            notificationConfig: { successTopic: topics.successTopicArn, errorTopic: topics.errorTopicArn },
          },
        },
      },
      // SageMaker refuses UpdateEndpoint with the current configuration, so a new bake time needs a new configuration.
      { parent: this, replacementTrigger: settings.bakeTime },
    );

    const endpointName = nameFor(`${name}-endpoint-`, account, settings.rollbackAlarms);
    // Before the endpoint: otherwise SageMaker would create the group, without retention and without the key.
    const logGroup = new cloudwatch.LogGroup(
      `${name}-endpoint`,
      { name: endpointName.apply(logGroupOf), retentionInDays: settings.logRetentionDays, kmsKeyId: keyArn },
      { parent: this, ...newFirst },
    );
    this.replacementTrigger = new pulumi.Stash(
      `${name}-fleet`,
      { input: instanceType },
      { parent: this, replaceOnChanges: ["input"], deleteBeforeReplace: true },
    );
    this.endpoint = new sagemaker.Endpoint(
      `${name}-endpoint`,
      { name: endpointName, endpointConfigName: configuration.name, deploymentConfig: deployment(settings) },
      {
        parent: this,
        dependsOn: [this.replacementTrigger, logGroup],
        hooks: updateHooks(name),
        // SageMaker may set it, and would refuse an update that changes only this.
        ignoreChanges: ["deploymentConfig.blueGreenUpdatePolicy.maximumExecutionTimeoutInSeconds"],
        ...newFirst,
      },
    );
    this.endpointName = this.endpoint.name;
    this.configurationName = configuration.name;
    this.instanceType = pulumi.output(instanceType);
    this.maxConcurrency = maxConcurrency;
    this.maxResponseSize = settings.maxResponseSize;
    this.requireGpu = requireGpu;
    this.maxRequestSize = settings.maxRequestSize;
    this.invocationTimeout = settings.invocationTimeout;
    this.registerOutputs({
      endpointName: this.endpointName,
      configurationName: this.configurationName,
      variantName: this.variantName,
      instanceType: this.instanceType,
      maxConcurrency: this.maxConcurrency,
      maxResponseSize: this.maxResponseSize,
      requireGpu: this.requireGpu,
      maxRequestSize: this.maxRequestSize,
      invocationTimeout: this.invocationTimeout,
    });
  }
}

/** Returns the image's address in ECR. AWS's images are in the registry of the stack's region. */
function addressOf(image: string, instanceType: string, parent: pulumi.Resource): pulumi.Input<string> {
  const published = publishedImage(image, instanceType);
  if (published === undefined) return image;
  // The provider does not know the repository `ray`, but it knows the registry that contains both.
  const { registryPath } = sagemaker.getPrebuiltEcrImageOutput({ repositoryName: "pytorch-inference" }, { parent });
  const { repositoryName, imageTag } = published;
  return registryPath.apply((address) => `${address.slice(0, address.indexOf("/"))}/${repositoryName}:${imageTag}`);
}

/** Instances are in a VPC if they have a subnet. SageMaker then requires a security group too. */
function networkOf({ subnetIds, securityGroupIds }: Network): Network | undefined {
  return subnetIds.length === 0 ? undefined : { subnetIds, securityGroupIds };
}

/** Returns the endpoint's name in the stack that is being deployed. */
function nameFor(prefix: string, account: Account, rollbackAlarms: readonly string[]): pulumi.Output<string> {
  const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
  return pulumi
    .all([account.id, account.region])
    .apply(([accountId, region]) => endpointNameOf({ accountId, region, project, stack, rollbackAlarms }, prefix));
}

/**
 * Blue/green, all at once, with a rollback if an alarm fires. SageMaker does the same without a configuration. The program still sets it: SageMaker
 * returns the configuration of the last deployment, and the provider reports a difference if the program does not set it.
 */
function deployment({
  bakeTime,
  rollbackAlarms,
}: Required<Pick<AsyncEndpointArgs, "bakeTime" | "rollbackAlarms">>): sagemaker.EndpointArgs["deploymentConfig"] {
  return {
    blueGreenUpdatePolicy: {
      terminationWaitInSeconds: 0,
      trafficRoutingConfiguration: { type: "ALL_AT_ONCE", waitIntervalInSeconds: bakeTime },
    },
    ...(rollbackAlarms.length === 0
      ? {}
      : { autoRollbackConfiguration: { alarms: rollbackAlarms.map((alarmName) => ({ alarmName })) } }),
  };
}
