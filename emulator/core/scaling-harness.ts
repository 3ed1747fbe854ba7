/** A test harness: an asynchronous endpoint with target tracking and a step policy from zero, in virtual time. */

import { Alarms } from "./alarms.ts";
import type { AlarmSettings, WatchedMetric } from "./alarms.ts";
import { Autoscaler } from "./autoscaler.ts";
import { EndpointHarness, minute } from "./endpoint-harness.ts";
import type { LatencyModel } from "./latency-model.ts";
import type { StepScaling, TargetTracking } from "./scaling-policy.ts";
import type { CapacityPort } from "./scaling-types.ts";
import type { Assumptions } from "./assumptions.ts";
import type { InvocationRequest } from "./worker.ts";

/** Resource ID of the harness's variant. */
export const resourceId = "endpoint/videos/variant/main";
const endpointDimension = { EndpointName: "videos" };

/** The metric that the blog post's policy tracks. */
export const backlogMetric: WatchedMetric = {
  metric: { namespace: "AWS/SageMaker", name: "ApproximateBacklogSizePerInstance", dimensions: endpointDimension },
  statistic: "Average",
};

/** The blog post's target tracking: 5 requests per instance, cooldowns of two minutes. */
export const backlogTracking: TargetTracking = {
  type: "TargetTrackingScaling",
  watched: backlogMetric,
  target: 5,
  scaleOutCooldown: 2 * minute,
  scaleInCooldown: 2 * minute,
  disableScaleIn: false,
};

/** A step policy that adds one instance. */
export const wakeStep: StepScaling = {
  type: "StepScaling",
  adjustmentType: "ChangeInCapacity",
  steps: [{ lower: 0, adjustment: 1 }],
  cooldown: 5 * minute,
};

/** Returns an alarm on a backlog without capacity. */
export function wakeAlarm(action: string): AlarmSettings {
  return {
    name: "wake",
    watched: {
      metric: { namespace: "AWS/SageMaker", name: "HasBacklogWithoutCapacity", dimensions: endpointDimension },
      statistic: "Average",
    },
    period: minute,
    evaluationPeriods: 2,
    datapointsToAlarm: 2,
    threshold: 1,
    comparison: "GreaterThanOrEqualToThreshold",
    treatMissingData: "missing",
    actionsEnabled: true,
    actions: { OK: [], ALARM: [action], INSUFFICIENT_DATA: [] },
  };
}

/** An endpoint with alarms and an autoscaler in virtual time. By default, alarms see the newest datapoint. */
export class ScalingHarness {
  readonly endpoints: EndpointHarness;
  readonly alarms: Alarms;
  readonly autoscaler: Autoscaler;
  /** Requests of the autoscaler beyond its limits. */
  readonly violations: string[] = [];
  readonly #counts: string[] = [];

  constructor({ metricDelay = 0, ...assumptions }: Partial<Assumptions> = {}) {
    this.endpoints = new EndpointHarness(assumptions);
    const { clock, metrics, endpoint } = this.endpoints;
    this.alarms = new Alarms({ clock, metrics, assumptions: { metricDelay } });
    const capacity: CapacityPort = {
      current: (id) => (id === resourceId && endpoint.state !== "deleted" ? endpoint.desiredCount : undefined),
      set: async (id, count) => {
        const { min, max } = this.autoscaler.target(id) ?? { min: 0, max: 0 };
        if (count < min || count > max) this.violations.push(`the autoscaler requests ${count}, not ${min} to ${max}`);
        const before = endpoint.desiredCount;
        const change = endpoint.setDesired(count);
        const minutes = this.endpoints.elapsed / minute;
        if (endpoint.desiredCount !== before) this.#counts.push(`${minutes}:${endpoint.desiredCount}`);
        await change;
      },
    };
    let uuids = 0;
    this.autoscaler = new Autoscaler({
      clock,
      alarms: this.alarms,
      capacity,
      region: "us-east-1",
      accountId: "000000000000",
      assumptions,
      uuid: () => {
        uuids += 1;
        return `00000000-0000-4000-8000-${String(uuids).padStart(12, "0")}`;
      },
    });
  }

  /** Returns a deployed endpoint with a registered target; the caller adds policies. */
  async deployed(
    count: number,
    limits = { min: 0, max: 5 },
    model: Partial<LatencyModel<InvocationRequest>> = {},
  ): Promise<this> {
    await this.endpoints.deployed(count, model);
    this.autoscaler.register(resourceId, limits);
    return this;
  }

  /** Adds both policies, the step policy with its alarm. */
  withBothPolicies(): this {
    return this.withTracking().withWake();
  }

  withTracking(changes: Partial<TargetTracking> = {}): this {
    this.autoscaler.putPolicy(resourceId, "backlog", { ...backlogTracking, ...changes });
    return this;
  }

  withWake(): this {
    this.alarms.put(wakeAlarm(this.autoscaler.putPolicy(resourceId, "wake", wakeStep).arn));
    return this;
  }

  /** Runs the clock; returns all changes of the desired number of instances so far, as `minutes:count`. */
  async watch(length: number): Promise<string[]> {
    await this.endpoints.clock.advance(length);
    return [...this.#counts];
  }
}
