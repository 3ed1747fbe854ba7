/** A test harness: one asynchronous endpoint in virtual time, with a record of its events. */

import assert from "node:assert/strict";
import { AsyncEndpoint } from "./endpoint.ts";
import type { EndpointState, Settlement } from "./endpoint-api.ts";
import { LatencyLauncher } from "./latency-model.ts";
import type { LatencyModel } from "./latency-model.ts";
import { MetricStore } from "./metrics.ts";
import type { EndpointAssumptions } from "./assumptions.ts";
import { VirtualClock } from "./virtual-clock.ts";
import type { InvocationRequest } from "./worker.ts";

/** A second in milliseconds. */
export const second = 1_000;
/** A minute in milliseconds. */
export const minute = 60 * second;

/** An endpoint whose instances start in a minute and need 30 s for a request; it counts the runs of each request. */
export class EndpointHarness {
  readonly clock = new VirtualClock();
  readonly metrics = new MetricStore(this.clock);
  readonly settled = new Map<string, Settlement>();
  readonly settledAt = new Map<string, number>();
  readonly started: string[] = [];
  readonly states: EndpointState[] = [];
  readonly endpoint: AsyncEndpoint<InvocationRequest>;
  readonly start = this.clock.now();
  #requests = 0;

  constructor(assumptions: Partial<EndpointAssumptions> = {}) {
    this.endpoint = new AsyncEndpoint<InvocationRequest>({
      name: "videos",
      arn: "arn:aws:sagemaker:us-east-1:000000000000:endpoint/videos",
      variant: "main",
      clock: this.clock,
      metrics: this.metrics,
      assumptions,
      listener: {
        onSettled: (request, settlement) => {
          assert.ok(!this.settled.has(request.inferenceId), `${request.inferenceId} settled twice`);
          this.settled.set(request.inferenceId, settlement);
          this.settledAt.set(request.inferenceId, this.elapsed);
        },
        onStarted: (request, instanceId) => this.started.push(`${request.inferenceId} on ${instanceId}`),
        onState: (state) => this.states.push(state),
      },
    });
  }

  get elapsed(): number {
    return this.clock.now() - this.start;
  }

  launcher(model: Partial<LatencyModel<InvocationRequest>> = {}): LatencyLauncher<InvocationRequest> {
    return new LatencyLauncher(this.clock, { startUp: () => minute, run: () => ({ length: 30 * second }), ...model });
  }

  /** Returns a deployed endpoint with `count` instances in service. */
  async deployed(count = 1, model: Partial<LatencyModel<InvocationRequest>> = {}, concurrency = 1): Promise<this> {
    const deployment = this.endpoint.deploy({ launcher: this.launcher(model), concurrency, initialCount: count });
    await this.clock.advance(minute);
    await deployment;
    return this;
  }

  send(count = 1, limits: { ttl?: number; timeout?: number } = {}): string[] {
    return Array.from({ length: count }, () => {
      this.#requests += 1;
      const inferenceId = `video-${this.#requests}`;
      this.endpoint.enqueue({
        inferenceId,
        receivedAt: this.clock.now(),
        ttl: 6 * 60 * minute,
        timeout: 15 * minute,
        ...limits,
      });
      return inferenceId;
    });
  }

  ended(inferenceId: string): Settlement {
    const settlement = this.settled.get(inferenceId);
    assert.ok(settlement, `${inferenceId} has not ended`);
    return settlement;
  }

  failure(inferenceId: string): Extract<Settlement, { status: "failed" }> {
    const settlement = this.ended(inferenceId);
    assert.ok(settlement.status === "failed", `${inferenceId} did not fail`);
    return settlement;
  }

  gauge(name: string): (number | undefined)[] {
    const metric = { namespace: "AWS/SageMaker", name, dimensions: { EndpointName: "videos" } };
    const points = this.metrics.query({ metric, start: this.start, end: this.clock.now(), period: minute });
    const values = new Map(points.map(({ timestamp, sum }) => [(timestamp - this.start) / minute, sum]));
    return Array.from({ length: Math.floor(this.elapsed / minute) }, (_, index) => values.get(index));
  }

  counted(name: string): number {
    const dimensions = { EndpointName: "videos", VariantName: "main" };
    const metric = { namespace: "AWS/SageMaker", name, dimensions };
    const points = this.metrics.query({ metric, start: this.start, end: this.clock.now() + minute, period: minute });
    return points.reduce((sum, point) => sum + point.sum, 0);
  }
}
