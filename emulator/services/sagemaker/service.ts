/**
 * The emulated SageMaker: two services for the gateway, and interfaces for Application Auto Scaling and the status
 * page.
 */

import type { CapacityPort } from "../../core/scaling-types.ts";
import type { Service } from "../../wire/service.ts";
import type { SageMakerDependencies } from "./dependencies.ts";
import { endpointConfigHandlers, type EndpointConfigRecord } from "./endpoint-configs.ts";
import { endpointHandlers, variantCapacity, type EndpointDependencies } from "./endpoints.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import { modelHandlers, type ModelRecord } from "./models.ts";
import { Outbox } from "./outbox.ts";
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
  readonly control: Service;
  readonly runtime: Service;
  /** For Application Auto Scaling. */
  readonly capacity: CapacityPort;
  readonly #endpoints: EndpointDependencies;

  constructor(aws: SageMakerDependencies) {
    const { region, accountId, objects, roles } = aws;
    const models = new Registry<ModelRecord>("model", region, accountId);
    const configs = new Registry<EndpointConfigRecord>("endpointConfig", region, accountId);
    const endpoints = new Registry<LiveEndpoint>("endpoint", region, accountId);
    const tags = resourceTags((arn) => [models, configs, endpoints].some((kind) => kind.has(arn)));
    const outbox = new Outbox(aws);
    this.#endpoints = { configs, endpoints, tags, outbox, aws };
    this.capacity = variantCapacity(this.#endpoints);
    this.control = {
      model: "sagemaker",
      handlers: {
        ...modelHandlers({ models, tags, objects, roles }),
        ...endpointConfigHandlers({ models, configs, tags }),
        ...endpointHandlers(this.#endpoints),
        ...tagHandlers(tags),
      },
    };
    this.runtime = { model: "sagemaker-runtime", handlers: runtimeHandlers({ endpoints, objects }) };
  }

  status(): EndpointStatusLine[] {
    return this.#endpoints.endpoints.values().map(({ name, status, capacity, queued, inProcess }) => ({
      name,
      status,
      ...capacity,
      queued,
      inProcess,
    }));
  }

  /** Ends all endpoints with their instances in any state, and waits until their output is sent. */
  async stop(): Promise<void> {
    await Promise.all(this.#endpoints.endpoints.values().map((endpoint) => endpoint.delete()));
    await this.#endpoints.outbox.flush();
  }
}
