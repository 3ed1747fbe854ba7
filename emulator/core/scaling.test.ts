/** Tests how the whole state machine scales in virtual time: from zero, to zero, with a burst, during updates. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Alarms } from "./alarms.ts";
import { Autoscaler } from "./autoscaler.ts";
import { minute, second } from "./endpoint-harness.ts";
import { AsyncEndpoint } from "./endpoint.ts";
import type { Settlement } from "./endpoint-api.ts";
import { LatencyLauncher } from "./latency-model.ts";
import { MetricStore } from "./metrics.ts";
import { RealClock } from "./real-clock.ts";
import { ScalingHarness, backlogMetric, backlogTracking, resourceId, wakeAlarm, wakeStep } from "./scaling-harness.ts";
import type { InvocationRequest } from "./worker.ts";

describe("scaling from zero", () => {
  it("starts one instance for one video after two one-minute datapoints of HasBacklogWithoutCapacity, by the step policy", async () => {
    const harness = (await new ScalingHarness().deployed(0)).withBothPolicies();
    await harness.endpoints.clock.advance(10 * second);
    harness.endpoints.send(1);
    assert.deepEqual(await harness.watch(10 * minute), ["3:1"]);
    assert.equal(harness.endpoints.settledAt.get("video-1"), 3 * minute + minute + 30 * second);
    const [activity] = harness.autoscaler.activities();
    assert.equal(activity?.cause, "monitor alarm wake in state ALARM triggered policy wake");
    assert.equal(activity.description, "Setting desired instance count to 1.");
    assert.equal(
      activity.statusMessage,
      "Successfully set desired instance count to 1. Change successfully fulfilled by sagemaker.",
    );
    assert.equal(activity.status, "Successful");
    assert.equal((activity.endedAt ?? 0) - activity.startedAt, minute);
  });

  it("needs more videos than the target if there is only target tracking", async () => {
    const one = (await new ScalingHarness().deployed(0)).withTracking();
    one.endpoints.send(1);
    assert.deepEqual(await one.watch(3 * 60 * minute), []);
    const six = (await new ScalingHarness().deployed(0)).withTracking();
    six.endpoints.send(6);
    assert.deepEqual((await six.watch(8 * minute))[0], "4:2");
  });

  it("never happens by target tracking if there is no backlog per instance at zero instances", async () => {
    const harness = (await new ScalingHarness({ backlogPerInstanceAtZero: "missing" }).deployed(0)).withTracking();
    harness.endpoints.send(100);
    assert.deepEqual(await harness.watch(60 * minute), []);
  });

  it("adds only one instance, although its start takes longer than the alarm's minutes and the alarm stays in ALARM", async () => {
    const model = { startUp: () => 7 * minute };
    const harness = (await new ScalingHarness().deployed(0, undefined, model)).withWake();
    harness.endpoints.send(1);
    assert.deepEqual(await harness.watch(12 * minute), ["3:1"]);
    assert.equal(harness.autoscaler.activities().length, 1);
  });

  it("shows the activity as in progress until the instance is in service", async () => {
    const harness = (await new ScalingHarness().deployed(0)).withWake();
    harness.endpoints.send(1);
    await harness.endpoints.clock.advance(2 * minute + 30 * second);
    const [activity] = harness.autoscaler.activities();
    assert.deepEqual(
      [activity?.status, activity?.endedAt, activity?.statusMessage],
      [
        "InProgress",
        undefined,
        "Successfully set desired instance count to 1. Waiting for change to be fulfilled by sagemaker.",
      ],
    );
  });

  it("happens again for the next video after the return to zero", async () => {
    const harness = (await new ScalingHarness().deployed(0)).withBothPolicies();
    harness.endpoints.send(1);
    assert.deepEqual(await harness.watch(40 * minute), ["3:1", "16:0"]);
    harness.endpoints.send(1);
    assert.deepEqual((await harness.watch(10 * minute)).slice(2), ["43:1"]);
    assert.equal(harness.endpoints.settled.size, 2);
  });
});

describe("scaling to zero", () => {
  it("takes 15 quiet minutes: 15 of 15 datapoints below 90 % of the target", async () => {
    const harness = (await new ScalingHarness().deployed(1)).withTracking();
    assert.deepEqual(await harness.watch(30 * minute), ["16:0"]);
    const [activity] = harness.autoscaler.activities();
    assert.match(
      activity?.cause ?? "",
      /^monitor alarm TargetTracking-endpoint\/videos\/variant\/main-AlarmLow-\S+ in state ALARM triggered policy backlog$/,
    );
  });

  it("does not happen while a request is in process: taking the only instance would lift the backlog above the target's share", async () => {
    const model = { run: () => ({ length: 40 * minute }) };
    const harness = (await new ScalingHarness().deployed(1, undefined, model)).withTracking();
    harness.endpoints.send(1, { timeout: 60 * minute });
    assert.deepEqual(await harness.watch(39 * minute), []);
    assert.deepEqual(await harness.watch(30 * minute), ["42:0"]);
  });

  it("removes one instance at a time, with the scale-in cooldown between two activities", async () => {
    const harness = (await new ScalingHarness().deployed(3)).withTracking();
    assert.deepEqual(await harness.watch(30 * minute), ["16:2", "18:1", "20:0"]);
  });

  it("happens at once if target tracking scales in proportionally", async () => {
    const harness = (await new ScalingHarness({ trackingScaleIn: "proportional" }).deployed(3)).withTracking();
    assert.deepEqual(await harness.watch(30 * minute), ["16:0"]);
  });

  it("ends at the minimum capacity", async () => {
    const harness = (await new ScalingHarness().deployed(3, { min: 1, max: 5 })).withTracking();
    await harness.watch(60 * minute);
    assert.equal(harness.endpoints.endpoint.currentCount, 1);
  });

  it("does not happen if scale-in is disabled: there is no low alarm", async () => {
    const harness = (await new ScalingHarness().deployed(1)).withTracking({ disableScaleIn: true });
    assert.deepEqual(await harness.watch(60 * minute), []);
    assert.equal(harness.alarms.list().length, 1);
  });

  it("waits until every target-tracking policy is ready to scale in", async () => {
    const harness = (await new ScalingHarness().deployed(1)).withTracking();
    const metric = { ...backlogMetric.metric, name: "Age", namespace: "Videos" };
    harness.autoscaler.putPolicy(resourceId, "age", {
      ...backlogTracking,
      watched: { ...backlogMetric, metric },
      target: 60,
    });
    const { metrics, start } = harness.endpoints;
    for (let elapsed = 1; elapsed <= 60; elapsed += 1) {
      metrics.put({ ...metric, timestamp: start + elapsed * minute, value: elapsed <= 30 ? 59 : 0 });
    }
    assert.deepEqual(await harness.watch(30 * minute), []);
    assert.deepEqual(await harness.watch(30 * minute), ["46:0"]);
  });
});

describe("scaling with a burst", () => {
  it("reaches the maximum, proportionally, after 3 of 3 datapoints above the target, and back to zero", async () => {
    const harness = (await new ScalingHarness().deployed(0)).withBothPolicies();
    harness.endpoints.send(100);
    const counts = await harness.watch(90 * minute);
    assert.deepEqual(counts.slice(0, 2), ["3:1", "4:5"]);
    assert.equal(harness.endpoints.settled.size, 100);
    assert.ok([...harness.endpoints.settled.values()].every(({ status }) => status === "completed"));
    assert.equal(harness.endpoints.endpoint.currentCount, 0);
    const most = Math.max(...counts.map((count) => Number(count.split(":")[1])));
    assert.equal(most, 5);
  });

  it("uses the largest capacity if two policies act at one moment", async () => {
    const harness = (await new ScalingHarness().deployed(0)).withTracking().withWake();
    const alarm = harness.alarms.get("wake");
    assert.ok(alarm);
    harness.alarms.put({ ...alarm.settings, evaluationPeriods: 3, datapointsToAlarm: 3 });
    harness.endpoints.send(12);
    assert.deepEqual((await harness.watch(6 * minute))[0], "4:3");
    assert.equal(harness.autoscaler.activities().length, 1);
  });
});

describe("scaling and updates", () => {
  it("is refused by an endpoint that is being updated: a failed activity, retried each minute", async () => {
    const harness = (await new ScalingHarness().deployed(0)).withWake();
    const { endpoint, clock } = harness.endpoints;
    harness.endpoints.send(1);
    await clock.advance(minute + 30 * second);
    const launcher = harness.endpoints.launcher({ startUp: () => 80 * second });
    void endpoint.deploy({ launcher, concurrency: 1, initialCount: 1 });
    await clock.advance(minute);
    const [activity] = harness.autoscaler.activities();
    assert.equal(activity?.status, "Failed");
    assert.equal(
      activity.statusMessage,
      'Failed to set desired instance count to 1. Reason: Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/videos".',
    );
    assert.ok(activity.endedAt);
    await clock.advance(2 * minute);
    assert.equal(endpoint.currentCount, 1);
    assert.equal(harness.endpoints.settled.size, 1);
  });

  it("returns to zero after an update has started instances again", async () => {
    const harness = (await new ScalingHarness().deployed(0)).withBothPolicies();
    const { endpoint, clock } = harness.endpoints;
    void endpoint.deploy({ launcher: harness.endpoints.launcher(), concurrency: 1, initialCount: 1 });
    await clock.advance(minute);
    assert.equal(endpoint.currentCount, 1);
    await clock.advance(20 * minute);
    assert.equal(endpoint.currentCount, 0);
  });

  it("gives up an instance that does not start, and tries again while the alarm is in ALARM", async () => {
    let isBroken = true;
    const model = {
      startUp: () => {
        if (isBroken) throw new Error("no capacity");
        return minute;
      },
    };
    const harness = (await new ScalingHarness().deployed(0, undefined, model)).withWake();
    harness.endpoints.send(1);
    await harness.endpoints.clock.advance(6 * minute);
    const failed = harness.autoscaler.activities().at(-1);
    assert.equal(failed?.statusMessage, "Failed to set desired instance count to 1. Reason: no capacity");
    isBroken = false;
    await harness.endpoints.clock.advance(6 * minute);
    assert.equal(harness.endpoints.settled.size, 1);
  });
});

describe("the state machine on a fast real clock", () => {
  it("starts an instance for one video: the wait for the alarm is short, start and run take real time", async () => {
    const clock = new RealClock(3_000);
    const metrics = new MetricStore(clock);
    const alarms = new Alarms({ clock, metrics });
    const settled = Promise.withResolvers<Settlement>();
    const endpoint = new AsyncEndpoint<InvocationRequest>({
      name: "videos",
      arn: "arn",
      variant: "main",
      clock,
      metrics,
      listener: {
        onSettled: (_, settlement) => {
          settled.resolve(settlement);
        },
      },
    });
    const capacity = {
      current: () => endpoint.desiredCount,
      set: (_: string, count: number) => endpoint.setDesired(count),
    };
    const autoscaler = new Autoscaler({ clock, alarms, capacity, region: "us-east-1", accountId: "000000000000" });
    autoscaler.register(resourceId, { min: 0, max: 5 });
    alarms.put(wakeAlarm(autoscaler.putPolicy(resourceId, "wake", wakeStep).arn));
    const launcher = new LatencyLauncher<InvocationRequest>(clock, { startUp: () => 40, run: () => ({ length: 20 }) });
    await endpoint.deploy({ launcher, concurrency: 1, initialCount: 0 });
    const receivedAt = clock.now();
    endpoint.enqueue({ inferenceId: "video", receivedAt, ttl: 60 * minute, timeout: 15 * minute });
    assert.equal((await settled.promise).status, "completed");
    assert.ok(clock.now() - receivedAt >= minute);
    await endpoint.delete();
    clock.stop();
  });
});
