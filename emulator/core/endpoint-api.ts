/** What an asynchronous endpoint takes and tells: the types around the machine in endpoint.ts. */

import type { Clock } from "./clock.ts";
import type { MetricSink } from "./metric-types.ts";
import type { EndpointAssumptions } from "./assumptions.ts";
import type { InstanceLauncher, InvocationRequest, RunTimings } from "./worker.ts";

/** How long a container may take to become healthy by default, ms (developer guide, "Use your own inference code with hosting services"). */
export const defaultStartupTimeout = 240_000;

/** One generation of instances: what an endpoint configuration says. */
export interface Fleet<Request extends InvocationRequest> {
  readonly launcher: InstanceLauncher<Request>;
  /** MaxConcurrentInvocationsPerInstance. */
  readonly concurrency: number;
  /** How many instances to start with; 0 only where an update retains a scaled-in variant. */
  readonly initialCount: number;
  /**
   * How long a container may take from its start until it passes its health check, ms (ContainerStartupHealthCheckTimeoutInSeconds x 1000).
   * @default 4 minutes
   */
  readonly startupTimeout?: number;
}

/** How an update is watched before the old fleet is taken away. */
export interface Baking {
  /** From the moment when the new fleet takes the queue over, ms. */
  readonly duration: number;
  /** Why the update is to be rolled back; undefined while nothing speaks against it. */
  readonly objection: () => string | undefined;
}

/**
 * - `creating`, `updating`: a `deploy` is under way (an update serves with its old fleet until the new one has started);
 * - `scaling`: the number of instances is on its way to the desired one; DescribeEndpoint says Updating here too;
 * - `failed`: the first fleet could not be started; only `delete` is left.
 */
export type EndpointState = "creating" | "in-service" | "updating" | "scaling" | "failed" | "deleting" | "deleted";

/** Why a request ended without a result. */
export type FailureCause = "model" | "timeout" | "interrupted" | "expired" | "deleted";

/** How a request ended, for good. */
export type Settlement =
  | { readonly status: "completed"; readonly timings: RunTimings }
  | {
      readonly status: "failed";
      readonly cause: FailureCause;
      /** One sentence; for cause `model` the words of the instance. */
      readonly reason: string;
      readonly modelStatus?: number;
      readonly stage?: "download" | "model" | "upload";
      readonly timings: RunTimings;
    };

/** Current and desired number of instances, and those that start or stop. */
export interface Capacity {
  /** In service. */
  readonly current: number;
  readonly desired: number;
  readonly starting: number;
  readonly stopping: number;
}

/** Is told what happens, at the moment it happens, and must not throw. */
export interface EndpointListener<Request extends InvocationRequest> {
  /** Exactly once for each request, except those that the deletion drops. */
  onSettled?(request: Request, settlement: Settlement): void;
  /** A run of the request begins; after an interruption or a retry it may begin again. */
  onStarted?(request: Request, instanceId: string): void;
  onState?(state: EndpointState): void;
  onCapacity?(capacity: Capacity): void;
}

export interface EndpointOptions<Request extends InvocationRequest> {
  readonly name: string;
  /** Appears in the words of refusals, as on AWS. */
  readonly arn: string;
  readonly variant: string;
  readonly clock: Clock;
  readonly metrics: MetricSink;
  readonly listener?: EndpointListener<Request>;
  /** Deviations from `defaultEndpointAssumptions`. */
  readonly assumptions?: Partial<EndpointAssumptions>;
}

/** An asynchronous endpoint with its queue; implemented by `AsyncEndpoint`. */
export interface AsyncEndpointApi<Request extends InvocationRequest> {
  readonly state: EndpointState;
  /** Instances in service. */
  readonly currentCount: number;
  readonly desiredCount: number;
  readonly capacity: Capacity;
  /** Requests waiting in the queue. */
  readonly queued: number;
  /** Requests that an instance works on. */
  readonly inProcess: number;
  /** Queued and in process. */
  readonly backlog: number;
  /**
   * Creates (first call) or updates the endpoint. An update starts the whole new fleet first, then hands it the queue, and takes the
   * old one away after the baking, which gives it the queue back if there is an objection. Resolves when the endpoint is in service again. Rejects with `EndpointBusyError` unless the state is `creating` (before the first call) or
   * `in-service`, and with `DeploymentFailedError` if an instance does not start, or for an objection: a new endpoint is then `failed`, an updated one keeps its old fleet.
   */
  deploy(fleet: Fleet<Request>, baking?: Baking): Promise<void>;
  /** Puts a request into the queue; throws `EndpointGoneError` once the endpoint is being deleted. */
  enqueue(request: Request): void;
  /**
   * Sets the desired number of instances. Resolves when so many are in service; rejects with `EndpointBusyError` unless the state is `in-service`,
   * with `ScalingFailedError` if instances do not start after all attempts (the desired number then is the current one).
   */
  setDesired(count: number): Promise<void>;
  /** Ends everything at once, in any state; resolves when no instance is left. Later calls return the same promise. */
  delete(): Promise<void>;
}

/** The endpoint is being created, updated or scaled (or has failed, or goes away); the message is SageMaker's. */
export class EndpointBusyError extends Error {
  override readonly name = "EndpointBusyError";
  readonly state: EndpointState;

  constructor(arn: string, state: EndpointState) {
    super(`Cannot update in-progress endpoint "${arn}".`);
    this.state = state;
  }
}

/** The endpoint is being deleted or was deleted: it takes nothing any more. */
export class EndpointGoneError extends Error {
  override readonly name = "EndpointGoneError";
}

/** A container did not pass its health check in time: the reason with which the launch of its instance is aborted. */
export class StartupTimeoutError extends Error {
  override readonly name = "StartupTimeoutError";

  /** @param timeout ms */
  constructor(timeout: number) {
    super(`The container did not become healthy within ${timeout / 1_000} seconds of its start`);
  }
}

/** An instance of a new fleet did not start, or there was an objection to it; the message says why. */
export class DeploymentFailedError extends Error {
  override readonly name = "DeploymentFailedError";
}

/** Instances that a scale-out asked for did not start; the message says why the last attempt failed. */
export class ScalingFailedError extends Error {
  override readonly name = "ScalingFailedError";
}
