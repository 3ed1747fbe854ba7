/** CloudWatch: metric alarms, dashboards and log groups. */
import type * as cloudwatch from "@pulumi/aws/cloudwatch/index.js";
import { crud, put } from "./crud.ts";
import type { Properties } from "./mapping.ts";
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
import type { Failure } from "./resource.ts";
import { byProperties } from "./row.ts";
import { isRecord } from "./values.ts";

function checkAlarm(inputs: Properties): Failure[] {
  const has = (name: string): boolean => inputs[name] !== undefined;
  const queries = Array.isArray(inputs["metricQueries"]) ? inputs["metricQueries"] : [];
  const failures: Failure[] = [];
  if (has("metricName") && !has("statistic") && !has("extendedStatistic")) {
    failures.push({
      property: "metricName",
      reason: 'One of "statistic" and "extendedStatistic" is required with "metricName"',
    });
  }
  queries.forEach((query: unknown, index) => {
    if (isRecord(query) && query["expression"] !== undefined && query["metric"] !== undefined) {
      const property = `metricQueries[${index}]`;
      failures.push({ property, reason: `"${property}" has both "expression" and "metric": leave one of them out` });
    }
  });
  if (queries.length > 0) {
    for (const name of ["metricName", "namespace", "period", "statistic", "dimensions"].filter(has)) {
      failures.push({
        property: name,
        reason: `"${name}" cannot be combined with "metricQueries": leave one of them out`,
      });
    }
  }
  return failures;
}

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
    extendedStatistic: stringField(),
    metricName: stringField(),
    metricQueries: setField(
      blockField({
        id: stringField({ required: true }),
        expression: stringField(),
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
      { member: "Metrics" },
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
  check: checkAlarm,
  put: "PutMetricAlarm",
  read: [{ operation: "DescribeAlarms", input: { AlarmTypes: ["MetricAlarm"] }, at: "MetricAlarms" }],
  delete: { operation: "DeleteAlarms" },
  notFoundCodes: ["ResourceNotFound", "ResourceNotFoundException"],
});

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

export const logGroup = crud({
  token: "aws:cloudwatch/logGroup:LogGroup",
  service: "logs",
  fields: {
    name: stringField({ autoName: { max: 255 }, forceNew: true, member: ["logGroupName", "logGroupNamePrefix"] }),
    kmsKeyId: stringField(),
    // 0 days: never.
    retentionInDays: numberField({ default: 0 }),
    skipDestroy: booleanField({ default: false, local: true }),
  } satisfies FieldsOf<cloudwatch.LogGroupArgs>,
  outputs: { arn: stringField() },
  identity: byProperties(["name"]),
  tags: { set: "TagResource", remove: "UntagResource", list: "ListTagsForResource" },
  create: { operation: "CreateLogGroup" },
  read: [{ operation: "DescribeLogGroups", at: "logGroups", find: "name" }],
  derive: ({ arn }) => ({ arn: String(arn).replace(/:\*$/, "") }),
  update: [
    { properties: ["retentionInDays"], set: "PutRetentionPolicy", clear: "DeleteRetentionPolicy" },
    { properties: ["kmsKeyId"], set: "AssociateKmsKey", clear: "DisassociateKmsKey" },
  ],
  delete: { operation: "DeleteLogGroup" },
  notFoundCodes: ["ResourceNotFoundException"],
});
