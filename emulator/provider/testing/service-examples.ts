/** Examples of the resource types that the emulator's own services serve: SageMaker, Application Auto Scaling, CloudWatch. */
import type { Example } from "./examples.ts";

const variant = { modelName: "m", instanceType: "ml.g4dn.xlarge", initialInstanceCount: 1, variantName: "v" };

/** Types of SageMaker. */
export const sageMakerExamples: Readonly<Record<string, Example>> = {
  "aws:sagemaker/endpoint:Endpoint": {
    inputs: { endpointConfigName: "one" },
    updates: {
      endpointConfigName: "other",
      deploymentConfig: {
        blueGreenUpdatePolicy: {
          terminationWaitInSeconds: 60,
          trafficRoutingConfiguration: { type: "ALL_AT_ONCE", waitIntervalInSeconds: 0 },
        },
      },
    },
    replaces: { name: "other" },
  },
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration": {
    inputs: { productionVariants: [variant] },
    updates: {},
    replaces: {
      name: "other",
      productionVariants: [{ ...variant, enableSsmAccess: true }],
      asyncInferenceConfig: { outputConfig: { s3OutputPath: "s3://b/out/" } },
    },
  },
  "aws:sagemaker/model:Model": {
    inputs: { executionRoleArn: "arn:aws:iam::000000000000:role/r", primaryContainer: { image: "i" } },
    updates: {},
    replaces: {
      name: "other",
      executionRoleArn: "arn:aws:iam::000000000000:role/other",
      primaryContainer: { image: "other" },
      enableNetworkIsolation: true,
      vpcConfig: { securityGroupIds: ["s"], subnets: ["n"] },
    },
  },
};

const place = {
  resourceId: "endpoint/video/variant/AllTraffic",
  scalableDimension: "sagemaker:variant:DesiredInstanceCount",
  serviceNamespace: "sagemaker",
};
const otherPlace = { resourceId: "other", scalableDimension: "other", serviceNamespace: "other" };

/** Types of Application Auto Scaling. */
export const scalingExamples: Readonly<Record<string, Example>> = {
  "aws:appautoscaling/policy:Policy": {
    inputs: { ...place },
    updates: {
      policyType: "TargetTrackingScaling",
      stepScalingPolicyConfiguration: {
        adjustmentType: "ChangeInCapacity",
        cooldown: 60,
        metricAggregationType: "Average",
        stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
      },
      targetTrackingScalingPolicyConfiguration: {
        targetValue: 5,
        customizedMetricSpecification: { metricName: "M", namespace: "N", statistic: "Average" },
      },
    },
    replaces: { ...otherPlace, name: "other" },
  },
  "aws:appautoscaling/scheduledAction:ScheduledAction": {
    inputs: { ...place, schedule: "cron(0 8 ? * MON-FRI *)", scalableTargetAction: { minCapacity: 1 } },
    updates: {
      schedule: "at(2027-01-01T00:00:00)",
      scalableTargetAction: { minCapacity: 0, maxCapacity: 3 },
      timezone: "Europe/Berlin",
    },
    replaces: { ...otherPlace, name: "other" },
  },
  "aws:appautoscaling/target:Target": {
    inputs: { ...place, minCapacity: 0, maxCapacity: 2 },
    updates: { minCapacity: 1, maxCapacity: 3 },
    replaces: { ...otherPlace },
    replacement: { resourceId: "other" },
  },
};

/** CloudWatch's alarms. */
export const alarmExamples: Readonly<Record<string, Example>> = {
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    inputs: { comparisonOperator: "GreaterThanThreshold", evaluationPeriods: 1 },
    updates: {
      actionsEnabled: false,
      alarmActions: ["arn:one"],
      alarmDescription: "other",
      comparisonOperator: "LessThanThreshold",
      datapointsToAlarm: 1,
      dimensions: { EndpointName: "video" },
      evaluationPeriods: 2,
      statistic: "Average",
      metricName: "M",
      namespace: "N",
      okActions: ["arn:two"],
      period: 60,
      threshold: 3,
      treatMissingData: "notBreaching",
    },
    replaces: { name: "other" },
  },
};

/** CloudWatch's dashboards. */
export const dashboardExamples: Readonly<Record<string, Example>> = {
  "aws:cloudwatch/dashboard:Dashboard": {
    inputs: { dashboardName: "video", dashboardBody: '{"widgets":[]}' },
    updates: { dashboardBody: '{"widgets":[],"start":"-PT1H"}' },
    replaces: { dashboardName: "other" },
    replacement: { dashboardName: "other" },
  },
};
