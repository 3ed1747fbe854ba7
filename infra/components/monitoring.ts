/** Monitoring of the stack: a dashboard and alarms. */
import * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import type * as sns from "@pulumi/aws/sns/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import { dashboardBody } from "./dashboard.ts";
import { defaults } from "../defaults.ts";
import { subscribeEmails } from "./email-subscriptions.ts";
import { failureRateQueries, failureRateWindow } from "./failure-rate.ts";
import { queueMetric, requestMetric } from "./metrics.ts";
import { serviceTopic } from "./service-topic.ts";

/** Minutes with queued videos and no instance after which the alarm fires: longer than a GPU instance takes to start. */
const stuckMinutes = 20;

/** Options for {@link Monitoring}. */
export interface MonitoringArgs {
  readonly account: Account;
  readonly endpointName: pulumi.Input<string>;
  readonly variantName: pulumi.Input<string>;
  /** Maximum number of instances. */
  readonly maxCapacity: pulumi.Input<number>;
  /** ARN of the key that encrypts the topic. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Seconds that a request may wait before the alarm fires.
   * @default 7200
   */
  readonly oldestRequestLimit?: number;
  /**
   * Share of failed videos above which the alarm fires.
   * @default 0.2
   */
  readonly failureRateLimit?: number;
  /**
   * Minimum number of videos for the alarm on their share of failures.
   * @default 5
   */
  readonly failureRateMinRequests?: number;
  /**
   * Also notify when alarms return to OK.
   * @default false
   */
  readonly notifyRecovery?: boolean;
  /**
   * Email addresses subscribed to alarms (each must confirm).
   * @default none
   */
  readonly operationsEmails?: readonly string[];
}

/** A dashboard, five alarms, and the topic that they publish to. */
export class Monitoring extends pulumi.ComponentResource {
  readonly operationsTopicArn: pulumi.Output<string>;
  /** URL of the dashboard in AWS's console. */
  readonly dashboardUrl: pulumi.Output<string>;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("asyncvideo:index:Monitoring", name, {}, opts);
    const settings = { ...defaults, ...args };
    const { account, endpointName, variantName, oldestRequestLimit, operationsEmails } = settings;

    const topic = operationsTopic(`${name}-operations`, account, args.keyArn, operationsEmails, this);
    const ofEndpoint = { EndpointName: endpointName };
    const ofVariant = { ...ofEndpoint, VariantName: variantName };
    const alarm = (what: string, alarmArgs: Partial<cloudwatch.MetricAlarmArgs>): cloudwatch.MetricAlarm =>
      new cloudwatch.MetricAlarm(
        `${name}-${what}`,
        {
          comparisonOperator: "GreaterThanOrEqualToThreshold",
          evaluationPeriods: 1,
          threshold: 1,
          // SageMaker publishes no data points without events.
          treatMissingData: "notBreaching",
          alarmActions: [topic.arn],
          // A new alarm also changes to OK, so by default only ALARM is sent.
          ...(settings.notifyRecovery ? { okActions: [topic.arn] } : {}),
          ...alarmArgs,
        },
        { parent: this },
      );

    const alarms = [
      alarm("failures", {
        // Not InvocationFailures, which also counts invalid videos of callers, such as the smoke test's.
        alarmDescription: "The model server failed on a video. Read the failure object and the endpoint's log.",
        ...requestMetric("Invocation5XXErrors"),
        dimensions: ofVariant,
        statistic: "Sum",
        period: 300,
      }),
      alarm("failure-rate", {
        alarmDescription:
          `More than ${settings.failureRateLimit} of at least ${settings.failureRateMinRequests} videos ` +
          `failed within ${failureRateWindow / 60} minutes. Read the failure objects.`,
        comparisonOperator: "GreaterThanThreshold",
        threshold: settings.failureRateLimit,
        metricQueries: failureRateQueries(ofVariant, settings.failureRateMinRequests),
      }),
      alarm("oldest-request", {
        alarmDescription: `A video has been waiting for ${oldestRequestLimit} s. Add instances or send fewer videos.`,
        ...queueMetric("ApproximateAgeOfOldestRequest"),
        dimensions: ofEndpoint,
        statistic: "Maximum",
        period: 60,
        evaluationPeriods: 5,
        threshold: oldestRequestLimit,
      }),
      alarm("stuck-at-zero", {
        alarmDescription:
          "Videos are queued and no instance starts. Check the scaling activities, the quota, and the endpoint's log.",
        ...queueMetric("HasBacklogWithoutCapacity"),
        dimensions: ofEndpoint,
        statistic: "Average",
        period: 60,
        evaluationPeriods: stuckMinutes,
      }),
      alarm("expired", {
        alarmDescription: "A video was dropped unprocessed, because it waited longer than its RequestTTLSeconds.",
        ...requestMetric("ExpiredRequests"),
        dimensions: ofVariant,
        statistic: "Sum",
        period: 300,
      }),
    ];

    const dashboard = new cloudwatch.Dashboard(
      name,
      {
        // Pulumi does not generate a dashboard's name; the endpoint's is unique in account and region.
        dashboardName: endpointName,
        dashboardBody: pulumi
          .all([endpointName, variantName, account.region, args.maxCapacity, pulumi.all(alarms.map(({ arn }) => arn))])
          .apply(([endpoint, variant, region, maxCapacity, alarmArns]) =>
            dashboardBody({ endpointName: endpoint, variantName: variant, region, maxCapacity, alarmArns }),
          ),
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

/** A topic that only alarms of this account may publish to. */
function operationsTopic(
  name: string,
  account: Account,
  keyArn: pulumi.Input<string>,
  emails: readonly string[],
  parent: pulumi.Resource,
): sns.Topic {
  const topic = serviceTopic(
    name,
    { account, keyArn, service: "cloudwatch.amazonaws.com", sid: "AlarmsOfThisAccountPublish" },
    parent,
  );
  subscribeEmails(name, topic, emails, parent);
  return topic;
}

/** Returns the domain of the partition's console. */
const consoles: Readonly<Record<string, string>> = {
  "aws-cn": "console.amazonaws.cn",
  "aws-us-gov": "console.amazonaws-us-gov.com",
};

function consoleUrl(partition: string, region: string, dashboardName: string): string {
  const host = consoles[partition] ?? "console.aws.amazon.com";
  return `https://${region}.${host}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`;
}
