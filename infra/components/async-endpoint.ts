/** The asynchronous endpoint: the role that it works with, the model that it serves, how it serves it, and where results go. */
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

/** Fixed, because the scalable target names it too; SageMaker's own name for an only variant. */
const variantName = "AllTraffic";

/** For resources with a given name, which Pulumi otherwise deletes before it creates their replacement, with all that depends on them. */
const newFirst = { deleteBeforeReplace: false };

/** What can be chosen about an {@link AsyncEndpoint}. */
export interface AsyncEndpointArgs extends Partial<ServingLimits> {
  /** Where the endpoint runs. */
  readonly account: Account;
  /** Where it reads videos and writes results. */
  readonly storage: VideoStorage;
  /** Where it says what is done. */
  readonly topics: InferenceNotifications;
  /** s3:// address of the model.tar.gz, under the storage's prefix for models. */
  readonly modelUrl: pulumi.Input<string>;
  /**
   * The serving image: `torchserve` or `ray` for AWS's own, from the registry of the stack's region, or an address in ECR.
   * @default "torchserve"
   */
  readonly image?: string;
  /** @default "ml.g4dn.xlarge" */
  readonly instanceType?: string;
  /**
   * Machine image of the instances, which decides about their NVIDIA driver.
   * @default the one that fits the CUDA version of AWS's images, or of the image's tag; else SageMaker's own choice
   */
  readonly inferenceAmi?: MachineImage | undefined;
  /**
   * Whether the container fails to start without a GPU that CUDA can use, instead of working on the CPU at a GPU's price.
   * @default true for instance types with a GPU
   */
  readonly requireGpu?: boolean | undefined;
  /** ARN of the key that results are encrypted with. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Subnets that instances have an interface in; they must reach S3, SNS, ECR and CloudWatch Logs from there.
   * @default none: AWS's own network
   */
  readonly subnetIds?: readonly string[];
  /** @default none */
  readonly securityGroupIds?: readonly string[];
  /**
   * Whether the container is cut off from every network; SageMaker still brings videos and takes results away.
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
   * Seconds that a new fleet serves beside the old one, watched by the alarms, before the old one goes.
   * @default 0
   */
  readonly bakeTime?: number;
  /**
   * Names of CloudWatch alarms, any of which takes an update back. They must be there before the endpoint is: to change
   * them makes a new endpoint (the provider's rule).
   * @default none
   */
  readonly rollbackAlarms?: readonly string[];
  /**
   * Days that the endpoint's log is kept; one of CloudWatch's values.
   * @default 30
   */
  readonly logRetentionDays?: number;
}

/**
 * Model, endpoint configuration and endpoint. The first two are immutable at AWS and get their names from Pulumi, so that
 * a change makes new ones, updates the endpoint in place, and only then deletes the old ones.
 */
export class AsyncEndpoint extends pulumi.ComponentResource {
  readonly endpoint: sagemaker.Endpoint;
  readonly endpointName: pulumi.Output<string>;
  /** Name of the endpoint configuration that the endpoint must run; after a roll-back it runs another. */
  readonly configurationName: pulumi.Output<string>;
  readonly variantName = variantName;
  /**
   * Replaced, old first, when the variant's instance type changes. AWS refuses such an update while a scalable target is
   * registered: a target that is made of this goes before the endpoint's update, and comes back after it.
   */
  readonly replacementTrigger: pulumi.Stash;
  readonly instanceType: pulumi.Output<string>;
  /** Invocations at a time on an instance. */
  readonly maxConcurrency: number;
  /** Largest result, MiB. */
  readonly maxResponseSize: number;
  /** Whether the container fails to start without a GPU that CUDA can use. */
  readonly requireGpu: boolean;
  /** Largest video, MiB. */
  readonly maxRequestSize: number;
  /** Longest run of one video, seconds. */
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
      // CreateModel reads the artifact with the role: it must be allowed to by then.
      { parent: this, dependsOn: rolePolicy },
    );

    const configuration = new sagemaker.EndpointConfiguration(
      `${name}-config`,
      {
        productionVariants: [
          // SageMaker starts no endpoint without an instance; the autoscaler takes it to zero. No kmsKeyArn: instances with
          // a disk of their own, such as g4dn, encrypt it in hardware and refuse a key.
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
      // SageMaker refuses UpdateEndpoint with the configuration that is in use, so another bake time needs another configuration.
      { parent: this, replacementTrigger: settings.bakeTime },
    );

    const endpointName = nameFor(`${name}-endpoint-`, account, settings.rollbackAlarms);
    // Before the endpoint: SageMaker would create the group, without expiry and without the key.
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
        // SageMaker may fill it in, and an update for only that would be refused.
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

/** The image's address in ECR, for AWS's own in the registry of the stack's region. */
function addressOf(image: string, instanceType: string, parent: pulumi.Resource): pulumi.Input<string> {
  const published = publishedImage(image, instanceType);
  if (published === undefined) return image;
  // The provider does not know the repository `ray`, but the registry that both lie in.
  const { registryPath } = sagemaker.getPrebuiltEcrImageOutput({ repositoryName: "pytorch-inference" }, { parent });
  const { repositoryName, imageTag } = published;
  return registryPath.apply((address) => `${address.slice(0, address.indexOf("/"))}/${repositoryName}:${imageTag}`);
}

/** Instances are in a VPC once they have a subnet; SageMaker wants a security group with it. */
function networkOf({ subnetIds, securityGroupIds }: Network): Network | undefined {
  return subnetIds.length === 0 ? undefined : { subnetIds, securityGroupIds };
}

/** The endpoint's name in the stack that is being deployed. */
function nameFor(prefix: string, account: Account, rollbackAlarms: readonly string[]): pulumi.Output<string> {
  const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
  return pulumi
    .all([account.id, account.region])
    .apply(([accountId, region]) => endpointNameOf({ accountId, region, project, stack, rollbackAlarms }, prefix));
}

/**
 * Blue/green, all at once, and back again if an alarm goes off. This is also what SageMaker does without a configuration. It is given even so: SageMaker shows the last
 * deployment's configuration, and the provider takes what it shows and the program does not say for a change.
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
