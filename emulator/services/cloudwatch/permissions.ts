/**
 * Permissions that CloudWatch's operations need. Source, if no other is given: Service Authorization Reference, "Actions,
 * resources, and condition keys for Amazon CloudWatch".
 */

import type { CloudWatch, PutMetricAlarmInput, Tag } from "@aws-sdk/client-cloudwatch";
import { permission } from "../../iam/permission.ts";
import type { Action, ConditionValues, Permission, PermissionsOf, ServicePermissions } from "../../iam/permission.ts";
import { AwsError } from "../../wire/service.ts";
import { tagsByKey } from "../tags.ts";
import type { TagStore } from "../tags.ts";
import { alarmArn, dashboardArn } from "./identity.ts";
import type { Place } from "./identity.ts";

/** Returns the permissions of the service. */
export function monitoringPermissions(tags: TagStore, place: Place): ServicePermissions {
  const on = (action: Action, arn: string, values: ConditionValues = {}): Permission =>
    permission(action, arn, { ...values, resourceTags: tags.find(arn) });
  const onAlarm = (action: Action, name = "", values: ConditionValues = {}): Permission =>
    on(action, alarmArn(place, name), values);
  // Without names, AWS checks an alarm with an empty name (observed with DeleteAlarms,
  // aws-samples/amazon-cloudwatch-auto-alarms#18).
  const onAlarms = (action: Action, names: readonly string[] = []): Permission[] =>
    (names.length === 0 ? [""] : names).map((name) => onAlarm(action, name));
  const onDashboard = (action: Action, name = "", values: ConditionValues = {}): Permission =>
    on(action, dashboardArn(place, name), values);
  /** Source: API reference, PutMetricAlarm, Tags. That it applies to dashboards, too, is unconfirmed. */
  const tagged = (arn: string, given: readonly Tag[] = []): Permission[] =>
    given.length === 0 ? [] : [on("cloudwatch:TagResource", arn, { requestTags: tagsByKey(given) })];

  const operations = {
    PutMetricAlarm: (input) => [
      onAlarm("cloudwatch:PutMetricAlarm", input.AlarmName, {
        requestTags: tagsByKey(input.Tags),
        keys: { "cloudwatch:AlarmActions": actionsOf(input) },
      }),
      ...tagged(alarmArn(place, input.AlarmName ?? ""), input.Tags),
    ],
    // A list needs the permission for all alarms (observed, aws-samples/amazon-cloudwatch-auto-alarms#1). That it also does
    // with a prefix is unconfirmed.
    DescribeAlarms: ({ AlarmNames: names = [] }) =>
      onAlarms("cloudwatch:DescribeAlarms", names.length === 0 ? ["*"] : names),
    DescribeAlarmsForMetric: () => [permission("cloudwatch:DescribeAlarmsForMetric", "*")],
    DescribeAlarmHistory: ({ AlarmName = "*" }) => [onAlarm("cloudwatch:DescribeAlarmHistory", AlarmName)],
    DeleteAlarms: ({ AlarmNames }) => onAlarms("cloudwatch:DeleteAlarms", AlarmNames),
    SetAlarmState: ({ AlarmName }) => [onAlarm("cloudwatch:SetAlarmState", AlarmName)],
    EnableAlarmActions: ({ AlarmNames }) => onAlarms("cloudwatch:EnableAlarmActions", AlarmNames),
    DisableAlarmActions: ({ AlarmNames }) => onAlarms("cloudwatch:DisableAlarmActions", AlarmNames),

    PutMetricData: ({ Namespace }) => [
      permission("cloudwatch:PutMetricData", "*", { keys: { "cloudwatch:namespace": Namespace } }),
    ],
    GetMetricData: () => [permission("cloudwatch:GetMetricData", "*")],
    GetMetricStatistics: () => [permission("cloudwatch:GetMetricStatistics", "*")],
    ListMetrics: () => [permission("cloudwatch:ListMetrics", "*")],

    PutDashboard: ({ DashboardName = "", Tags }) => [
      onDashboard("cloudwatch:PutDashboard", DashboardName, { requestTags: tagsByKey(Tags) }),
      ...tagged(dashboardArn(place, DashboardName), Tags),
    ],
    GetDashboard: ({ DashboardName }) => [onDashboard("cloudwatch:GetDashboard", DashboardName)],
    DeleteDashboards: ({ DashboardNames: names = [] }) =>
      (names.length === 0 ? [""] : names).map((name) => onDashboard("cloudwatch:DeleteDashboards", name)),
    ListDashboards: () => [permission("cloudwatch:ListDashboards", "*")],

    ListTagsForResource: ({ ResourceARN = "*" }) => [on("cloudwatch:ListTagsForResource", ResourceARN)],
    TagResource: ({ ResourceARN = "*", Tags }) => [
      on("cloudwatch:TagResource", ResourceARN, { requestTags: tagsByKey(Tags) }),
    ],
    UntagResource: ({ ResourceARN = "*", TagKeys = [] }) => [
      on("cloudwatch:UntagResource", ResourceARN, { tagKeys: TagKeys }),
    ],
  } satisfies PermissionsOf<CloudWatch>;
  // Code and status: observed (aws-samples/amazon-cloudwatch-auto-alarms#1,
  // tomaszkiewicz/prometheus-alertmanager-cloudwatch-webhook#3).
  return { operations, denied: (message) => new AwsError("AccessDenied", message, 403) };
}

/** Returns the actions for all states (user guide, "Using condition keys to limit alarm actions"); undefined without any. */
function actionsOf(input: PutMetricAlarmInput): readonly string[] | undefined {
  const actions = [input.OKActions, input.AlarmActions, input.InsufficientDataActions].flatMap((given) => given ?? []);
  return actions.length === 0 ? undefined : [...new Set(actions)];
}
