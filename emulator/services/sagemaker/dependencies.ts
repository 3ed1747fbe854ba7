/** What the local SageMaker is given: time, metrics, the rest of AWS, instances, and the word of Application Auto Scaling. */

import type { Clock } from "../../core/clock.ts";
import type { MetricSink } from "../../core/metric-types.ts";
import type { EndpointAssumptions } from "../../core/assumptions.ts";
import type { InstanceLauncher } from "../../core/worker.ts";
import type { ObjectStore, Roles, Topics } from "../../aws-ports.ts";
import type { ContainerLogs } from "../../container-logs.ts";
import type { Invocation } from "./invocation.ts";

/** What an instance is started from. */
export interface ContainerSpec {
  readonly endpointName: string;
  readonly variantName: string;
  /** `s3://…/model.tar.gz` */
  readonly modelDataUrl: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Application Auto Scaling, as far as SageMaker looks at it. Resource ids are `endpoint/NAME/variant/VARIANT`. */
export interface ScalableTargets {
  isRegistered(resourceId: string): boolean;
  /** DeleteEndpoint takes the endpoint's targets with it. */
  deregister(resourceId: string): void;
}

/** The states of CloudWatch's alarms. */
export interface RollbackAlarms {
  /** Undefined if there is no such alarm. */
  state(name: string): "OK" | "ALARM" | "INSUFFICIENT_DATA" | undefined;
}

export interface SageMakerDependencies {
  readonly region: string;
  readonly accountId: string;
  readonly clock: Clock;
  readonly metrics: MetricSink;
  readonly objects: ObjectStore;
  readonly topics: Topics;
  readonly roles: Roles;
  readonly logs: Pick<ContainerLogs, "createGroup">;
  readonly scalableTargets: ScalableTargets;
  readonly alarms: RollbackAlarms;
  readonly launcherFor: (container: ContainerSpec) => InstanceLauncher<Invocation>;
  /** What is known about AWS only as "either, or": deviations from the simulator's defaults. */
  readonly assumptions?: Partial<EndpointAssumptions>;
  /**
   * Whether each scaling action sends a TestNotification, as every UpdateEndpointWeightsAndCapacities call does (developer guide): the
   * autoscaler's role makes that call, whether its use also notifies is unconfirmed.
   * @default true
   */
  readonly testNotificationOnScaling?: boolean;
  /**
   * What DescribeEndpoint's LastDeploymentConfig holds that the last call did not say: nothing, or the defaults (all at once, no
   * waits, the longest time). hashicorp/terraform-provider-aws expects nothing: its acceptance tests (endpoint_test.go), which run on
   * AWS, would otherwise find a difference after an update without a configuration.
   * @default "as-given"
   */
  readonly lastDeploymentConfig?: "as-given" | "filled";
  /** The account's quota of instances of each type "for endpoint usage". @default 8 */
  readonly instanceQuota?: number;
}
