/**
 * Tests Application Auto Scaling's rules on a capacity that the test controls: limits, cooldowns, suspension,
 * activities.
 */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CapacityHarness, minute, resourceId } from "./capacity-harness.ts";

describe("a scalable target", () => {
  it("moves the capacity into its limits when it is registered, and records an activity", async () => {
    const harness = new CapacityHarness(7);
    harness.autoscaler.register(resourceId, { min: 0, max: 5 });
    await harness.clock.advance(0);
    harness.autoscaler.register(resourceId, { min: 6, max: 9 });
    await harness.clock.advance(0);
    assert.deepEqual(harness.set, [5, 6]);
    const causes = harness.autoscaler.activities().map(({ cause }) => cause);
    assert.deepEqual(causes, ["minimum capacity was set to 6", "maximum capacity was set to 5"]);
  });

  it("does not change a capacity within its limits", async () => {
    const harness = new CapacityHarness(3);
    harness.autoscaler.register(resourceId, { min: 0, max: 5 });
    await harness.clock.advance(minute);
    assert.deepEqual(harness.set, []);
  });

  it("applies limits that were set during a change", async () => {
    const harness = new CapacityHarness(1);
    harness.delay = 5 * minute;
    harness.autoscaler.register(resourceId, { min: 3, max: 5 });
    harness.autoscaler.register(resourceId, { min: 4, max: 5 });
    await harness.clock.advance(15 * minute);
    assert.deepEqual(harness.set, [3, 4]);
  });

  it("removes its policies and their alarms when it is deregistered", () => {
    const harness = new CapacityHarness(1);
    harness.autoscaler.register(resourceId, { min: 0, max: 5 });
    harness.track("load", {});
    assert.equal(harness.alarms.list().length, 2);
    harness.autoscaler.deregister(resourceId);
    assert.deepEqual(
      [harness.autoscaler.targets(), harness.autoscaler.policies(), harness.alarms.list()],
      [[], [], []],
    );
  });

  it("is not scaled beyond its limits", async () => {
    const harness = new CapacityHarness(4);
    harness.autoscaler.register(resourceId, { min: 0, max: 5 });
    harness.step("up", { steps: [{ lower: 0, adjustment: 10 }] });
    await harness.pass({ up: 1 }, 3);
    assert.deepEqual(harness.set, [5]);
  });

  it("is not scaled in or out while scaling is suspended", async () => {
    const harness = new CapacityHarness(3);
    harness.autoscaler.register(resourceId, {
      min: 0,
      max: 5,
      suspension: { scaleIn: true, scaleOut: true, scheduled: false },
    });
    harness.step("up", {});
    harness.step("down", { steps: [{ upper: 0, adjustment: -1 }] }, true);
    await harness.pass({ up: 1, down: 1 });
    await harness.pass({ up: 0, down: -1 });
    assert.deepEqual(harness.set, []);
    harness.autoscaler.register(resourceId, {
      min: 0,
      max: 5,
      suspension: { scaleIn: false, scaleOut: true, scheduled: false },
    });
    await harness.pass({ up: 1, down: 0 });
    await harness.pass({ up: 0, down: -1 });
    assert.deepEqual(harness.set, [2]);
  });
});

