/** One endpoint: SageMaker's view of the state machine. */

import type { DeploymentConfig, DescribeEndpointOutput, EndpointStatus, VpcConfig } from "@aws-sdk/client-sagemaker";
import type { Baking } from "../../core/endpoint-api.ts";
import { instanceNamespace } from "../../core/endpoint-metrics.ts";
import { AsyncEndpoint } from "../../core/endpoint.ts";
import { DeploymentFailedError, EndpointGoneError, ScalingFailedError } from "../../core/endpoint-api.ts";
import type { EndpointState } from "../../core/endpoint-api.ts";
import type { InstanceLauncher } from "../../core/worker.ts";
import { executionActor } from "./dependencies.ts";
import type { SageMakerDependencies } from "./dependencies.ts";
import type { EndpointConfigRecord } from "./endpoint-configs.ts";
import type { Invocation } from "./invocation.ts";
import type { Outbox, Sender } from "./outbox.ts";
import type { Named } from "./registry.ts";
import { checkStart, mayPublishMetrics } from "./start-permissions.ts";
import type { StartedInstance } from "./start-permissions.ts";
import { volumeKeyArn } from "./volume-key.ts";
import { alarmArn } from "../cloudwatch/identity.ts";

// FailureReason's maximum length in the API model.
const reasonLimit = 1024;

// Seconds: MaximumExecutionTimeoutInSeconds's maximum in the API model.
const longestDeployment = 28_800;

const statuses: Readonly<Record<EndpointState, EndpointStatus>> = {
  creating: "Creating",
  "in-service": "InService",
  updating: "Updating",
  scaling: "Updating",
  failed: "Failed",
  deleting: "Deleting",
  deleted: "Deleting",
};

function rollbackAlarmsOf(deployment: DeploymentConfig | undefined): string[] {
  return (deployment?.AutoRollbackConfiguration?.Alarms ?? []).map(({ AlarmName = "" }) => AlarmName);
}

function networkOf(vpc: VpcConfig | undefined): StartedInstance["network"] {
  return vpc && { subnets: vpc.Subnets ?? [], securityGroups: vpc.SecurityGroupIds ?? [] };
}

function topicsOf({ success, error }: EndpointConfigRecord["async"]): string[] {
  return [...new Set([success.topic, error.topic])].filter((topic) => topic !== undefined);
}

function senderOf(endpointName: string, { variant, async }: EndpointConfigRecord): Sender {
  return { endpointName, variantName: variant.name, roleArn: variant.model.roleArn, async };
}

/** An endpoint with its current and its next configuration. */
export class LiveEndpoint implements Named {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: Date;
  readonly machine: AsyncEndpoint<Invocation>;
  readonly #aws: SageMakerDependencies;
  readonly #outbox: Outbox;
  #config: EndpointConfigRecord;
  #deploymentConfig: DeploymentConfig | undefined;
  #failureReason: string | undefined;
  /** True if the execution role lets the instances publish their metrics. */
  #publishesMetrics = true;
  #modifiedAt: Date;

  constructor(
    identity: { readonly name: string; readonly arn: string },
    config: EndpointConfigRecord,
    deploymentConfig: DeploymentConfig | undefined,
    aws: SageMakerDependencies,
    outbox: Outbox,
  ) {
    this.name = identity.name;
    this.arn = identity.arn;
    this.#aws = aws;
    this.#outbox = outbox;
    this.#config = config;
    this.#deploymentConfig = deploymentConfig && this.recorded(deploymentConfig);
    this.createdAt = new Date(aws.clock.now());
    this.#modifiedAt = this.createdAt;
    this.machine = new AsyncEndpoint<Invocation>({
      name: this.name,
      arn: this.arn,
      variant: config.variant.name,
      clock: aws.clock,
      metrics: {
        put: (datum) => {
          if (datum.namespace !== instanceNamespace || this.#publishesMetrics) aws.metrics.put(datum);
        },
      },
      listener: {
        onSettled: (invocation, settlement) => {
          outbox.settled(this.sender, invocation, settlement);
        },
        onState: () => {
          this.#modifiedAt = new Date(aws.clock.now());
        },
      },
      ...(aws.assumptions === undefined ? {} : { assumptions: aws.assumptions }),
    });
  }

  get config(): EndpointConfigRecord {
    return this.#config;
  }

  get sender(): Sender {
    return senderOf(this.name, this.#config);
  }

  get status(): EndpointStatus {
    return statuses[this.machine.state];
  }

  get modifiedAt(): Date {
    return this.#modifiedAt;
  }

  /** Instances in service and desired. */
  get capacity(): { readonly current: number; readonly desired: number } {
    return { current: this.machine.currentCount, desired: this.machine.desiredCount };
  }

  /** Tells whether it accepts requests: it serves now, or will again. */
  get isInvocable(): boolean {
    return ["in-service", "updating", "scaling"].includes(this.machine.state);
  }

  /** Starts the first fleet; the status shows how it ends. */
  create(): void {
    this.#outbox.test(this.sender);
    // SageMaker creates the group while CreateEndpoint runs; it is unconfirmed whether this is before the first
    // instance starts.
    const { logs } = this.#aws.callAs(executionActor(this.#config.variant.model.roleArn));
    logs.createGroup(this.name).catch((error: unknown) => {
      console.error(`The log group of endpoint ${this.name} cannot be created:`, error);
    });
    void this.#deploy(this.#config, this.#config.variant.initialCount);
  }

  /**
   * Replaces the fleet. An update that fails leaves the endpoint InService with its old configuration and a
   * FailureReason: RollingBack is a status of UpdateEndpointWeightsAndCapacities only. Source: API reference,
   * DescribeEndpoint.
   */
  update(config: EndpointConfigRecord, count: number, deploymentConfig: DeploymentConfig | undefined): void {
    this.#outbox.test(senderOf(this.name, config));
    void this.#deploy(config, count, deploymentConfig).then((succeeded) => {
      if (succeeded) this.#deploymentConfig = this.recorded(deploymentConfig);
    });
  }

