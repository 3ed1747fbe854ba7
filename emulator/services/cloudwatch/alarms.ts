/** CloudWatch's alarm operations on the state machine's alarms. */

import type { CloudWatch, MetricAlarm, StandardUnit } from "@aws-sdk/client-cloudwatch";
import type { Alarm, Alarms, AlarmSettings } from "../../core/alarms.ts";
import { MetricQueries } from "../../core/metric-queries.ts";
import { sameDimensions } from "../../core/metrics.ts";
import { statisticName } from "../../core/statistics.ts";
import { AwsError } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import { settingsOf } from "./alarm-input.ts";
import { unimplemented, validationError } from "./errors.ts";
import { alarmArn, dimensionsOf, wireDimensions } from "./identity.ts";
import type { Place } from "./identity.ts";
import { wireQueries } from "./metric-queries.ts";
import { paged } from "./metrics.ts";
import type { TagStore } from "../tags.ts";
import type { WallClockQueries } from "./wall-clock.ts";

/** Default page size (API reference, DescribeAlarms and DescribeAlarmHistory). */
const pageSize = 50;

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null;
  } catch {
    return false;
  }
}

function wireWatched({ watched, period }: AlarmSettings): MetricAlarm {
  if (watched instanceof MetricQueries) return { Metrics: wireQueries(watched) };
  return {
    MetricName: watched.metric.name,
    Namespace: watched.metric.namespace,
    ...(typeof watched.statistic === "string"
      ? { Statistic: watched.statistic }
      : { ExtendedStatistic: watched.statistic.name }),
    Dimensions: wireDimensions(watched.metric.dimensions),
    Period: period / 1_000,
    // Units of alarms come from requests that the API model has checked.
    Unit: watched.unit as StandardUnit | undefined,
  };
}

function wireAlarm(alarm: Alarm, place: Place): MetricAlarm {
  const { settings } = alarm;
  return {
    AlarmName: settings.name,
    AlarmArn: alarmArn(place, settings.name),
    AlarmDescription: settings.description,
    AlarmConfigurationUpdatedTimestamp: new Date(alarm.configuredAt),
    ActionsEnabled: settings.actionsEnabled,
    OKActions: [...settings.actions.OK],
    AlarmActions: [...settings.actions.ALARM],
    InsufficientDataActions: [...settings.actions.INSUFFICIENT_DATA],
    StateValue: alarm.state,
    StateReason: alarm.reason,
    StateReasonData: alarm.reasonData,
    StateUpdatedTimestamp: new Date(alarm.stateUpdatedAt),
    StateTransitionedTimestamp: new Date(alarm.stateTransitionedAt),
    ...wireWatched(settings),
    EvaluationPeriods: settings.evaluationPeriods,
    DatapointsToAlarm: settings.datapointsToAlarm,
    Threshold: settings.threshold,
    ComparisonOperator: settings.comparison,
    TreatMissingData: settings.treatMissingData,
    EvaluateLowSampleCountPercentile: settings.lowSampleCount,
  };
}

