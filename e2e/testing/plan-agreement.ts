/** Compares the plan of a measured burst with the burst. */
import assert from "node:assert/strict";
import type { ScalingSettings } from "../../infra/scaling-types.ts";
import type { MeasuredBurst } from "../../planner/burst.ts";
import { plan } from "../../planner/plan.ts";
import type { PlanResult } from "../../planner/plan.ts";
import { planSettings } from "../../planner/settings.ts";

/**
 * Time between two observations of the instances, and some for the observation, ms. Alarms act once a minute: if a burst
 * ends at the end of a minute, an error of a second in the time of a start moves the stop of the instances by a minute.
 */
const resolution = 5_000;

/** Plans a measured burst on a stack. */
export async function planOf(burst: MeasuredBurst, stack: Omit<ScalingSettings, "warmWindow">): Promise<PlanResult> {
  const { settings, timeToLive, startMinutes, load, simulation } = burst;
  const planned = planSettings({ ...stack, ...settings, warmWindow: undefined }, { timeToLive, startMinutes });
  return await plan(planned, load, simulation);
}

/**
 * Asserts that times agree within 10 % or a minute, whichever is more, and instance-hours within 10 %, these for starts
 * as long as measured, or shorter or longer by the resolution of the measurement. On a busy machine, all of a burst may
 * be late by up to a minute: then each instance may start and stop in another minute, by which `instanceMinutes` differ.
 */
export async function assertAgreement(
  burst: MeasuredBurst,
  stack: Omit<ScalingSettings, "warmWindow">,
  { instanceMinutes = 0 }: { readonly instanceMinutes?: number } = {},
): Promise<void> {
  const { result: measured } = burst;
  const planned = await planOf(burst, stack);
  const times: [string, number, number][] = [["drain", 60 * planned.drain_minutes, 60 * measured.drain_minutes]];
  for (const key of ["p50", "p90", "p95", "p99", "max"] as const) {
    times.push([`wait ${key}`, planned.wait_seconds[key], measured.wait_seconds[key]]);
    times.push([`total ${key}`, planned.total_seconds[key], measured.total_seconds[key]]);
  }
  const all = JSON.stringify({ planned, measured });
  for (const [name, expected, seen] of times) {
    const tolerance = Math.max(0.1 * seen, 60);
    assert.ok(Math.abs(expected - seen) <= tolerance, `${name}: planned ${expected} s, measured ${seen} s; ${all}`);
  }
  const { instance_hours: hours } = measured;
  assert.ok(hours !== null, all);
  const candidates = [planned.instance_hours];
  for (const change of [-resolution, resolution]) {
    const startUps = burst.simulation.startUps?.map((startUp) => Math.max(0, startUp + change));
    const simulation = { ...burst.simulation, startUps };
    candidates.push((await planOf({ ...burst, simulation }, stack)).instance_hours);
  }
  const tolerance = Math.max(0.1 * hours, (planned.instances_peak * instanceMinutes) / 60);
  const isClose = (value: number): boolean => Math.abs(value - hours) <= tolerance;
  assert.ok(candidates.some(isClose), `instance-hours: planned ${candidates.join(", ")}, measured ${hours}; ${all}`);
}