  /**
   * Returns the objection of an alarm. SageMaker watches the alarms while the new fleet serves and the old one still
   * exists. Source: developer guide, "Auto-Rollback Configuration and Monitoring".
   */
  #bakingOf(deploymentConfig: DeploymentConfig | undefined): Baking {
    const policy = deploymentConfig?.BlueGreenUpdatePolicy;
    return {
      duration: (policy?.TrafficRoutingConfiguration?.WaitIntervalInSeconds ?? 0) * 1_000,
      objection: () => {
        const fired = rollbackAlarmsOf(deploymentConfig).find((name) => this.#aws.alarms.state(name) === "ALARM");
        return fired === undefined ? undefined : `The alarm ${fired} is in ALARM: the update was rolled back.`;
      },
    };
  }

  /** Returns a deployment's configuration as DescribeEndpoint shows it when the deployment has ended. */
  recorded(given: DeploymentConfig | undefined): DeploymentConfig | undefined {
    if ((this.#aws.lastDeploymentConfig ?? "as-given") === "as-given") return given;
    return {
      ...given,
      BlueGreenUpdatePolicy: {
        TrafficRoutingConfiguration: { Type: "ALL_AT_ONCE", WaitIntervalInSeconds: 0 },
        TerminationWaitInSeconds: 0,
        MaximumExecutionTimeoutInSeconds: longestDeployment,
        ...given?.BlueGreenUpdatePolicy,
      },
    };
  }

  /**
   * Resolves when that many instances are in service. Rejects with the state machine's EndpointBusyError or
   * ScalingFailedError.
   */
  async setDesired(count: number): Promise<void> {
    try {
      await this.machine.setDesired(count);
    } catch (error) {
      if (error instanceof ScalingFailedError) this.#failureReason = error.message.slice(0, reasonLimit);
      throw error;
    }
  }

  describe(): DescribeEndpointOutput {
    const { variant, async } = this.#config;
    const { image, createdAt } = variant.model;
    const { current, desired } = this.capacity;
    return {
      EndpointName: this.name,
      EndpointArn: this.arn,
      EndpointConfigName: this.#config.name,
      // AWS shows no variants for an endpoint that has never served.
      ProductionVariants: ["creating", "failed"].includes(this.machine.state)
        ? undefined
        : [
            {
              VariantName: variant.name,
              DeployedImages: [{ SpecifiedImage: image, ResolvedImage: image, ResolutionTime: createdAt }],
              CurrentWeight: variant.weight,
              DesiredWeight: variant.weight,
              CurrentInstanceCount: current,
              DesiredInstanceCount: desired,
            },
          ],
      EndpointStatus: this.status,
      FailureReason: this.#failureReason,
      CreationTime: this.createdAt,
      LastModifiedTime: this.#modifiedAt,
      LastDeploymentConfig: this.#deploymentConfig,
      AsyncInferenceConfig: this.#config.input.AsyncInferenceConfig ?? {
        OutputConfig: { S3OutputPath: `s3://${async.outputPath.bucket}/${async.outputPath.key}` },
      },
    };
  }

  async #deploy(config: EndpointConfigRecord, count: number, deployment?: DeploymentConfig): Promise<boolean> {
    const { variant, async } = config;
    const { modelData, command, environment, roleArn, image } = variant.model;
    const previous = this.#config;
    this.#failureReason = undefined;
    this.#config = config;
    const instances = this.#aws.launcherFor({
      endpointName: this.name,
      variantName: variant.name,
      roleArn,
      command,
      modelData,
      environment,
    });
    let isDeploying = true;
    const { region, accountId } = this.#aws;
    const alarms = rollbackAlarmsOf(deployment).map((name) => alarmArn({ region, accountId }, name));
    const launcher: InstanceLauncher<Invocation> = {
      launch: async (...started) => {
        const start = {
          ...{ roleArn, image, network: networkOf(variant.model.input.VpcConfig) },
          volumeKey: volumeKeyArn(config.input.KmsKeyId, this.#aws),
          rollbackAlarms: isDeploying ? alarms : [],
          topics: isDeploying ? topicsOf(async) : [],
        };
        await checkStart(this.#aws.authorizer, start, `arn:aws:ec2:${region}:${accountId}`);
        this.#publishesMetrics = await mayPublishMetrics(this.#aws.authorizer, roleArn, instanceNamespace);
        return await instances.launch(...started);
      },
    };
    try {
      const { startupTimeout } = variant;
      await this.machine.deploy(
        { launcher, concurrency: async.concurrency, initialCount: count, startupTimeout },
        this.#bakingOf(deployment),
      );
      return true;
    } catch (error) {
      this.#config = previous;
      if (error instanceof EndpointGoneError) return false;
      const message = error instanceof Error ? error.message : String(error);
      this.#failureReason = message.slice(0, reasonLimit);
      if (!(error instanceof DeploymentFailedError))
        console.error(`Endpoint ${this.name} could not be deployed:`, error);
      return false;
    } finally {
      isDeploying = false;
    }
  }
}
