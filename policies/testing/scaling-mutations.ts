/** Mutations of the policies and alarms that start instances from zero and stop them. */
import fc from "fast-check";
import type { Mutation } from "./breaking.ts";
import { set } from "./broken-stack.ts";
import type { BrokenStack } from "./broken-stack.ts";
import type { TestResource } from "./evaluate.ts";

const target = "aws:appautoscaling/target:Target";
const policy = "aws:appautoscaling/policy:Policy";
const action = "aws:appautoscaling/scheduledAction:ScheduledAction";
const alarm = "aws:cloudwatch/metricAlarm:MetricAlarm";

const isNamed = (ending: string) => (resource: TestResource) => resource.name.endsWith(`-${ending}`);
/** The two alarms that run the policy to zero. */
const idleAlarms = (stack: BrokenStack): TestResource[] =>
  stack.resources.filter(({ type, name }) => type === alarm && /-(mostly-)?idle$/.test(name));

const toZeroSteps = "stepScalingPolicyConfiguration.stepAdjustments";
const otherActions = fc.constantFrom(undefined, [], ["arn:aws:sns:us-east-1:1:other"]);

/** All mutations of the scaling's policies and alarms. */
export const scalingMutations: readonly Mutation[] = [
  ...(
    [
      ["metricQueries.0.expression", fc.constantFrom("b", "IF(h < 1, b, 0)", "h + b")],
      ["metricQueries.1.metric.metricName", fc.constantFrom("ApproximateBacklogSize", "Invocations")],
      ["metricQueries.1.metric.dimensions.VariantName", fc.constant("AllTraffic")],
      ["metricQueries.2.metric.namespace", fc.constant("Custom")],
      ["evaluationPeriods", fc.integer({ min: 6, max: 60 })],
      ["threshold", fc.integer({ min: 2, max: 1000 })],
      ["alarmActions", otherActions],
      [
        "comparisonOperator",
        fc.constantFrom("LessThanThreshold", "LessThanOrEqualToThreshold", "GreaterThanThreshold"),
      ],
      ["actionsEnabled", fc.constant(false)],
    ] as const
  ).map(([path, values]): Mutation => ({
    policy: "wakes-from-zero",
    what: `${path} of the alarm that starts the first instance`,
    by: values.map((value: unknown) => (stack) => {
      set(stack.one(alarm, 0, isNamed("from-zero")), path, value);
      return stack.one(target, 0);
    }),
  })),
  {
    policy: "wakes-from-zero",
    what: "no alarm, or no step policy",
    by: fc.constantFrom(alarm, policy).map((type) => (stack) => {
      stack.remove(stack.one(type, 0, isNamed("from-zero")));
      return stack.one(target, 0);
    }),
  },
  ...(
    [
      ["metricName", fc.constantFrom("ApproximateBacklogSizePerInstance", "HasBacklogWithoutCapacity")],
      ["dimensions.VariantName", fc.constant("AllTraffic")],
      ["dimensions.EndpointName", fc.constant("other")],
      ["statistic", fc.constantFrom("Average", "Minimum", "Sum")],
      ["comparisonOperator", fc.constantFrom("GreaterThanThreshold", "GreaterThanOrEqualToThreshold")],
      ["threshold", fc.constantFrom(0, -1)],
      ["alarmActions", otherActions],
      ["actionsEnabled", fc.constant(false)],
    ] as const
  ).map(([path, values]): Mutation => ({
    policy: "scales-to-zero",
    what: `${path} of the alarms that stop instances`,
    by: values.map((value: unknown) => (stack) => {
      for (const each of idleAlarms(stack)) set(each, path, value);
      return stack.one(target, 0);
    }),
  })),
  ...(
    [
      ["0.metricIntervalUpperBound", fc.constantFrom("0", "-1", "0.5", "-1.5", undefined)],
      ["0.scalingAdjustment", fc.integer({ min: 1, max: 5 })],
    ] as const
  ).map(([path, values]): Mutation => ({
    policy: "scales-to-zero",
    what: `${path} of the steps that stop instances`,
    by: values.map((value: unknown) => (stack) => {
      set(stack.one(policy, 0, isNamed("to-zero")), `${toZeroSteps}.${path}`, value);
      return stack.one(target, 0);
    }),
  })),
  {
    policy: "scales-to-zero",
    what: "no alarm, or no step policy",
    by: fc.boolean().map((noAlarm) => (stack) => {
      const removed = noAlarm ? idleAlarms(stack) : [stack.one(policy, 0, isNamed("to-zero"))];
      for (const each of removed) stack.remove(each);
      return stack.one(target, 0);
    }),
  },
  {
    policy: "warm-window-limit",
    what: "a scheduled action without an end, with many instances, or with another maximum",
    by: fc
      .constantFrom({ minCapacity: 1 }, { minCapacity: 2 }, { minCapacity: 0, maxCapacity: 1000 })
      .map((scalableTargetAction) => (stack) => {
        const { serviceNamespace, scalableDimension, resourceId } = stack.one(target, 0).props;
        const scaled = { serviceNamespace, scalableDimension, resourceId };
        const when = { schedule: "cron(0 8 ? * MON-FRI *)", timezone: "Etc/UTC" };
        return stack.add({ type: action, name: "warm", props: { ...scaled, ...when, scalableTargetAction } });
      }),
  },
];
