/** CloudWatch: metric alarms, dashboards and log groups. */
import type * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import { crud, put } from "./crud.ts";
import {
  blockField,
  booleanField,
  jsonField,
  mapField,
  numberField,
  setField,
  stringField,
  stringItem,
} from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { byProperties } from "./row.ts";

/** An alarm on a metric, or on an expression of metrics. */
export const metricAlarm = put({
  token: "aws:cloudwatch/metricAlarm:MetricAlarm",
  service: "cloudwatch",
  fields: {
    name: stringField({ autoName: { max: 255 }, forceNew: true, member: "AlarmName" }),
    actionsEnabled: booleanField({ default: true }),
    alarmActions: setField(stringItem),
    alarmDescription: stringField(),
    comparisonOperator: stringField(),
    datapointsToAlarm: numberField(),
    dimensions: mapField(),
    evaluationPeriods: numberField(),
    metricName: stringField({ requires: "statistic" }),
    metricQueries: setField(
      blockField({
        id: stringField({ required: true }),
        expression: stringField({ conflictsWith: ["metric"] }),
        label: stringField(),
        metric: blockField(
          {
            dimensions: mapField({ member: "Metric.Dimensions" }),
            metricName: stringField({ required: true, member: "Metric.MetricName" }),
            namespace: stringField({ member: "Metric.Namespace" }),
            period: numberField({ required: true }),
            stat: stringField({ required: true }),
          },
          { member: "MetricStat" },
        ),
        returnData: booleanField({ default: false }),
      }),
      { member: "Metrics", conflictsWith: ["metricName", "namespace", "period", "statistic", "dimensions"] },
    ),
    namespace: stringField(),
    okActions: setField(stringItem),
    period: numberField(),
    statistic: stringField(),
    threshold: numberField(),
    treatMissingData: stringField({ default: "missing" }),
  } satisfies FieldsOf<cloudwatch.MetricAlarmArgs>,
  outputs: { arn: stringField({ member: "AlarmArn" }) },
  identity: byProperties(["name"]),
  tags: { set: "TagResource", remove: "UntagResource", list: "ListTagsForResource" },
  put: "PutMetricAlarm",
  read: [{ operation: "DescribeAlarms", input: { AlarmTypes: ["MetricAlarm"] }, at: "MetricAlarms" }],
  delete: { operation: "DeleteAlarms" },
  notFoundCodes: ["ResourceNotFound", "ResourceNotFoundException"],
});

/** A dashboard. */
export const dashboard = put({
  token: "aws:cloudwatch/dashboard:Dashboard",
  service: "cloudwatch",
  fields: {
    dashboardName: stringField({ required: true, forceNew: true }),
    dashboardBody: jsonField({ required: true }),
  } satisfies FieldsOf<cloudwatch.DashboardArgs>,
  outputs: { dashboardArn: stringField() },
  identity: byProperties(["dashboardName"]),
  put: "PutDashboard",
  read: [{ operation: "GetDashboard" }],
  delete: { operation: "DeleteDashboards" },
  // The name in the model, and the code in the query protocol.
  notFoundCodes: ["DashboardNotFoundError", "ResourceNotFound"],
});

/** A log group, with the number of days for which it keeps logs. */
export const logGroup = crud({
  token: "aws:cloudwatch/logGroup:LogGroup",
  service: "logs",
  fields: {
    name: stringField({ autoName: { max: 255 }, forceNew: true, member: ["logGroupName", "logGroupNamePrefix"] }),
    kmsKeyId: stringField(),
    // 0 days: never.
    retentionInDays: numberField({ default: 0 }),
  } satisfies FieldsOf<cloudwatch.LogGroupArgs>,
  outputs: { arn: stringField() },
  identity: byProperties(["name"]),
  tags: { set: "TagResource", remove: "UntagResource", list: "ListTagsForResource" },
  create: { operation: "CreateLogGroup" },
  read: [{ operation: "DescribeLogGroups", at: "logGroups", find: "name" }],
  derive: ({ arn }) => ({ arn: String(arn).replace(/:\*$/, "") }),
  update: [
    { property: "retentionInDays", set: "PutRetentionPolicy", clear: "DeleteRetentionPolicy" },
    { property: "kmsKeyId", set: "AssociateKmsKey", clear: "DisassociateKmsKey" },
  ],
  delete: { operation: "DeleteLogGroup" },
  notFoundCodes: ["ResourceNotFoundException"],
});
