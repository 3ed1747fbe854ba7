/** How the stack is watched: a dashboard to look at, and alarms that speak up by themselves. */
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

/** Minutes with videos queued and no instance after which no instance is coming: longer than a GPU instance takes to start. */
const stuckMinutes = 20;

/** What can be chosen about {@link Monitoring}. */
export interface MonitoringArgs {
  readonly account: Account;
  readonly endpointName: pulumi.Input<string>;
  readonly variantName: pulumi.Input<string>;
  /** Instances at most. */
  readonly maxCapacity: pulumi.Input<number>;
  /** ARN of the key that encrypts the topic. */
  readonly keyArn: pulumi.Input<string>;
  /**
   * Seconds that a request may wait before an alarm says so.
   * @default 7200
   */
  readonly oldestRequestLimit?: number;
  /**
   * Share of failed videos above which an alarm goes off.
   * @default 0.2
   */
  readonly failureRateLimit?: number;
  /**
   * Minimum number of videos for which their share of failures is compared.
   * @default 5
   */
  readonly failureRateMinRequests?: number;
  /**
   * Whether alarms also notify when they return to OK.
   * @default false
   */
  readonly notifyRecovery?: boolean;
  /**
   * Addresses that get the alarms, once each has confirmed.
   * @default none
   */
  readonly operationsEmails?: readonly string[];
}

/** A dashboard, five alarms, and the topic that they speak on. */
export class Monitoring extends pulumi.ComponentResource {
  readonly operationsTopicArn: pulumi.Output<string>;
  /** Address of the dashboard in AWS's console. */
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
          // SageMaker sends no data about what did not happen.
          treatMissingData: "notBreaching",
          alarmActions: [topic.arn],
          // A new alarm becomes OK, too: without the setting, people hear only of what needs them.
          ...(settings.notifyRecovery ? { okActions: [topic.arn] } : {}),
          ...alarmArgs,
        },
        { parent: this },
      );

    const alarms = [
      alarm("failures", {
        // Not InvocationFailures, which counts a sender's broken file, such as the smoke test's, as well.
        alarmDescription: "The model server failed on a video: the failure object, and the endpoint's log, say why.",
        ...requestMetric("Invocation5XXErrors"),
        dimensions: ofVariant,
        statistic: "Sum",
        period: 300,
      }),
      alarm("failure-rate", {
        alarmDescription:
          `More than ${settings.failureRateLimit} of at least ${settings.failureRateMinRequests} videos ` +
          `failed within ${failureRateWindow / 60} minutes: the failure objects say why.`,
        comparisonOperator: "GreaterThanThreshold",
        threshold: settings.failureRateLimit,
        metricQueries: failureRateQueries(ofVariant, settings.failureRateMinRequests),
      }),
      alarm("oldest-request", {
        alarmDescription: `A video has been waiting for ${oldestRequestLimit} s: more instances, or fewer videos, are needed.`,
        ...queueMetric("ApproximateAgeOfOldestRequest"),
        dimensions: ofEndpoint,
        statistic: "Maximum",
        period: 60,
        evaluationPeriods: 5,
        threshold: oldestRequestLimit,
      }),
      alarm("stuck-at-zero", {
        alarmDescription:
          "Videos are queued and no instance starts: see the scaling activities, the quota, and the endpoint's log.",
        ...queueMetric("HasBacklogWithoutCapacity"),
        dimensions: ofEndpoint,
        statistic: "Average",
        period: 60,
        evaluationPeriods: stuckMinutes,
      }),
      alarm("expired", {
        alarmDescription: "A video was dropped unseen, because it waited for longer than its RequestTTLSeconds.",
        ...requestMetric("ExpiredRequests"),
        dimensions: ofVariant,
        statistic: "Sum",
        period: 300,
      }),
    ];

    const dashboard = new cloudwatch.Dashboard(
      name,
      {
        // A dashboard's name is not made by Pulumi; the endpoint's is unique in account and region.
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

/** A topic that this account's alarms alone speak on. */
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

/** Each partition has a console of its own. */
const consoles: Readonly<Record<string, string>> = {
  "aws-cn": "console.amazonaws.cn",
  "aws-us-gov": "console.amazonaws-us-gov.com",
};

function consoleUrl(partition: string, region: string, dashboardName: string): string {
  const host = consoles[partition] ?? "console.aws.amazon.com";
  return `https://${region}.${host}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`;
}
