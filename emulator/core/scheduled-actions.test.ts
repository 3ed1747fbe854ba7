/** Tests when scheduled actions change the limits of a scalable target. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { minute } from "./endpoint-harness.ts";
import { ScalingHarness, resourceId } from "./scaling-harness.ts";
import type { ScheduledActionSettings } from "./scheduled-actions.ts";

/** The harness starts at midnight of January 1, 2026, a Thursday. */
const warm: ScheduledActionSettings = { name: "warm", resourceId, schedule: "cron(30 0 * * ? *)", min: 2 };
const cold: ScheduledActionSettings = { name: "cold", resourceId, schedule: "cron(0 2 * * ? *)", min: 0, max: 1 };
const hour = 60 * minute;

async function deployed(...actions: readonly ScheduledActionSettings[]): Promise<ScalingHarness> {
  const harness = await new ScalingHarness().deployed(0);
  for (const action of actions) harness.autoscaler.scheduledActions.put(action);
  return harness;
}

function limits(harness: ScalingHarness): (number | undefined)[] {
  const target = harness.autoscaler.target(resourceId);
  return [target?.min, target?.max];
}

describe("a scheduled action", () => {
  it("changes the limits at its moments, and moves the capacity into them", async () => {
    const harness = await deployed(warm, cold);
    assert.deepEqual(await harness.watch(hour), ["30:2"]);
    assert.deepEqual(limits(harness), [2, 5]);
    assert.deepEqual(await harness.watch(2 * hour), ["30:2", "120:1"]);
    assert.deepEqual(limits(harness), [0, 1]);
    assert.deepEqual((await harness.watch(24 * hour)).slice(2), []);
    assert.equal(harness.autoscaler.activities()[0]?.cause, "maximum capacity was set to 1");
  });

  it("that contradicts the other limit changes nothing", async () => {
    const harness = await deployed(warm, { ...cold, max: undefined, min: 6 });
    await harness.watch(3 * hour);
    assert.deepEqual(limits(harness), [2, 5]);
  });

  it("is due from its start to its end", async () => {
    const start = Date.UTC(2026, 0, 2, 0, 30);
    const harness = await deployed({ ...warm, start, end: start + 24 * hour });
    const counts: number[] = [];
    for (let day = 0; day < 4; day += 1) {
      await harness.watch(hour);
      counts.push(harness.endpoints.endpoint.desiredCount);
      harness.autoscaler.register(resourceId, { min: 0, max: 0 });
      harness.autoscaler.register(resourceId, { min: 0, max: 5 });
      await harness.watch(23 * hour);
    }
    assert.deepEqual(counts, [0, 2, 2, 0]);
  });

  it("does nothing while scheduled scaling is suspended, or once it is deleted", async () => {
    const harness = await deployed(warm);
    const suspension = { scaleIn: false, scaleOut: false, scheduled: true };
    harness.autoscaler.register(resourceId, { min: 0, max: 5, suspension });
    assert.deepEqual(await harness.watch(hour), []);
    harness.autoscaler.register(resourceId, { min: 0, max: 5, suspension: { ...suspension, scheduled: false } });
    harness.autoscaler.scheduledActions.delete(resourceId, "warm");
    assert.deepEqual(await harness.watch(24 * hour), []);
  });

  it("is replaced by one of the same name, which keeps its ARN", async () => {
    const harness = await deployed(warm);
    const { scheduledActions } = harness.autoscaler;
    const arn = scheduledActions.get(resourceId, "warm")?.arn;
    assert.equal(scheduledActions.put({ ...warm, schedule: "at(2026-01-01T01:30:00)" }).arn, arn);
    assert.deepEqual(await harness.watch(2 * hour), ["90:2"]);
  });

  it("is deleted with its target", async () => {
    const harness = await deployed(warm);
    harness.autoscaler.deregister(resourceId);
    harness.autoscaler.register(resourceId, { min: 0, max: 5 });
    assert.deepEqual(await harness.watch(2 * hour), []);
    assert.deepEqual(harness.autoscaler.scheduledActions.list(), []);
  });
});
