/** CloudWatch: metric alarms. */
import {
  DeleteAlarmsCommand,
  DescribeAlarmsCommand,
  ListTagsForResourceCommand,
  PutMetricAlarmCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from "@aws-sdk/client-cloudwatch";
import type {
  ComparisonOperator,
  Dimension,
  MetricDataQuery,
  StandardUnit,
  Statistic,
} from "@aws-sdk/client-cloudwatch";
import type { MetricAlarmArgs } from "@pulumi/aws/cloudwatch/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { unlessMissing } from "./errors.ts";
import { block, flag, item, map, number, regional, set, tagged, text } from "./properties.ts";
import type { FieldsOf, Inputs } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Failure, Managed, Scope } from "./resource.ts";
import { fromTagList, toTagList } from "./tags.ts";
import { isRecord } from "./values.ts";

const fields = {
  name: text({ autoName: { max: 255 }, forceNew: true }),
  actionsEnabled: flag({ default: true }),
  alarmActions: set(item),
  alarmDescription: text(),
  comparisonOperator: text(),
  datapointsToAlarm: number(),
  dimensions: map(),
  evaluateLowSampleCountPercentiles: text({ computed: true }),
  evaluationPeriods: number(),
  extendedStatistic: text(),
  insufficientDataActions: set(item),
  metricName: text(),
  metricQueries: set(
    block({
      id: text({ required: true }),
      accountId: text(),
      expression: text(),
      label: text(),
      metric: block({
        dimensions: map(),
        metricName: text({ required: true }),
        namespace: text(),
        period: number({ required: true }),
        stat: text({ required: true }),
        unit: text(),
      }),
      period: number(),
      returnData: flag({ default: false }),
    }),
  ),
  namespace: text(),
  okActions: set(item),
  period: number(),
  statistic: text(),
  threshold: number(),
  thresholdMetricId: text(),
  treatMissingData: text({ default: "missing" }),
  unit: text(),
  ...tagged,
  ...regional,
} satisfies FieldsOf<
  Omit<pulumi.Unwrap<MetricAlarmArgs>, "alarmActions" | "insufficientDataActions" | "okActions"> &
    Managed & { alarmActions?: string[]; insufficientDataActions?: string[]; okActions?: string[] }
>;

type AlarmInputs = Inputs<typeof fields>;
type Query = NonNullable<AlarmInputs["metricQueries"]>[number];

function toDimensions(given: Record<string, string> | undefined): Dimension[] | undefined {
  return given && Object.entries(given).map(([Name, Value]) => ({ Name, Value }));
}

function fromDimensions(got: readonly Dimension[] | undefined): Record<string, string> {
  return Object.fromEntries((got ?? []).map(({ Name, Value }) => [Name ?? "", Value ?? ""]));
}

function toQuery({ metric, ...query }: Query): MetricDataQuery {
  return {
    Id: query.id,
    AccountId: query.accountId,
    Expression: query.expression,
    Label: query.label,
    Period: query.period,
    ReturnData: query.returnData,
    MetricStat: metric && {
      Metric: {
        MetricName: metric.metricName,
        Namespace: metric.namespace,
        Dimensions: toDimensions(metric.dimensions),
      },
      Period: metric.period,
      Stat: metric.stat,
      Unit: metric.unit as StandardUnit,
    },
  };
}

function fromQuery({ MetricStat: stat, ...query }: MetricDataQuery) {
  return {
    id: query.Id,
    accountId: query.AccountId,
    expression: query.Expression,
    label: query.Label,
    period: query.Period,
    returnData: query.ReturnData ?? false,
    metric: stat && {
      metricName: stat.Metric?.MetricName,
      namespace: stat.Metric?.Namespace,
      dimensions: fromDimensions(stat.Metric?.Dimensions),
      period: stat.Period,
      stat: stat.Stat,
      unit: stat.Unit,
    },
  };
}

