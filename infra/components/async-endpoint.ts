/** The asynchronous endpoint: its role, its model, its configuration and the location of its results. */
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import * as iam from "@pulumi/aws/iam/index.js";
import * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import * as pulumi from "@pulumi/pulumi";
import { currentAccount } from "../account.ts";
import { containerStartupTimeout } from "../container-environment.ts";
import { withDefaults } from "../defaults.ts";
import { logGroupOf } from "../endpoint-name.ts";
import { executionPolicy, trustPolicy } from "../iam/execution-role.ts";
import type { RequestMode } from "../request-settings.ts";
import { locationArns, s3Url } from "../video-locations.ts";
import type { AsyncEndpointArgs } from "./async-endpoint-args.ts";
import { deploymentConfig, endpointNameFor, networkOf } from "./endpoint-inputs.ts";
import { servingContainer } from "./serving-container.ts";
import { create } from "./transform.ts";
import { updateHooks } from "../update-hooks/update-hooks.ts";

/** Fixed, because the scalable target names it too. SageMaker uses this name if an endpoint has only one variant. */
const variantName = "AllTraffic";

/** Tag of a model whose subnets reach S3. No property of the model shows it, so the policy reference-needs-s3 reads the tag. */
const s3EndpointTag = "s3-endpoint";

/** For resources with a given name. By default Pulumi would delete them, and everything that depends on them, before it creates the replacement. */
const newFirst = { deleteBeforeReplace: false };

/**
 * Model, endpoint configuration and endpoint. The first two are immutable in AWS and Pulumi names them, so
 * a change creates new ones, updates the endpoint in place, and only then deletes the old ones.
 * @example
 * const inference = new AsyncEndpoint("videos", {
 *   keyArn: key.arn,
 *   modelUrl: artifact.url,
 *   inputBucket: storage.inputBucket,
 *   outputBucket: storage.outputBucket,
 *   successTopicArn: notifications.successTopicArn,
 *   errorTopicArn: notifications.errorTopicArn,
 * });
 */
export class AsyncEndpoint extends pulumi.ComponentResource {
  /** ARN of the endpoint. */
  readonly endpointArn: pulumi.Output<string>;
  /** Name of the endpoint. */
  readonly endpointName: pulumi.Output<string>;
  /** Name of the endpoint configuration that the endpoint must run. After a rollback it runs another one. */
  readonly configurationName: pulumi.Output<string>;
  /** Name of the endpoint's only variant. */
  readonly variantName = variantName;
  /**
   * Output of a resource that is replaced when the variant's instance type changes. AWS refuses such an update while a scalable target is
   * registered. A target that has this as an input is deleted before the endpoint's update and created again after it.
   */
  readonly replacementTrigger: pulumi.Output<string>;
  /** Instance type. */
  readonly instanceType: pulumi.Output<string>;
  /** Number of concurrent invocations per instance. */
  readonly maxConcurrency: pulumi.Output<number>;
  /** Maximum size of a result, MiB. */
  readonly maxResponseSize: pulumi.Output<number>;
  /** True if the container fails to start without a GPU that CUDA can use. */
  readonly requireGpu: pulumi.Output<boolean>;
  /** How the endpoint gets a video: by a reference to an object in S3, or as the body of the request. */
  readonly requests: pulumi.Output<RequestMode>;
  /** Maximum size of a request's body, MiB. */
  readonly maxRequestSize: pulumi.Output<number>;
  /** Maximum processing time of one video, seconds. */
  readonly invocationTimeout: pulumi.Output<number>;
  /** Frame rate at which the model samples a video, frames per second. */
  readonly sampleFps: pulumi.Output<number>;

