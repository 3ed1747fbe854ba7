/**
 * A test harness: Application Auto Scaling over a capacity in memory; its handlers are called as the gateway calls
 * them.
 */

import type { PutScalingPolicyRequest } from "@aws-sdk/client-application-auto-scaling";
import { Alarms } from "../../core/alarms.ts";
import { Autoscaler } from "../../core/autoscaler.ts";
import { MetricStore } from "../../core/metrics.ts";
import type { CapacityPort } from "../../core/scaling-types.ts";
import { VirtualClock } from "../../core/virtual-clock.ts";
import { FakeRoles } from "../../testing/fake-aws.ts";
import type { GuardedService, Permission } from "../../iam/permission.ts";
import type { RequestContext, Service } from "../../wire/service.ts";
import { applicationAutoScaling } from "./service.ts";

/** Region of the harness. */
export const region = "us-east-1";
/** Account of the harness. */
export const accountId = "000000000000";

/** The variant that the tests scale, as requests name it. */
export const key = {
  ServiceNamespace: "sagemaker",
  ResourceId: "endpoint/videos/variant/main",
  ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
} as const;
/** Request that registers the variant as a scalable target. */
export const target = { ...key, MinCapacity: 0, MaxCapacity: 5 };
/** Request that puts a step scaling policy. */
export const stepPolicy = {
  ...key,
  PolicyName: "wake",
  PolicyType: "StepScaling",
  StepScalingPolicyConfiguration: {
    AdjustmentType: "ChangeInCapacity",
    MetricAggregationType: "Average",
    Cooldown: 300,
    StepAdjustments: [{ MetricIntervalLowerBound: 0, ScalingAdjustment: 1 }],
  },
} satisfies PutScalingPolicyRequest;
/** Request that puts a target tracking policy. */
export const trackingPolicy = {
  ...key,
  PolicyName: "backlog",
  PolicyType: "TargetTrackingScaling",
  TargetTrackingScalingPolicyConfiguration: {
    TargetValue: 5,
    ScaleInCooldown: 120,
    ScaleOutCooldown: 120,
    CustomizedMetricSpecification: {
      Namespace: "AWS/SageMaker",
      MetricName: "ApproximateBacklogSizePerInstance",
      Statistic: "Average",
      Dimensions: [{ Name: "EndpointName", Value: "videos" }],
    },
  },
} satisfies PutScalingPolicyRequest;

/** Returns a function that calls a service's operations; the caller names the types that the API model would give. */
export function caller(service: Service, now: () => Date) {
  return async <Output>(operation: string, input: object): Promise<Output> => {
    const handler = service.handlers[operation];
    if (handler === undefined) throw new Error(`${service.model} has no handler for ${operation}`);
    const context: RequestContext = { region, accountId, requestId: "r", accessKeyId: "k", now: now() };
    return (await handler(input as never, context)) as Output;
  };
}

/** Application Auto Scaling with alarms and a capacity in virtual time. */
export class ScalingServiceHarness {
  readonly clock = new VirtualClock();
  readonly metrics = new MetricStore(this.clock);
  readonly alarms = new Alarms({ clock: this.clock, metrics: this.metrics, assumptions: { metricDelay: 0 } });
  /** Desired number of instances by resource id. */
  readonly counts = new Map<string, number>([[key.ResourceId, 1]]);
  readonly roles = new FakeRoles();
  readonly autoscaler: Autoscaler;
  readonly service: GuardedService;
  readonly call: ReturnType<typeof caller>;

  /** @param scalingPermissions permissions that a caller must have to scale a resource, given its id */
  constructor(scalingPermissions: (resourceId: string) => readonly Permission[] = () => []) {
    const capacity: CapacityPort = {
      current: (resourceId) => this.counts.get(resourceId),
      set: (resourceId, count) => {
        this.counts.set(resourceId, count);
        return Promise.resolve();
      },
    };
    const { clock, alarms, roles } = this;
    this.autoscaler = new Autoscaler({ clock, alarms, capacity, region, accountId });
    this.service = applicationAutoScaling({
      autoscaler: this.autoscaler,
      capacity,
      roles,
      scalingPermissions,
      region,
      accountId,
    });
    this.call = caller(this.service, () => new Date(clock.now()));
  }
}

/** Returns a harness whose variant is registered with 0 to 5 instances. */
export async function registered(): Promise<ScalingServiceHarness> {
  const harness = new ScalingServiceHarness();
  await harness.call("RegisterScalableTarget", target);
  return harness;
}
