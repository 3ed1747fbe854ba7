/** Types of an asynchronous endpoint: inputs and outputs of the state machine in endpoint.ts. */

import type { Clock } from "./clock.ts";
import type { MetricSink } from "./metric-types.ts";
import type { EndpointAssumptions } from "./assumptions.ts";
import type { CompletedRun, FailedRun, InstanceLauncher, InvocationRequest } from "./worker.ts";

/**
 * Default time for a container to become healthy, ms (developer guide, "Use your own inference code with hosting
 * services").
 */
export const defaultStartupTimeout = 240_000;

/** One generation of instances, from an endpoint configuration. */
export interface Fleet<Request extends InvocationRequest> {
  readonly launcher: InstanceLauncher<Request>;
  /** MaxConcurrentInvocationsPerInstance. */
  readonly concurrency: number;
  /** Initial number of instances; 0 only if an update retains a scaled-in variant. */
  readonly initialCount: number;
  /**
   * Maximum time from a container's start until it passes its health check, ms
   * (ContainerStartupHealthCheckTimeoutInSeconds x 1000).
   * @default 4 minutes
   */
  readonly startupTimeout?: number;
}

/** Observation of an update before the old fleet is stopped. */
export interface Baking {
  /** Time from the moment when the new fleet takes over the queue, ms. */
  readonly duration: number;
  /** Returns the reason for rolling back the update; undefined if there is none. */
  readonly objection: () => string | undefined;
}

/**
 * - `creating`, `updating`: a `deploy` is under way (an update serves with its old fleet until the new one has
 *   started);
 * - `scaling`: the number of instances is changing to the desired one; DescribeEndpoint shows Updating here, too;
 * - `failed`: the first fleet could not be started; only `delete` is possible.
 */
export type EndpointState = "creating" | "in-service" | "updating" | "scaling" | "failed" | "deleting" | "deleted";

/** Final outcome of a request: that of its last run, or why it ended without one. */
export type Settlement =
  CompletedRun | (FailedRun & { readonly cause: "model" | "timeout" | "interrupted" | "expired" | "deleted" });

/** Current and desired number of instances, and those that start or stop. */
export interface Capacity {
  /** In service. */
  readonly current: number;
  readonly desired: number;
  readonly starting: number;
  readonly stopping: number;
}

/** Observer of events, called at the moment of each event; must not throw. */
export interface EndpointListener<Request extends InvocationRequest> {
  /** Called exactly once for each request, except those that the deletion drops. */
  onSettled?(request: Request, settlement: Settlement): void;
  /** Called when a run of the request starts; after an interruption or a retry it may start again. */
  onStarted?(request: Request, instanceId: string): void;
  onState?(state: EndpointState): void;
}

/** Options of an asynchronous endpoint. */
export interface EndpointOptions<Request extends InvocationRequest> {
  readonly name: string;
  /** Used in the messages of refusals, as on AWS. */
  readonly arn: string;
  readonly variant: string;
  readonly clock: Clock;
  readonly metrics: MetricSink;
  readonly listener?: EndpointListener<Request>;
  /** Deviations from `defaultEndpointAssumptions`. */
  readonly assumptions?: Partial<EndpointAssumptions>;
}

/** The endpoint is being created, updated, scaled or deleted, or has failed; the message is SageMaker's. */
export class EndpointBusyError extends Error {
  override readonly name = "EndpointBusyError";
  readonly state: EndpointState;

  constructor(arn: string, state: EndpointState) {
    super(`Cannot update in-progress endpoint "${arn}".`);
    this.state = state;
  }
}

/** The endpoint is being deleted or was deleted: it accepts no more requests. */
export class EndpointGoneError extends Error {
  override readonly name = "EndpointGoneError";
}

/** A container did not pass its health check in time: the reason for aborting the launch of its instance. */
export class StartupTimeoutError extends Error {
  override readonly name = "StartupTimeoutError";

  /** @param timeout ms */
  constructor(timeout: number) {
    super(`The container did not become healthy within ${timeout / 1_000} seconds of its start`);
  }
}

/** An instance of a new fleet did not start, or there was an objection to it; the message has the reason. */
export class DeploymentFailedError extends Error {
  override readonly name = "DeploymentFailedError";
}

/** Instances of a scale-out did not start; the message has the reason of the last attempt. */
export class ScalingFailedError extends Error {
  override readonly name = "ScalingFailedError";
}
