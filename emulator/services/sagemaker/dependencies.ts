/**
 * Dependencies of the emulated SageMaker: time, metrics, other AWS services, instances, and Application Auto Scaling.
 */

import type { Clock } from "../../core/clock.ts";
import type { MetricSink } from "../../core/metric-types.ts";
import type { EndpointAssumptions } from "../../core/assumptions.ts";
import type { InstanceLauncher } from "../../core/worker.ts";
import type { CallAs, Roles } from "../../aws-ports.ts";
import type { Authorizer, RoleActor } from "../../iam/authorizer.ts";
import type { TagStore } from "../tags.ts";
import type { EndpointConfigRecord } from "./endpoint-configs.ts";
import type { Invocation } from "./invocation.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import type { ModelData } from "./model-data.ts";
import type { ModelRecord } from "./models.ts";
import type { Outbox } from "./outbox.ts";
import type { Registry } from "./registry.ts";

/** Sources of an instance. */
export interface ContainerSpec {
  readonly endpointName: string;
  readonly variantName: string;
  /** ARN of the execution role. */
  readonly roleArn: string;
  /** The local command that stands for the image. @default AWS's serving stack */
  readonly command?: string | undefined;
  readonly modelData: ModelData | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** The parts of Application Auto Scaling that SageMaker uses. Resource ids are `endpoint/NAME/variant/VARIANT`. */
export interface ScalableTargets {
  isRegistered(resourceId: string): boolean;
  /** Deregisters the endpoint's targets, as DeleteEndpoint does. */
  deregister(resourceId: string): void;
}

/** States of CloudWatch's alarms. */
export interface RollbackAlarms {
  /** Returns undefined if there is no such alarm. */
  state(name: string): "OK" | "ALARM" | "INSUFFICIENT_DATA" | undefined;
}

/** The execution role's session, by which SageMaker acts. CloudTrail shows this name. */
export function executionActor(roleArn: string): RoleActor {
  return { roleArn, sessionName: "SageMaker" };
}

/** Dependencies of the service. */
export interface SageMakerDependencies {
  readonly region: string;
  readonly accountId: string;
  readonly clock: Clock;
  readonly metrics: MetricSink;
  readonly callAs: CallAs;
  readonly roles: Roles;
  /** For permissions of the execution role to services that the emulator does not have. */
  readonly authorizer: Authorizer;
  readonly scalableTargets: ScalableTargets;
  readonly alarms: RollbackAlarms;
  readonly launcherFor: (container: ContainerSpec) => InstanceLauncher<Invocation>;
  /**
   * Returns the local command that stands for an image; undefined if there is none.
   * @default no image has one
   */
  readonly commandOf?: (image: string) => string | undefined;
  /** Open questions about AWS: deviations from the state machine's defaults. */
  readonly assumptions?: Partial<EndpointAssumptions>;
  /**
   * True if each scaling action sends a TestNotification, as every UpdateEndpointWeightsAndCapacities call does
   * (developer guide): the autoscaler's role makes that call, but it is unconfirmed that its use also notifies.
   * @default true
   */
  readonly testNotificationOnScaling?: boolean;
  /**
   * Members of DescribeEndpoint's LastDeploymentConfig that the last call did not set: absent, or the defaults (all at
   * once, no waits, the maximum time). hashicorp/terraform-provider-aws expects them to be absent: its acceptance tests
   * (endpoint_test.go), which run on AWS, would otherwise find a difference after an update without a configuration.
   * @default "as-given"
   */
  readonly lastDeploymentConfig?: "as-given" | "filled";
  /**
   * An UpdateEndpoint that names the current configuration and another DeploymentConfig. The API reference only says that
   * an update needs a new configuration. hashicorp/terraform-provider-aws makes this call if only `deployment_config`
   * changes, and no public report says that SageMaker refuses it.
   * @default "accepted"
   */
  readonly deploymentConfigOnly?: "accepted" | "refused";
  /** The account's quota of instances of each type "for endpoint usage". @default 8 */
  readonly instanceQuota?: number;
}

/** State of the service that the handlers share. */
export interface SageMakerState {
  readonly models: Registry<ModelRecord>;
  readonly configs: Registry<EndpointConfigRecord>;
  readonly endpoints: Registry<LiveEndpoint>;
  readonly tags: TagStore;
  readonly outbox: Outbox;
  readonly aws: SageMakerDependencies;
}
