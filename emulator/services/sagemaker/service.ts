/**
 * The emulated SageMaker: two services for the gateway, and interfaces for Application Auto Scaling and the status
 * page.
 */

import type { CapacityPort } from "../../core/scaling-types.ts";
import type { GuardedService, Permission } from "../../iam/permission.ts";
import type { SageMakerDependencies, SageMakerState } from "./dependencies.ts";
import { endpointConfigHandlers } from "./endpoint-configs.ts";
import type { EndpointConfigRecord } from "./endpoint-configs.ts";
import { endpointHandlers, variantCapacity } from "./endpoints.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import { modelHandlers } from "./models.ts";
import type { ModelRecord } from "./models.ts";
import { Outbox } from "./outbox.ts";
import { controlPermissions, runtimePermissions, scalingPermissions } from "./permissions.ts";
import { Registry } from "./registry.ts";
import { runtimeHandlers } from "./runtime.ts";
import { resourceTags, tagHandlers } from "./tags.ts";

/** One endpoint on the status page. */
export interface EndpointStatusLine {
  readonly name: string;
  readonly status: string;
  readonly current: number;
  readonly desired: number;
  readonly queued: number;
  readonly inProcess: number;
}

/** SageMaker's two services: control plane and runtime. */
export class SageMaker {
  readonly control: GuardedService;
  readonly runtime: GuardedService;
  /** For Application Auto Scaling. */
  readonly capacity: CapacityPort;
  /** For Application Auto Scaling: permissions that a caller must have to scale a variant, given its resource id. */
  readonly scalingPermissions: (resourceId: string) => readonly Permission[];
  readonly #state: SageMakerState;

  constructor(aws: SageMakerDependencies) {
    const { region, accountId } = aws;
    const models = new Registry<ModelRecord>("model", region, accountId);
    const configs = new Registry<EndpointConfigRecord>("endpoint-config", region, accountId);
    const endpoints = new Registry<LiveEndpoint>("endpoint", region, accountId);
    const tags = resourceTags((arn) => [models, configs, endpoints].some((kind) => kind.has(arn)));
    this.#state = { models, configs, endpoints, tags, outbox: new Outbox(aws), aws };
    this.capacity = variantCapacity(this.#state);
    this.scalingPermissions = scalingPermissions(this.#state);
    this.control = {
      model: "sagemaker",
      handlers: {
        ...modelHandlers(this.#state),
        ...endpointConfigHandlers(this.#state),
        ...endpointHandlers(this.#state),
        ...tagHandlers(tags),
      },
      permissions: controlPermissions(this.#state),
    };
    this.runtime = {
      model: "sagemaker-runtime",
      handlers: runtimeHandlers(this.#state),
      permissions: runtimePermissions(this.#state),
    };
  }

  status(): EndpointStatusLine[] {
    return this.#state.endpoints.values().map(({ name, status, capacity, machine: { queued, inProcess } }) => {
      return { name, status, ...capacity, queued, inProcess };
    });
  }

  /** Tells whether an endpoint has requests, or changes. */
  get isBusy(): boolean {
    return this.#state.endpoints.values().some(({ machine }) => machine.isBusy);
  }

  /** Ends all endpoints with their instances in any state, and waits until their output is sent. */
  async stop(): Promise<void> {
    await Promise.all(this.#state.endpoints.values().map(({ machine }) => machine.delete()));
    await this.#state.outbox.flush();
  }
}