async function put(inputs: AlarmInputs, { aws }: Scope, tags?: Record<string, string>): Promise<string> {
  await aws.cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: inputs.name,
      ActionsEnabled: inputs.actionsEnabled,
      AlarmActions: inputs.alarmActions,
      AlarmDescription: inputs.alarmDescription,
      ComparisonOperator: inputs.comparisonOperator as ComparisonOperator,
      DatapointsToAlarm: inputs.datapointsToAlarm,
      Dimensions: toDimensions(inputs.dimensions),
      EvaluateLowSampleCountPercentile: inputs.evaluateLowSampleCountPercentiles,
      EvaluationPeriods: inputs.evaluationPeriods,
      ExtendedStatistic: inputs.extendedStatistic,
      InsufficientDataActions: inputs.insufficientDataActions,
      MetricName: inputs.metricName,
      Metrics: inputs.metricQueries?.map(toQuery),
      Namespace: inputs.namespace,
      OKActions: inputs.okActions,
      Period: inputs.period,
      Statistic: inputs.statistic as Statistic,
      Threshold: inputs.threshold,
      ThresholdMetricId: inputs.thresholdMetricId,
      TreatMissingData: inputs.treatMissingData,
      Unit: inputs.unit as StandardUnit,
      Tags: toTagList(tags ?? {}),
    }),
  );
  return inputs.name;
}

function checkAlarm(inputs: Readonly<Record<string, unknown>>): Failure[] {
  const has = (name: string): boolean => inputs[name] !== undefined;
  const queries = Array.isArray(inputs["metricQueries"]) ? inputs["metricQueries"] : [];
  const failures: Failure[] = [];
  if (has("metricName") && !has("statistic") && !has("extendedStatistic")) {
    failures.push({
      property: "metricName",
      reason: 'One of "statistic" and "extendedStatistic" is needed with "metricName"',
    });
  }
  queries.forEach((query: unknown, index) => {
    if (isRecord(query) && query["expression"] !== undefined && query["metric"] !== undefined) {
      const property = `metricQueries[${index}]`;
      failures.push({ property, reason: `"${property}" has both "expression" and "metric": give one of them` });
    }
  });
  if (queries.length > 0) {
    for (const name of ["metricName", "namespace", "period", "statistic", "dimensions"].filter(has)) {
      failures.push({ property: name, reason: `"${name}" does not go with "metricQueries": leave one of them out` });
    }
  }
  return failures;
}

export const metricAlarm = resource<typeof fields>({
  token: "aws:cloudwatch/metricAlarm:MetricAlarm",
  fields,
  outputs: ["arn"],
  tagging: {
    async tag({ arn }, tags, { aws }) {
      await aws.cloudwatch.send(new TagResourceCommand({ ResourceARN: arn, Tags: toTagList(tags) }));
    },
    async untag({ arn }, TagKeys, { aws }) {
      await aws.cloudwatch.send(new UntagResourceCommand({ ResourceARN: arn, TagKeys }));
    },
  },
  check: checkAlarm,
  create: (inputs, scope) => put(inputs, scope, inputs.tagsAll),
  async read(id, { aws }) {
    const found = await aws.cloudwatch.send(
      new DescribeAlarmsCommand({ AlarmNames: [id], AlarmTypes: ["MetricAlarm"] }),
    );
    const got = found.MetricAlarms?.[0];
    if (got === undefined) return undefined;
    const { Tags } = await aws.cloudwatch.send(new ListTagsForResourceCommand({ ResourceARN: got.AlarmArn }));
    return {
      name: got.AlarmName,
      arn: got.AlarmArn,
      actionsEnabled: got.ActionsEnabled,
      alarmActions: got.AlarmActions,
      alarmDescription: got.AlarmDescription,
      comparisonOperator: got.ComparisonOperator,
      datapointsToAlarm: got.DatapointsToAlarm,
      dimensions: fromDimensions(got.Dimensions),
      evaluateLowSampleCountPercentiles: got.EvaluateLowSampleCountPercentile,
      evaluationPeriods: got.EvaluationPeriods,
      extendedStatistic: got.ExtendedStatistic,
      insufficientDataActions: got.InsufficientDataActions,
      metricName: got.MetricName,
      metricQueries: got.Metrics?.map(fromQuery),
      namespace: got.Namespace,
      okActions: got.OKActions,
      period: got.Period,
      statistic: got.Statistic,
      threshold: got.Threshold,
      thresholdMetricId: got.ThresholdMetricId,
      treatMissingData: got.TreatMissingData ?? "missing",
      unit: got.Unit,
      tags: fromTagList(Tags),
    };
  },
  update: ({ inputs }, scope) => put(inputs, scope),
  async delete(id, { aws }) {
    await unlessMissing(
      aws.cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [id] })),
      "ResourceNotFound",
      "ResourceNotFoundException",
    );
  },
});