describe("a cooldown", () => {
  it("counts a scale-out's instances as part of the next request, and adds only the difference", async () => {
    const harness = new CapacityHarness(1);
    harness.autoscaler.register(resourceId, { min: 0, max: 20 });
    harness.step("up", {
      cooldown: 5 * minute,
      steps: [
        { lower: 0, upper: 10, adjustment: 2 },
        { lower: 10, adjustment: 3 },
      ],
    });
    await harness.pass({ up: 1 }, 3);
    assert.deepEqual(harness.set, [3]);
    await harness.pass({ up: 11 });
    assert.deepEqual(harness.set, [3, 4]);
  });

  it("starts when the activity completes, and ends", async () => {
    const harness = new CapacityHarness(1);
    harness.delay = 90_000;
    harness.autoscaler.register(resourceId, { min: 0, max: 20 });
    harness.step("up", { cooldown: 2 * minute });
    const counts: (number | undefined)[] = [];
    for (let index = 0; index < 7; index += 1) {
      await harness.pass({ up: 1 });
      counts.push(harness.count);
    }
    // Requested at 1:00, done at 2:30, cooldown until 4:30: the next one at 5:00.
    assert.deepEqual(counts, [2, 2, 2, 2, 3, 3, 3]);
  });

  it("of a scale-in delays the next scale-in, but not a scale-out", async () => {
    const harness = new CapacityHarness(9);
    harness.autoscaler.register(resourceId, { min: 0, max: 20 });
    harness.step("down", { cooldown: 3 * minute, steps: [{ upper: 0, adjustment: -1 }] }, true);
    harness.step("up", { steps: [{ lower: 0, adjustment: 4 }] });
    await harness.pass({ down: -1, up: 0 }, 3);
    assert.deepEqual(harness.set, [8]);
    await harness.pass({ down: 1, up: 1 });
    assert.deepEqual(harness.set, [8, 12]);
    await harness.pass({ down: -1, up: 0 });
    assert.deepEqual(harness.set, [8, 12, 11]);
  });

  for (const [stoppedCountInCooldown, expected] of [
    [false, [3, 0, 2, 4]],
    [true, [3, 0, 1, 3]],
  ] as const) {
    const counts = stoppedCountInCooldown ? "counts" : "does not count";
    it(`${counts} instances that have stopped since, if stoppedCountInCooldown is ${stoppedCountInCooldown}`, async () => {
      const harness = new CapacityHarness(2, { stoppedCountInCooldown });
      harness.autoscaler.register(resourceId, { min: 0, max: 20 });
      const exact = { adjustmentType: "ExactCapacity", steps: [{ upper: 0, adjustment: 0 }] } as const;
      harness.step("one", { cooldown: 5 * minute });
      harness.step("two", { cooldown: 0, steps: [{ lower: 0, adjustment: 2 }] });
      harness.step("down", exact, true);
      await harness.pass({ one: 1, two: 0, down: 1 });
      await harness.pass({ one: 0, two: 0, down: -1 });
      await harness.pass({ one: 0, two: 1, down: 1 });
      await harness.pass({ one: 0, two: 0, down: 1 }, 4);
      await harness.pass({ one: 0, two: 1, down: 1 });
      assert.deepEqual(harness.set, expected);
    });
  }

  it("delays only activities of scaling policies", async () => {
    const harness = new CapacityHarness(1);
    harness.autoscaler.register(resourceId, { min: 0, max: 20 });
    harness.step("up", { cooldown: 60 * minute });
    await harness.pass({ up: 1 });
    harness.autoscaler.register(resourceId, { min: 5, max: 20 });
    await harness.clock.advance(0);
    assert.deepEqual(harness.set, [2, 5]);
  });
});

describe("several policies of one target", () => {
  it("result in the largest capacity, even if one policy requests less", async () => {
    const harness = new CapacityHarness(5);
    harness.autoscaler.register(resourceId, { min: 0, max: 20 });
    harness.step("down", { steps: [{ upper: 0, adjustment: -1 }] }, true);
    harness.step("one", {});
    harness.step("four", { steps: [{ lower: 0, adjustment: 4 }] });
    await harness.pass({ down: -1, one: 1, four: 1 });
    assert.deepEqual(harness.set, [9]);
    await harness.pass({ down: -1, one: 0, four: 0 });
    assert.deepEqual(harness.set, [9, 8]);
  });

  it("let a step policy scale in although target tracking is not ready to", async () => {
    const harness = new CapacityHarness(5);
    harness.autoscaler.register(resourceId, { min: 0, max: 20 });
    harness.track("load", {});
    harness.step("down", { steps: [{ upper: 0, adjustment: -1 }] }, true);
    await harness.pass({ down: -1, load: 5 });
    assert.deepEqual(harness.set, [4]);
  });
});

