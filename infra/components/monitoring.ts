/** Monitoring of the stack: a dashboard and alarms. */
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import * as pulumi from "@pulumi/pulumi";
import { currentAccount } from "../account.ts";
import type { Account } from "../account.ts";
import { withDefaults } from "../defaults.ts";
import { alarmRules } from "../operations-alarms.ts";
import type { AlarmKey } from "../operations-alarms.ts";
import { dashboardBody } from "../dashboard.ts";
import { serviceTopic } from "./service-topic.ts";
import type { ServiceTopicTransform } from "./service-topic.ts";
import type { WarmWindow } from "../scaling-types.ts";
import { create, kebabCase } from "./transform.ts";
import type { Transform } from "./transform.ts";

/** Arguments of {@link Monitoring}. */
export interface MonitoringArgs {
  /**
   * Account and region of the endpoint.
   * @default those of the component's provider
   */
  readonly account?: Account;
  /** Name of the endpoint. */
  readonly endpointName: pulumi.Input<string>;
  /** Name of the endpoint's only variant. */
  readonly variantName: pulumi.Input<string>;
  /** ARN of the key that encrypts the topic. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Maximum number of instances, which the dashboard shows.
   * @default 5
   */
  readonly maxCapacity?: pulumi.Input<number>;
  /**
   * Seconds that a request may wait before the alarm fires.
   * @default 7200
   */
  readonly oldestRequestLimit?: pulumi.Input<number>;
  /**
   * Share of failed videos above which the alarm fires, from 0 to 1.
   * @default 0.2
   */
  readonly failureRateLimit?: pulumi.Input<number>;
  /**
   * Minimum number of videos for the alarm on their share of failures.
   * @default 5
   */
  readonly failureRateMinRequests?: pulumi.Input<number>;
  /**
   * Hours in which instances may be idle: the alarm on idle instances then waits longer by the window's length.
   * No input, because the number of the alarm's periods is computed from it.
   * @default none
   */
  readonly warmWindow?: WarmWindow | undefined;
  /**
   * ARNs of the alarms that run scaling policies ({@link EndpointAutoscaling.alarmArns}), which the dashboard shows apart.
   * @default none
   */
  readonly scalingAlarmArns?: pulumi.Input<string[]>;
  /**
   * Also notify when alarms return to OK.
   * @default false
   */
  readonly notifyRecovery?: pulumi.Input<boolean>;
  /**
   * Email addresses subscribed to alarms (each must confirm). No input, because each is a resource.
   * @default none
   */
  readonly operationsEmails?: readonly string[];
  /**
   * Changes the resources of the component.
   * @default none
   */
  readonly transform?: ServiceTopicTransform & {
    /** The alarms. @default unchanged */
    readonly alarms?: Partial<Record<AlarmKey, Transform<cloudwatch.MetricAlarmArgs>>>;
    /** The dashboard. @default unchanged */
    readonly dashboard?: Transform<cloudwatch.DashboardArgs>;
  };
}

/**
 * A dashboard, six alarms, and the topic that they publish to.
 * @example
 * const monitoring = new Monitoring("videos", {
 *   keyArn: key.arn,
 *   endpointName: inference.endpointName,
 *   variantName: inference.variantName,
 * });
 */
export class Monitoring extends pulumi.ComponentResource {
  /** ARN of the topic that alarms publish to. */
  readonly operationsTopicArn: pulumi.Output<string>;
  /** URL of the dashboard in AWS's console. */
  readonly dashboardUrl: pulumi.Output<string>;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:Monitoring", name, {}, opts);
    const settings = withDefaults(args);
    const { account = currentAccount(this), endpointName, variantName, transform = {} } = settings;

    const topic = serviceTopic(
      `${name}-operations`,
      {
        account,
        keyArn: settings.keyArn,
        publisher: { service: "cloudwatch.amazonaws.com", sid: "AlarmsOfThisAccountPublish" },
        emails: settings.operationsEmails,
        transform,
      },
      this,
    );
    const actions = {
      alarmActions: [topic.arn],
      // A new alarm also changes to OK, so by default only ALARM is sent.
      okActions: pulumi.output(settings.notifyRecovery).apply((notify) => (notify ? [topic.arn] : undefined)),
    };
    const alarms = Object.entries(alarmRules(settings)).map(([key, rule]) =>
      create(
        cloudwatch.MetricAlarm,
        transform.alarms?.[key as AlarmKey],
        `${name}-${kebabCase(key)}`,
        { ...actions, ...rule },
        { parent: this },
      ),
    );

    const dashboard = create(
      cloudwatch.Dashboard,
      transform.dashboard,
      name,
      {
        // Pulumi does not generate a dashboard's name; the endpoint's is unique in account and region.
        dashboardName: endpointName,
        dashboardBody: pulumi
          .output({
            endpointName,
            variantName,
            region: account.region,
            maxCapacity: settings.maxCapacity,
            alarmArns: alarms.map(({ arn }) => arn),
            scalingAlarmArns: settings.scalingAlarmArns ?? [],
          })
          .apply(dashboardBody),
      },
      { parent: this },
    );

    this.operationsTopicArn = topic.arn;
    this.dashboardUrl = pulumi
      .all([account.partition, account.region, dashboard.dashboardName])
      .apply(([partition, region, dashboardName]) => consoleUrl(partition, region, dashboardName));
    this.registerOutputs({ operationsTopicArn: this.operationsTopicArn, dashboardUrl: this.dashboardUrl });
  }
}

/** Domains of the console by partition, if they differ from `console.aws.amazon.com`. */
const consoles: Readonly<Record<string, string>> = {
  "aws-cn": "console.amazonaws.cn",
  "aws-us-gov": "console.amazonaws-us-gov.com",
};

function consoleUrl(partition: string, region: string, dashboardName: string): string {
  const host = consoles[partition] ?? "console.aws.amazon.com";
  return `https://${region}.${host}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`;
}