/** Returns the handlers of the alarm operations. */
export function alarmHandlers(alarms: Alarms, tags: TagStore, wallClock: WallClockQueries, place: Place) {
  const setActionsEnabled = (names: readonly string[] = [], isEnabled: boolean): object => {
    for (const name of names) alarms.setActionsEnabled(name, isEnabled);
    return {};
  };

  return {
    PutMetricAlarm(input) {
      const settings = settingsOf(input, place);
      const isNew = alarms.get(settings.name) === undefined;
      tags.check(input.Tags);
      alarms.put(settings);
      // Tags given for an existing alarm are ignored (API reference, PutMetricAlarm).
      if (isNew) tags.create(alarmArn(place, settings.name), input.Tags);
      return {};
    },

    DescribeAlarms(input) {
      const { AlarmNames, AlarmNamePrefix, AlarmTypes = ["MetricAlarm"], StateValue, ActionPrefix } = input;
      if (input.ChildrenOfAlarmName !== undefined || input.ParentsOfAlarmName !== undefined) {
        throw unimplemented("composite alarms");
      }
      if (AlarmNames !== undefined && AlarmNamePrefix !== undefined) {
        throw validationError("AlarmNames and AlarmNamePrefix are mutually exclusive.");
      }
      const found = alarms
        .list()
        .filter(() => AlarmTypes.includes("MetricAlarm"))
        .filter(({ settings }) => AlarmNames === undefined || AlarmNames.includes(settings.name))
        .filter(({ settings }) => settings.name.startsWith(AlarmNamePrefix ?? ""))
        .filter(({ state }) => StateValue === undefined || StateValue === state)
        .filter(({ settings }) => {
          if (ActionPrefix === undefined) return true;
          return Object.values(settings.actions)
            .flat()
            .some((action) => action.startsWith(ActionPrefix));
        });
      const { items, nextToken } = paged(found, input.MaxRecords ?? pageSize, input.NextToken);
      const metricAlarms = items.map((alarm) => wireAlarm(alarm, place));
      return { MetricAlarms: metricAlarms, CompositeAlarms: [], NextToken: nextToken };
    },

    /** Only alarms on the metric itself, not those on metric math (API reference, DescribeAlarmsForMetric). */
    DescribeAlarmsForMetric(input) {
      const { Namespace, MetricName, Statistic, ExtendedStatistic = Statistic, Period, Unit } = input;
      const dimensions = dimensionsOf(input.Dimensions);
      const found = alarms.list().filter(({ settings: { watched, period } }) => {
        if (watched instanceof MetricQueries) return false;
        const { metric, statistic, unit } = watched;
        return (
          metric.namespace === Namespace &&
          metric.name === MetricName &&
          sameDimensions(metric.dimensions, dimensions) &&
          (ExtendedStatistic === undefined || ExtendedStatistic === statisticName(statistic)) &&
          (Period === undefined || Period * 1_000 === period) &&
          (Unit === undefined || Unit === unit)
        );
      });
      return { MetricAlarms: found.map((alarm) => wireAlarm(alarm, place)) };
    },

    /** Deletes all or, if one of the alarms does not exist, none (API reference, DeleteAlarms). */
    DeleteAlarms({ AlarmNames: names = [] }) {
      const missing = names.filter((name) => alarms.get(name) === undefined);
      if (missing.length > 0) {
        throw new AwsError("ResourceNotFound", `Alarms not found: ${missing.join(", ")}`, 404);
      }
      for (const name of names) alarms.delete(name);
      return {};
    },

    SetAlarmState({ AlarmName = "", StateValue, StateReason = "", StateReasonData }) {
      if (alarms.get(AlarmName) === undefined) {
        throw new AwsError("ResourceNotFound", `Alarm ${AlarmName} does not exist`, 404);
      }
      if (StateReasonData !== undefined && !isJsonObject(StateReasonData)) {
        throw new AwsError("InvalidFormat", "StateReasonData is not valid JSON");
      }
      if (StateValue !== undefined) alarms.setState(AlarmName, StateValue, StateReason, StateReasonData);
      return {};
    },

    EnableAlarmActions: ({ AlarmNames }) => setActionsEnabled(AlarmNames, true),
    DisableAlarmActions: ({ AlarmNames }) => setActionsEnabled(AlarmNames, false),

    DescribeAlarmHistory(input) {
      const { AlarmName, AlarmTypes = ["MetricAlarm"], HistoryItemType, StartDate, EndDate, ScanBy } = input;
      if (input.AlarmContributorId !== undefined) throw unimplemented("alarm contributors");
      const shift = wallClock.shift(EndDate);
      const found = alarms
        .history()
        .filter(() => AlarmTypes.includes("MetricAlarm"))
        .filter(({ alarmName }) => AlarmName === undefined || AlarmName === alarmName)
        .filter(({ type }) => HistoryItemType === undefined || HistoryItemType === type)
        .filter(({ timestamp }) => StartDate === undefined || timestamp - shift >= StartDate.getTime())
        .filter(({ timestamp }) => EndDate === undefined || timestamp - shift <= EndDate.getTime());
      const ordered = ScanBy === "TimestampAscending" ? found : found.reverse();
      const { items, nextToken } = paged(ordered, input.MaxRecords ?? pageSize, input.NextToken);
      const history = items.map(({ alarmName, timestamp, type, summary, data }) => ({
        AlarmName: alarmName,
        AlarmType: "MetricAlarm" as const,
        Timestamp: new Date(timestamp - shift),
        HistoryItemType: type,
        HistorySummary: summary,
        HistoryData: data,
      }));
      return { AlarmHistoryItems: history, NextToken: nextToken };
    },
  } satisfies Handlers<CloudWatch>;
}
