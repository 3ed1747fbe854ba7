/** Named loads with settings, in `scenarios/`. */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { scalingOf } from "../infra/scaling.ts";
import type { ScalingAlarm, StepPolicy } from "../infra/scaling-types.ts";
import { InvalidInputError } from "../lib/errors.ts";
import type { KnownScaling } from "./scaling.ts";
import type { PlanSettings } from "./settings.ts";
import { plannedVariant } from "./simulation.ts";

const scenarioFile = z.strictObject({
  description: z.string(),
  burst: z.int().positive().optional(),
  /** As the option --arrivals. */
  arrivals: z.string().optional(),
  hours: z.number().positive().optional(),
  /** As the option --seconds. */
  seconds: z.string(),
  startMinutes: z.number().positive().optional(),
  settings: z
    .strictObject({
      instanceType: z.string(),
      maxConcurrency: z.int().positive(),
      maxCapacity: z.int().positive(),
      backlogTarget: z.number().positive(),
      scaleIn: z.enum(["idle", "tracking"]),
    })
    .partial()
    .default({}),
  /** "one": the start from zero that the developer guide describes, by one instance. @default the stack's own */
  fromZero: z.literal("one").optional(),
});

/** A named load with settings. */
export type Scenario = z.infer<typeof scenarioFile>;

const folder = join(import.meta.dirname, "scenarios");

/** Names of the scenarios, sorted. */
export const scenarioNames: readonly string[] = readdirSync(folder)
  .map((file) => basename(file, ".json"))
  .sort();

/**
 * Reads a scenario.
 * @throws InvalidInputError if there is none of that name
 */
export function readScenario(name: string): Scenario {
  if (!scenarioNames.includes(name)) {
    throw new InvalidInputError(`There is no scenario ${name}.`, { hint: `choose ${scenarioNames.join(" or ")}` });
  }
  return scenarioFile.parse(JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")));
}

/**
 * Returns the stack's scaling with the start from zero of the developer guide ("Autoscale an asynchronous endpoint"): an
 * alarm on HasBacklogWithoutCapacity adds one instance, and target tracking adds the others.
 */
export function scalingByOne(settings: PlanSettings): KnownScaling {
  const { policies, alarms, ...scaling } = scalingOf(settings, plannedVariant);
  const isKept = ([key]: [string, unknown]): boolean => key !== "fromZeroRetry";
  return {
    ...scaling,
    policies: { ...Object.fromEntries(Object.entries(policies).filter(isKept)), fromZero: addOne },
    alarms: { ...Object.fromEntries(Object.entries(alarms).filter(isKept)), fromZero: hasBacklog },
  };
}

const addOne: StepPolicy = {
  policyType: "StepScaling",
  stepScalingPolicyConfiguration: {
    adjustmentType: "ChangeInCapacity",
    metricAggregationType: "Average",
    cooldown: 300,
    stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
  },
};

const hasBacklog: ScalingAlarm<string, number> = {
  runs: "fromZero",
  alarm: {
    alarmDescription: "Videos are queued and no instance is running.",
    namespace: "AWS/SageMaker",
    metricName: "HasBacklogWithoutCapacity",
    dimensions: { EndpointName: plannedVariant.endpointName },
    statistic: "Average",
    period: 60,
    evaluationPeriods: 2,
    datapointsToAlarm: 2,
    comparisonOperator: "GreaterThanOrEqualToThreshold",
    threshold: 1,
    treatMissingData: "missing",
  },
};
