/** Autoscaling of the instances: zero while the queue is empty, one for the first video, more as the backlog grows. */
import * as appautoscaling from "@pulumi/aws/appautoscaling/index.js";
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import * as pulumi from "@pulumi/pulumi";
import { withDefaults } from "../defaults.ts";
import { queueMetric } from "./metrics.ts";
import { create } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** Cooldown of the start from zero, seconds: longer than an instance takes to start, so that a second start is not added. */
const wakeCooldown = 300;

/** Arguments of {@link EndpointAutoscaling}. */
export interface EndpointAutoscalingArgs {
  /**
   * Name of the endpoint to scale. Pass the output of the endpoint, or set `dependsOn`: the target is registered after the endpoint
   * exists, and deregistered before it is deleted.
   */
  readonly endpointName: pulumi.Input<string>;
  /** Name of the endpoint's only variant. */
  readonly variantName: pulumi.Input<string>;
  /**
   * Output of a resource that is replaced when the variant's instance type changes ({@link AsyncEndpoint.replacementTrigger}). The
   * scalable target is then deleted before the endpoint's update, and created after it: AWS refuses such an update while a target is registered.
   */
  readonly replacementTrigger: pulumi.Input<string>;
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
  /**
   * Changes the resources of the component.
   * @default none
   */
  readonly transform?: {
    /** The scalable target. @default unchanged */
    readonly target?: Transform<appautoscaling.TargetArgs>;
    /** The policy that follows the backlog. @default unchanged */
    readonly backlogPolicy?: Transform<appautoscaling.PolicyArgs>;
    /** The policy that starts an instance from zero. @default unchanged */
    readonly wakePolicy?: Transform<appautoscaling.PolicyArgs>;
    /** The alarm that invokes the policy from zero. @default unchanged */
    readonly wakeAlarm?: Transform<cloudwatch.MetricAlarmArgs>;
  };
}

/**
 * A scalable target with two policies: one follows the backlog, the other starts an instance for a single video.
 * @example
 * const autoscaling = new EndpointAutoscaling("videos", {
 *   endpointName: inference.endpointName,
 *   variantName: inference.variantName,
 *   replacementTrigger: inference.replacementTrigger,
 * });
 */
export class EndpointAutoscaling extends pulumi.ComponentResource {
  /** Maximum number of instances. */
  readonly maxCapacity: pulumi.Output<number>;

  constructor(name: string, args: EndpointAutoscalingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:ScaleToZero", name, {}, opts);
    const { endpointName, variantName, replacementTrigger, transform = {}, ...settings } = withDefaults(args);

    const target = create(
      appautoscaling.Target,
      transform.target,
      name,
      {
        serviceNamespace: "sagemaker",
        scalableDimension: "sagemaker:variant:DesiredInstanceCount",
        // The trigger is an input of the target, so the engine deletes the target and its policies before it replaces the trigger.
        resourceId: pulumi
          .all([endpointName, variantName, replacementTrigger])
          .apply(([endpoint, variant]) => `endpoint/${endpoint}/variant/${variant}`),
        minCapacity: settings.minCapacity,
        maxCapacity: settings.maxCapacity,
      },
      // No roleArn: AWS always returns its service-linked role, so each preview would show a difference.
      { parent: this },
    );
    const variant = {
      serviceNamespace: target.serviceNamespace,
      scalableDimension: target.scalableDimension,
      resourceId: target.resourceId,
    };

    const backlog = queueMetric("ApproximateBacklogSizePerInstance", { endpointName });
    create(
      appautoscaling.Policy,
      transform.backlogPolicy,
      `${name}-backlog`,
      {
        ...variant,
        policyType: "TargetTrackingScaling",
        targetTrackingScalingPolicyConfiguration: {
          targetValue: settings.backlogTarget,
          scaleInCooldown: settings.scaleInCooldown,
          scaleOutCooldown: settings.scaleOutCooldown,
          customizedMetricSpecification: {
            ...backlog,
            dimensions: Object.entries(backlog.dimensions).map(([name, value]) => ({ name, value })),
            statistic: "Average",
          },
        },
      },
      { parent: this },
    );

    // At zero instances, target tracking acts only if the backlog exceeds its target. Fewer videos would never start an instance.
    const wakePolicy = create(
      appautoscaling.Policy,
      transform.wakePolicy,
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
    create(
      cloudwatch.MetricAlarm,
      transform.wakeAlarm,
      `${name}-from-zero`,
      {
        alarmDescription: "Videos are queued and no instance is running: starts one.",
        ...queueMetric("HasBacklogWithoutCapacity", { endpointName }),
        statistic: "Average",
        period: 60,
        evaluationPeriods: 2,
        datapointsToAlarm: 2,
        comparisonOperator: "GreaterThanOrEqualToThreshold",
        threshold: 1,
        treatMissingData: "missing",
        alarmActions: [wakePolicy.arn],
      },
      { parent: this },
    );

    this.maxCapacity = target.maxCapacity;
    this.registerOutputs({ maxCapacity: this.maxCapacity });
  }
}