describe("a scaling activity", () => {
  it("fails with the resource's reason, and is retried while the alarm lasts", async () => {
    const harness = new CapacityHarness(1);
    harness.autoscaler.register(resourceId, { min: 0, max: 5 });
    harness.step("up", { cooldown: 10 * minute });
    harness.refusal = "the endpoint is busy";
    await harness.pass({ up: 1 }, 2);
    harness.refusal = undefined;
    await harness.pass({ up: 1 });
    const told = harness.autoscaler.activities().map(({ status, statusMessage }) => `${status}: ${statusMessage}`);
    const failure = "Failed: Failed to set desired instance count to 2. Reason: the endpoint is busy";
    assert.deepEqual(told, [
      "Successful: Successfully set desired instance count to 2. Change successfully fulfilled by sagemaker.",
      failure,
      failure,
    ]);
  });

  it("is dropped after six weeks", async () => {
    const harness = new CapacityHarness(1);
    harness.autoscaler.register(resourceId, { min: 2, max: 5 });
    await harness.clock.advance(43 * 86_400_000);
    harness.autoscaler.register(resourceId, { min: 3, max: 5 });
    await harness.clock.advance(0);
    assert.equal(harness.autoscaler.activities().length, 1);
  });

  it("does not happen for a deleted resource", async () => {
    const harness = new CapacityHarness(1);
    harness.autoscaler.register(resourceId, { min: 0, max: 5 });
    harness.step("up", {});
    harness.count = undefined;
    await harness.pass({ up: 1 });
    assert.deepEqual(harness.set, []);
  });
});

describe("a decision not to scale", () => {
  const reasons = (harness: CapacityHarness) =>
    harness.autoscaler.activities({ includeNotScaled: true }).map(({ notScaled }) => notScaled);

  it("names the limit or the current capacity, once until the capacity changes", async () => {
    const harness = new CapacityHarness(5);
    harness.autoscaler.register(resourceId, { min: 1, max: 5 });
    harness.step("more", {});
    await harness.pass({ more: 1 }, 3);
    assert.deepEqual(reasons(harness), [{ code: "AlreadyAtMaxCapacity", capacity: 5 }]);
    harness.step("fewer", { steps: [{ upper: 0, adjustment: -4 }] }, true);
    await harness.pass({ more: -1, fewer: -1 }, 3);
    assert.deepEqual(harness.set, [1]);
    assert.deepEqual(reasons(harness), [
      { code: "AlreadyAtMinCapacity", capacity: 1 },
      undefined,
      { code: "AlreadyAtMaxCapacity", capacity: 5 },
    ]);
    harness.step("exact", { adjustmentType: "ExactCapacity", steps: [{ lower: 0, adjustment: 1 }] });
    await harness.pass({ fewer: 1, exact: 1 });
    assert.deepEqual(reasons(harness)[0], { code: "AlreadyAtDesiredCapacity", capacity: 1 });
  });

  it("has no reason while scaling is suspended", async () => {
    const harness = new CapacityHarness(5);
    const suspend = (scaleIn: boolean, scaleOut: boolean, limits = { min: 0, max: 5 }) => {
      harness.autoscaler.register(resourceId, { ...limits, suspension: { scaleIn, scaleOut, scheduled: false } });
    };
    suspend(false, true);
    harness.step("more", {});
    await harness.pass({ more: 1 });
    suspend(true, false, { min: 5, max: 9 });
    harness.step("fewer", { steps: [{ upper: 0, adjustment: -1 }] }, true);
    await harness.pass({ more: 0, fewer: -1 });
    suspend(true, true);
    harness.step("exact", { adjustmentType: "ExactCapacity", steps: [{ lower: 0, adjustment: 5 }] });
    await harness.pass({ fewer: 1, exact: 1 });
    assert.deepEqual(reasons(harness), []);
    suspend(true, false);
    await harness.pass({ more: 1 });
    assert.deepEqual(reasons(harness)[0], { code: "AlreadyAtMaxCapacity", capacity: 5 });
  });
});

describe("an alarm's action on a policy", () => {
  it("is recorded as failed if no step applies or the policy does not exist", async () => {
    const harness = new CapacityHarness(1);
    harness.autoscaler.register(resourceId, { min: 0, max: 5 });
    harness.step("up", { steps: [{ lower: 10, adjustment: 1 }] });
    harness.step("gone", {});
    harness.autoscaler.deletePolicy(resourceId, "gone");
    await harness.pass({ up: 1, gone: 1 });
    const told = harness.alarms.history().filter(({ type }) => type === "Action");
    assert.equal(told.length, 2);
    assert.match(told[0]?.summary ?? "", /There is no scaling policy arn:aws:autoscaling:/);
    assert.match(told[1]?.summary ?? "", /No step adjustment found for metric value 1 and breach threshold 0/);
  });
});
