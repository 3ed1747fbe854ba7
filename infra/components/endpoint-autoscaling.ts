/** Autoscaling of the instances: zero while no video is queued or running, enough for the backlog at the start, more as it grows. */
import * as appautoscaling from "@pulumi/aws/appautoscaling/index.js";
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import * as pulumi from "@pulumi/pulumi";
import { withDefaults } from "../defaults.ts";
import { derivedSettings, scalingWith } from "../scaling.ts";
import type { PolicyKey, ScaleIn, ScalingAlarmKey, ScheduledActionKey, Step, WarmWindow } from "../scaling-types.ts";
import { create, kebabCase } from "./transform.ts";
import type { Transform } from "./transform.ts";

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
   * When instances stop. `idle`: when nothing is queued or running. `tracking`: by target tracking, also while they run videos.
   * No input, because it decides which policies and alarms exist.
   * @default "idle"
   */
  readonly scaleIn?: ScaleIn;
  /**
   * With `scaleIn` idle: minutes without a video after which all instances stop.
   * @default 5
   */
  readonly idleMinutes?: pulumi.Input<number>;
  /**
   * With `scaleIn` tracking: minimum seconds between two scale-ins.
   * @default 120
   */
  readonly scaleInCooldown?: pulumi.Input<number>;
  /**
   * Minimum seconds between two scale-outs.
   * @default 120
   */
  readonly scaleOutCooldown?: pulumi.Input<number>;
  /**
   * Hours of the day with a minimum number of instances. No input, because it decides whether scheduled actions exist.
   * @default none
   */
  readonly warmWindow?: WarmWindow | undefined;
  /**
   * Changes the resources of the component.
   * @default none
   */
  readonly transform?: {
    /** The scalable target. @default unchanged */
    readonly target?: Transform<appautoscaling.TargetArgs>;
    /** The policies. @default unchanged */
    readonly policies?: Partial<Record<PolicyKey, Transform<appautoscaling.PolicyArgs>>>;
    /** The alarms that run the policies. @default unchanged */
    readonly alarms?: Partial<Record<ScalingAlarmKey, Transform<cloudwatch.MetricAlarmArgs>>>;
    /** The scheduled actions of the warm window. @default unchanged */
    readonly scheduledActions?: Partial<Record<ScheduledActionKey, Transform<appautoscaling.ScheduledActionArgs>>>;
  };
}

/**
 * A scalable target with its policies: one follows the backlog, others start instances from zero, and one stops idle instances.
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
  /** ARNs of the alarms that run policies. Their state ALARM is normal and notifies no one. */
  readonly alarmArns: pulumi.Output<string[]>;

  constructor(name: string, args: EndpointAutoscalingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:ScaleToZero", name, {}, opts);
    const { endpointName, variantName, replacementTrigger, transform = {}, ...settings } = withDefaults(args);
    const { maxCapacity, backlogTarget, idleMinutes } = settings;
    const derived = pulumi.output({ maxCapacity, backlogTarget, idleMinutes }).apply(derivedSettings);
    const scaling = scalingWith<pulumi.Input<string>, pulumi.Input<number>, pulumi.Output<Step[]>>(
      settings,
      { endpointName, variantName },
      derived,
    );

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
        ...scaling.target,
      },
      // No roleArn: AWS always returns its service-linked role, so each preview would show a difference.
      { parent: this },
    );
    const variant = {
      serviceNamespace: target.serviceNamespace,
      scalableDimension: target.scalableDimension,
      resourceId: target.resourceId,
    };

    const policies = new Map(
      entriesOf(scaling.policies).map(([key, policy]) => [
        key,
        create(
          appautoscaling.Policy,
          transform.policies?.[key],
          `${name}-${kebabCase(key)}`,
          { ...variant, ...policy },
          { parent: this },
        ),
      ]),
    );
    const alarms = entriesOf(scaling.alarms).map(([key, { runs, alarm }]) => {
      const { arn } = policies.get(runs) ?? {};
      return create(
        cloudwatch.MetricAlarm,
        transform.alarms?.[key],
        `${name}-${kebabCase(key)}`,
        { ...alarm, alarmActions: arn === undefined ? [] : [arn] },
        { parent: this },
      );
    });
    for (const [key, action] of entriesOf(scaling.scheduledActions)) {
      create(
        appautoscaling.ScheduledAction,
        transform.scheduledActions?.[key],
        `${name}-${kebabCase(key)}`,
        { ...variant, ...action },
        { parent: this },
      );
    }

    this.maxCapacity = target.maxCapacity;
    this.alarmArns = pulumi.all(alarms.map(({ arn }) => arn));
    this.registerOutputs({ maxCapacity: this.maxCapacity, alarmArns: this.alarmArns });
  }
}

/** Returns the entries that exist, with their keys' type. */
function entriesOf<Key extends string, Value>(record: Readonly<Partial<Record<Key, Value>>>): [Key, Value][] {
  return Object.entries(record) as [Key, Value][];
}
