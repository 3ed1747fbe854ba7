/** How many instances there are: none while nothing is queued, one for the first video, more as the backlog grows. */
import * as appautoscaling from "@pulumi/aws/appautoscaling/index.js";
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import type * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import * as pulumi from "@pulumi/pulumi";
import { defaults } from "../defaults.ts";
import { queueMetric } from "./metrics.ts";

/** Seconds after a start from zero in which another one does not add to it: longer than an instance takes to start. */
const wakeCooldown = 300;

/** What can be chosen about {@link EndpointAutoscaling}. */
export interface EndpointAutoscalingArgs {
  /** The endpoint that is scaled. */
  readonly endpoint: sagemaker.Endpoint;
  /** Its only variant. */
  readonly variantName: pulumi.Input<string>;
  /** What stands before the endpoint and is replaced, old first, when AWS wants the variant deregistered for an update. */
  readonly replacementTrigger: pulumi.Stash;
  /**
   * Instances while nothing is queued.
   * @default 0
   */
  readonly minCapacity?: pulumi.Input<number>;
  /**
   * Instances at most.
   * @default 5
   */
  readonly maxCapacity?: pulumi.Input<number>;
  /**
   * Queued and running invocations per instance that target tracking holds.
   * @default 5
   */
  readonly backlogTarget?: pulumi.Input<number>;
  /**
   * Seconds between the end of one scale-in and the next.
   * @default 120
   */
  readonly scaleInCooldown?: pulumi.Input<number>;
  /**
   * Seconds between the end of one scale-out and the next.
   * @default 120
   */
  readonly scaleOutCooldown?: pulumi.Input<number>;
}

/** Scalable target with two policies: one follows the backlog, the other wakes the endpoint for a single video. */
export class EndpointAutoscaling extends pulumi.ComponentResource {
  /** Instances at most. */
  readonly maxCapacity: pulumi.Output<number>;

  constructor(name: string, args: EndpointAutoscalingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:ScaleToZero", name, {}, opts);
    const { endpoint, variantName, replacementTrigger, minCapacity, maxCapacity, ...tracking } = {
      ...defaults,
      ...args,
    };

    const target = new appautoscaling.Target(
      name,
      {
        serviceNamespace: "sagemaker",
        scalableDimension: "sagemaker:variant:DesiredInstanceCount",
        // With the fleet among what it is made of, the engine deletes the target, and what hangs on it, before the replacementTrigger.
        resourceId: pulumi
          .all([endpoint.name, variantName, replacementTrigger.output])
          .apply(([endpointName, variant]) => `endpoint/${endpointName}/variant/${variant}`),
        minCapacity,
        maxCapacity,
      },
      // Registered after the endpoint is there, deregistered before it is deleted. No roleArn: AWS always answers with
      // its service-linked role, which would be a difference for ever.
      { parent: this, dependsOn: endpoint },
    );
    const variant = {
      serviceNamespace: target.serviceNamespace,
      scalableDimension: target.scalableDimension,
      resourceId: target.resourceId,
    };

    new appautoscaling.Policy(
      `${name}-backlog`,
      {
        ...variant,
        policyType: "TargetTrackingScaling",
        targetTrackingScalingPolicyConfiguration: {
          targetValue: tracking.backlogTarget,
          scaleInCooldown: tracking.scaleInCooldown,
          scaleOutCooldown: tracking.scaleOutCooldown,
          customizedMetricSpecification: {
            ...queueMetric("ApproximateBacklogSizePerInstance"),
            statistic: "Average",
            dimensions: [{ name: "EndpointName", value: endpoint.name }],
          },
        },
      },
      { parent: this },
    );

    // At zero instances, target tracking acts only once more than its target is queued: fewer videos would wait for ever.
    const wake = new appautoscaling.Policy(
      `${name}-from-zero`,
      {
        ...variant,
        policyType: "StepScaling",
        stepScalingPolicyConfiguration: {
          adjustmentType: "ChangeInCapacity",
          metricAggregationType: "Average",
          cooldown: wakeCooldown,
          stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
        },
      },
      { parent: this },
    );
    new cloudwatch.MetricAlarm(
      `${name}-from-zero`,
      {
        alarmDescription: "Videos are queued and no instance is there: starts one.",
        ...queueMetric("HasBacklogWithoutCapacity"),
        statistic: "Average",
        dimensions: { EndpointName: endpoint.name },
        period: 60,
        evaluationPeriods: 2,
        datapointsToAlarm: 2,
        comparisonOperator: "GreaterThanOrEqualToThreshold",
        threshold: 1,
        treatMissingData: "missing",
        alarmActions: [wake.arn],
      },
      { parent: this },
    );

    this.maxCapacity = target.maxCapacity;
    this.registerOutputs({ maxCapacity: this.maxCapacity });
  }
}
