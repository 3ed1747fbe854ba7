/** Tests plans whose result is known: the blog post's burst, long videos, and short videos after a burst. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseArrivals, parseServiceTime } from "./inputs.ts";
import { drawLoad } from "./load.ts";
import type { Load } from "./load.ts";
import { plan } from "./plan.ts";
import { readScenario, scalingByOne } from "./scenarios.ts";
import { planSettings } from "./settings.ts";
import type { PlanSettings } from "./settings.ts";
import { simulate } from "./simulation.ts";
import { testSettings } from "./testing/settings.ts";

const hour = 3_600_000;

async function scenario(name: string, changes: Partial<PlanSettings> = {}) {
  const { burst, arrivals, hours = 1, seconds, settings, fromZero } = readScenario(name);
  const later = arrivals === undefined ? undefined : await parseArrivals(arrivals, hours);
  const load = drawLoad({ burst, arrivals: later, service: parseServiceTime(seconds) }, 1);
  const planned = { ...testSettings, ...(settings as Partial<PlanSettings>), ...changes };
  return await plan(planned, load, { scaling: fromZero === "one" ? scalingByOne(planned) : undefined });
}

describe("the plan of", () => {
  it("the blog post's burst has its throughput and its last wait, and ends with no instance", async () => {
    const result = await scenario("blog");
    assert.equal(result.runs, 1_000);
    assert.ok(Math.abs(result.throughput_per_minute - 18) <= 2, String(result.throughput_per_minute));
    assert.ok(Math.abs(result.last_wait_seconds - 3_500) <= 350, String(result.last_wait_seconds));
    assert.equal(result.instances_end, 0);
  });

  it("50 ten-minute videos interrupts none of them, and is done within 115 minutes", async () => {
    const result = await scenario("long-videos");
    assert.deepEqual([result.runs, result.interrupted_expected, result.expired], [50, 0, 0]);
    assert.ok(result.drain_minutes <= 115, String(result.drain_minutes));
  });

  it("50 ten-minute videos with target tracking interrupts some of them", async () => {
    const result = await scenario("long-videos", { scaleIn: "tracking" });
    assert.ok(result.interrupted_expected > 0);
    assert.equal(result.runs, 50 + result.interrupted_expected);
    assert.ok(result.drain_minutes > 150, String(result.drain_minutes));
  });

  it("short videos after a burst costs at most a quarter more than with target tracking", async () => {
    const [idle, tracking] = [
      await scenario("trickle-after-burst"),
      await scenario("trickle-after-burst", { scaleIn: "tracking" }),
    ];
    assert.ok(
      idle.instance_hours <= 1.25 * tracking.instance_hours,
      `${idle.instance_hours}, ${tracking.instance_hours}`,
    );
    assert.ok(idle.wait_seconds.p95 <= tracking.wait_seconds.p95 + 60);
  });

  it("24 idle hours starts no instance, with gauges that publish 0 or nothing", async () => {
    const nothing: Load = { arrivals: new Float64Array(), durations: new Float64Array() };
    for (const gaugesWhileIdle of [true, false]) {
      for (const scaleIn of ["idle", "tracking"] as const) {
        const assumptions = { gaugesWhileIdle };
        const end = await simulate({ ...testSettings, scaleIn }, nothing, { assumptions, tail: 24 * hour });
        assert.deepEqual([end.billed, end.peak], [0, 0]);
      }
    }
  });
});

describe("a plan", () => {
  const one = drawLoad({ burst: 1, service: { kind: "fixed", seconds: 30 } }, 1);

  it("adds up waits, instance-hours and cost of one video", async () => {
    const result = await plan(testSettings, one);
    // Two datapoints, which alarms see a minute later, and four minutes to start.
    assert.equal(result.last_wait_seconds, 7 * 60);
    assert.equal(result.drain_minutes, 7.5);
    assert.deepEqual(result.total_seconds, { p50: 450, p90: 450, p95: 450, p99: 450, max: 450 });
    assert.deepEqual([result.requests, result.runs, result.instances_peak, result.instances_end], [1, 1, 1, 0]);
    // From the launch at 3:00 until five empty minutes are seen, at 13:00.
    assert.equal(result.instance_hours, Number((10 / 60).toFixed(3)));
    assert.equal(result.usd, Number(((10 / 60) * 0.7364).toFixed(3)));
    assert.equal(result.utilisation, Number((0.5 / 10).toFixed(3)));
    assert.equal(result.usd_always_on, Number((5 * (7.5 / 60) * 0.7364).toFixed(3)));
  });

  it("counts the videos that expire", async () => {
    const burst = drawLoad({ burst: 20, service: { kind: "fixed", seconds: 600 } }, 1);
    const result = await plan({ ...testSettings, maxCapacity: 1, timeToLive: 3_600 }, burst);
    assert.equal(result.expired + result.runs, 20);
    assert.ok(result.expired > 0);
  });

  it("refuses videos that take longer than the time limit of a run, and says how many", async () => {
    const load = drawLoad({ burst: 3, service: { kind: "fixed", seconds: 901 } }, 1);
    await assert.rejects(plan(testSettings, load), {
      name: "InvalidInputError",
      message: "All videos take longer than the time limit of a run, 900 s: the longest takes 901 s.",
    });
    load.durations[0] = 1_000;
    await assert.rejects(plan(testSettings, load), { message: /^2 of 3 videos take longer/ });
  });

  it("has the minimum number of instances before and after the load in a warm window", async () => {
    const warmWindow = { days: "MON-FRI", start: "00:00", end: "01:00", timeZone: "UTC", instances: 2 };
    const later = { arrivals: Float64Array.of(20 * 60_000), durations: Float64Array.of(30_000) };
    const result = await plan({ ...testSettings, warmWindow }, later);
    assert.deepEqual([result.last_wait_seconds, result.instances_peak, result.instances_end], [0, 2, 2]);
  });
});

describe("the settings of a plan", () => {
  const stack = { ...testSettings, warmWindow: undefined };

  it("have the price of the instance type, SageMaker's time to live and four minutes to start", () => {
    const { price, timeToLive, startMinutes } = planSettings(stack);
    assert.deepEqual([price, timeToLive, startMinutes], [0.7364, 21_600, 4]);
  });

  it("need a price for an unknown instance type", () => {
    const unknown = { ...stack, instanceType: "ml.x9.huge" };
    assert.throws(() => planSettings(unknown), {
      name: "InvalidInputError",
      message: "No price is known for ml.x9.huge.",
    });
    assert.equal(planSettings(unknown, { price: 3 }).price, 3);
  });
});