  constructor(name: string, args: AsyncEndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:AsyncEndpoint", name, {}, opts);
    const settings = withDefaults(args);
    const { account = currentAccount(this), keyArn, instanceType, rollbackAlarms, transform = {} } = settings;
    const topicArns = { successTopic: settings.successTopicArn, errorTopic: settings.errorTopicArn };
    const endpointNamePrefix = `${name}-endpoint-`;
    const network = networkOf(settings);
    const container = servingContainer(settings, account, this);
    const { image, environment, inferenceAmiVersion } = container;

    const role = create(
      iam.Role,
      transform.role,
      `${name}-execution`,
      { assumeRolePolicy: trustPolicy(account), permissionsBoundary: settings.permissionsBoundary },
      { parent: this },
    );
    const policy = executionPolicy({
      ...settings,
      account,
      endpointNamePrefix,
      locations: locationArns(account, settings),
      topicArns: Object.values(topicArns),
      image,
      network,
    });
    const rolePolicy = create(
      iam.RolePolicy,
      transform.rolePolicy,
      `${name}-execution`,
      { role: role.name, policy },
      { parent: this },
    );

    const model = create(
      sagemaker.Model,
      transform.model,
      `${name}-model`,
      {
        executionRoleArn: role.arn,
        primaryContainer: { image, modelDataUrl: args.modelUrl, environment },
        enableNetworkIsolation: settings.networkIsolation,
        tags: pulumi
          .output(settings.s3Endpoint)
          .apply((reached) => (reached ? { [s3EndpointTag]: "true" } : undefined)),
        vpcConfig: network.apply(
          (joined) => joined && { subnets: joined.subnetIds, securityGroupIds: joined.securityGroupIds },
        ),
      },
      // CreateModel reads the artifact with the role, which must have its permissions by then.
      { parent: this, dependsOn: rolePolicy },
    );

    const configuration = create(
      sagemaker.EndpointConfiguration,
      transform.configuration,
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
            inferenceAmiVersion,
          },
        ],
        asyncInferenceConfig: {
          clientConfig: { maxConcurrentInvocationsPerInstance: settings.maxConcurrency },
          outputConfig: {
            s3OutputPath: s3Url(settings.outputBucket, settings.resultPrefix),
            s3FailurePath: s3Url(settings.outputBucket, settings.failurePrefix),
            kmsKeyId: keyArn,
            notificationConfig: topicArns,
          },
        },
      },
      // SageMaker refuses UpdateEndpoint with the current configuration, so a new bake time needs a new configuration.
      { parent: this, replacementTrigger: settings.bakeTime },
    );

    const endpointName = endpointNameFor(endpointNamePrefix, account, rollbackAlarms);
    // Before the endpoint: otherwise SageMaker would create the group, without retention and without the key.
    const logGroup = create(
      cloudwatch.LogGroup,
      transform.logGroup,
      `${name}-endpoint`,
      { name: endpointName.apply(logGroupOf), retentionInDays: settings.logRetentionDays, kmsKeyId: keyArn },
      { parent: this, ...newFirst },
    );
    // The logical name is an earlier one: another name would replace the trigger, and with it the scalable target.
    const trigger = new pulumi.Stash(
      `${name}-fleet`,
      { input: instanceType },
      { parent: this, replaceOnChanges: ["input"], deleteBeforeReplace: true },
    );
    const endpoint = create(
      sagemaker.Endpoint,
      transform.endpoint,
      `${name}-endpoint`,
      { name: endpointName, endpointConfigName: configuration.name, deploymentConfig: deploymentConfig(settings) },
      {
        parent: this,
        dependsOn: [trigger, logGroup],
        hooks: updateHooks(name),
        // SageMaker may set it, and would refuse an update that changes only this.
        ignoreChanges: ["deploymentConfig.blueGreenUpdatePolicy.maximumExecutionTimeoutInSeconds"],
        ...newFirst,
      },
    );
    this.endpointArn = endpoint.arn;
    this.endpointName = endpoint.name;
    this.configurationName = configuration.name;
    this.replacementTrigger = trigger.output.apply((value: unknown) => String(value));
    this.instanceType = pulumi.output(instanceType);
    this.maxConcurrency = pulumi.output(settings.maxConcurrency);
    this.maxResponseSize = pulumi.output(settings.maxResponseSize);
    this.requireGpu = container.requireGpu;
    this.requests = container.requests;
    this.maxRequestSize = pulumi.output(settings.maxRequestSize);
    this.invocationTimeout = pulumi.output(settings.invocationTimeout);
    this.sampleFps = pulumi.output(settings.sampleFps);
    this.registerOutputs({
      endpointArn: this.endpointArn,
      endpointName: this.endpointName,
      configurationName: this.configurationName,
      variantName: this.variantName,
      instanceType: this.instanceType,
      maxConcurrency: this.maxConcurrency,
      maxResponseSize: this.maxResponseSize,
      requireGpu: this.requireGpu,
      requests: this.requests,
      maxRequestSize: this.maxRequestSize,
      invocationTimeout: this.invocationTimeout,
      sampleFps: this.sampleFps,
    });
  }
}
