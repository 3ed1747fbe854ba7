/** The message of an alarm's action on an SNS topic, in CloudWatch's format. */

import type { ActionRunner, AlarmEvent, AlarmSettings } from "../../core/alarms.ts";
import { MetricQueries } from "../../core/metric-queries.ts";
import type { Dimensions } from "../../core/metric-types.ts";
import { statisticName } from "../../core/statistics.ts";
import type { Statistic } from "../../core/statistics.ts";
import { alarmArn } from "./identity.ts";
import type { Place } from "./identity.ts";

/** Publishes to a topic for an alarm; rejects if there is no topic, or if CloudWatch may not publish to it. */
export type Publish = (alarmArn: string, topicArn: string, message: string, subject: string) => Promise<void>;

/** Formats a moment as in CloudWatch's messages: `2026-11-22T16:04:00.000+0000`. */
function stamp(moment: number): string {
  return new Date(moment).toISOString().replace("Z", "+0000");
}

/** Maximum length of SNS's subjects. */
const subjectLimit = 100;

function triggerDimensions(dimensions: Dimensions): object[] {
  return Object.entries(dimensions).map(([name, value]) => ({ value, name }));
}

/** Formats the statistic; the members for an extended one are those of messages in public repositories. */
function triggerStatistic(statistic: Statistic): object {
  if (typeof statistic === "string") return { StatisticType: "Statistic", Statistic: statistic.toUpperCase() };
  return { StatisticType: "ExtendedStatistic", ExtendedStatistic: statistic.name };
}

/** Describes the watched metric. Format with metric math: messages in public repositories. */
function watchedOf({ watched }: AlarmSettings): object {
  if (watched instanceof MetricQueries) {
    const Metrics = watched.queries.map(({ id, label, isReturned, source }) => {
      const named = { Id: id, Label: label, ReturnData: isReturned };
      if (typeof source === "string") return { Expression: source, ...named };
      const { metric, period, statistic, unit } = source;
      const Metric = {
        Dimensions: triggerDimensions(metric.dimensions),
        MetricName: metric.name,
        Namespace: metric.namespace,
      };
      return { ...named, MetricStat: { Metric, Period: period / 1_000, Stat: statisticName(statistic), Unit: unit } };
    });
    return { Metrics };
  }
  return {
    MetricName: watched.metric.name,
    Namespace: watched.metric.namespace,
    ...triggerStatistic(watched.statistic),
    Unit: watched.unit ?? null,
    Dimensions: triggerDimensions(watched.metric.dimensions),
  };
}

function messageOf({ alarm, previous }: AlarmEvent, place: Place): string {
  const { settings } = alarm;
  return JSON.stringify({
    AlarmName: settings.name,
    AlarmDescription: settings.description ?? null,
    AWSAccountId: place.accountId,
    AlarmConfigurationUpdatedTimestamp: stamp(alarm.configuredAt),
    NewStateValue: alarm.state,
    NewStateReason: alarm.reason,
    StateChangeTime: stamp(alarm.stateUpdatedAt),
    // CloudWatch writes the region's long name here; no API model has it.
    Region: place.region,
    AlarmArn: alarmArn(place, settings.name),
    OldStateValue: previous.state,
    OKActions: settings.actions.OK,
    AlarmActions: settings.actions.ALARM,
    InsufficientDataActions: settings.actions.INSUFFICIENT_DATA,
    Trigger: {
      ...watchedOf(settings),
      Period: settings.period / 1_000,
      EvaluationPeriods: settings.evaluationPeriods,
      DatapointsToAlarm: settings.datapointsToAlarm ?? settings.evaluationPeriods,
      ComparisonOperator: settings.comparison,
      Threshold: settings.threshold,
      TreatMissingData: settings.treatMissingData,
      EvaluateLowSampleCountPercentile: settings.lowSampleCount ?? "",
    },
  });
}

/**
 * Returns CloudWatch's words for a failed publication. Observed: awslabs/landing-zone-accelerator-on-aws#31 (key),
 * aws-solutions/automated-security-response-on-aws#43 (topic).
 */
function failureWords(error: unknown, arn: string): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "KMSAccessDeniedException") {
    return "CloudWatch Alarms does not have authorization to access the SNS topic encryption key.";
  }
  return error.message.replace(/^User: cloudwatch\.amazonaws\.com /, `Resource: ${arn} `);
}

/** Runs alarm actions that are topic ARNs. */
export function topicActions(publish: Publish, place: Place): ActionRunner {
  return {
    accepts: (action) => action.startsWith("arn:aws:sns:"),
    repeats: false,
    run: async (action, event) => {
      const { alarm } = event;
      const subject = `${alarm.state}: "${alarm.settings.name}" in ${place.region}`.slice(0, subjectLimit);
      const arn = alarmArn(place, alarm.settings.name);
      try {
        await publish(arn, action, messageOf(event, place), subject);
      } catch (error) {
        throw new Error(failureWords(error, arn), { cause: error });
      }
    },
  };
}
