/** Autoscaling of the instances: zero while the queue is empty, one for the first video, more as the backlog grows. */
import * as appautoscaling from "@pulumi/aws/appautoscaling/index.js";
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import type * as sagemaker from "@pulumi/aws/sagemaker/index.js";
import * as pulumi from "@pulumi/pulumi";
import { defaults } from "../defaults.ts";
import { queueMetric } from "./metrics.ts";

/** Cooldown of the start from zero, seconds: longer than an instance takes to start, so that a second start is not added. */
const wakeCooldown = 300;

/** Options for {@link EndpointAutoscaling}. */
export interface EndpointAutoscalingArgs {
  /** The endpoint to scale. */
  readonly endpoint: sagemaker.Endpoint;
  /** Its only variant. */
  readonly variantName: pulumi.Input<string>;
  /** Value whose change replaces the scalable target: deleted before the endpoint's update, created after it. */
  readonly replacementTrigger: pulumi.Stash;
  /**
   * Minimum number of instances.
   * @default 0
   */
  readonly minCapacity?: pulumi.Input<number>;
  /**
   * Maximum number of instances.
   * @default 5
   */
  readonly maxCapacity?: pulumi.Input<number>;
  /**
   * Target of queued and running invocations per instance.
   * @default 5
   */
  readonly backlogTarget?: pulumi.Input<number>;
  /**
   * Minimum seconds between two scale-ins.
   * @default 120
   */
  readonly scaleInCooldown?: pulumi.Input<number>;
  /**
   * Minimum seconds between two scale-outs.
   * @default 120
   */
  readonly scaleOutCooldown?: pulumi.Input<number>;
}

/** A scalable target with two policies: one follows the backlog, the other starts an instance for a single video. */
export class EndpointAutoscaling extends pulumi.ComponentResource {
  /** Maximum number of instances. */
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
        // The trigger is an input of the target, so the engine deletes the target and its policies before it replaces the trigger.
        resourceId: pulumi
          .all([endpoint.name, variantName, replacementTrigger.output])
          .apply(([endpointName, variant]) => `endpoint/${endpointName}/variant/${variant}`),
        minCapacity,
        maxCapacity,
      },
      // Registered after the endpoint exists, deregistered before it is deleted. No roleArn: AWS always returns
      // its service-linked role, so each preview would show a difference.
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

    // At zero instances, target tracking acts only if the backlog exceeds its target. Fewer videos would never start an instance.
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
        alarmDescription: "Videos are queued and no instance is running: starts one.",
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
