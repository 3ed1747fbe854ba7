/** Tests Application Auto Scaling's answers and refusals for scheduled actions. */

import assert from "node:assert/strict";
import type { DescribeScheduledActionsResponse, ScheduledAction } from "@aws-sdk/client-application-auto-scaling";
import { describe, it } from "mocha";
import { ScalingServiceHarness, key, registered } from "./harness.ts";

const warm = {
  ...key,
  ScheduledActionName: "warm",
  Schedule: "cron(0 8 ? * MON-FRI *)",
  Timezone: "Europe/Berlin",
  ScalableTargetAction: { MinCapacity: 1, MaxCapacity: 5 },
};

async function described(harness: ScalingServiceHarness, input: object = {}): Promise<ScheduledAction[]> {
  const answer = await harness.call<DescribeScheduledActionsResponse>("DescribeScheduledActions", {
    ServiceNamespace: "sagemaker",
    ...input,
  });
  return answer.ScheduledActions ?? [];
}

describe("PutScheduledAction", () => {
  it("creates an action that DescribeScheduledActions returns as it was put", async () => {
    const harness = await registered();
    await harness.call("PutScheduledAction", warm);
    const [action, ...others] = await described(harness, { ResourceId: key.ResourceId });
    assert.deepEqual(others, []);
    assert.match(
      action?.ScheduledActionARN ?? "",
      /^arn:aws:autoscaling:us-east-1:000000000000:scheduledAction:[0-9a-f-]{36}:resource\/sagemaker\/endpoint\/videos\/variant\/main:scheduledActionName\/warm$/,
    );
    const shown = JSON.parse(JSON.stringify(action)) as object;
    const CreationTime = new Date(harness.clock.now()).toISOString();
    assert.deepEqual(shown, { ...warm, ScheduledActionARN: action?.ScheduledActionARN, CreationTime });
  });

  it("runs the action at its moment", async () => {
    const harness = await registered();
    harness.counts.set(key.ResourceId, 0);
    await harness.call("PutScheduledAction", warm);
    await harness.clock.runUntil(Date.UTC(2026, 0, 1, 7));
    assert.equal(harness.counts.get(key.ResourceId), 1);
  });

  it("keeps what an update does not set, except start and end", async () => {
    const harness = await registered();
    await harness.call("PutScheduledAction", { ...warm, StartTime: new Date(harness.clock.now() + 1_000) });
    await harness.call("PutScheduledAction", {
      ...key,
      ScheduledActionName: "warm",
      ScalableTargetAction: { MinCapacity: 2 },
    });
    const [action] = await described(harness);
    assert.deepEqual(action?.ScalableTargetAction, { MinCapacity: 2, MaxCapacity: 5 });
    assert.deepEqual([action.Schedule, action.Timezone, action.StartTime], [warm.Schedule, warm.Timezone, undefined]);
  });

  for (const [what, changes, message] of [
    ["an invalid schedule", { Schedule: "cron(0 8 * * *)" }, /has six fields/],
    ["an unknown time zone", { Timezone: "Europe/Atlantis" }, /Invalid schedule expression/],
    ["no schedule", { Schedule: undefined }, /Schedule is required/],
    ["no limit", { ScalableTargetAction: undefined }, /At least one of MinCapacity and MaxCapacity/],
    ["a maximum below the minimum", { ScalableTargetAction: { MinCapacity: 2, MaxCapacity: 1 } }, /less than minimum/],
    ["a negative minimum", { ScalableTargetAction: { MinCapacity: -1 } }, /greater than or equal to 0/],
    ["an end before the start", { StartTime: new Date(2), EndTime: new Date(1) }, /EndTime cannot be before/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const harness = await registered();
      const call = harness.call("PutScheduledAction", { ...warm, ...changes });
      await assert.rejects(call, { code: "ValidationException", message });
      assert.deepEqual(await described(harness), []);
    });
  }

  it("refuses an action of a resource that is not registered", async () => {
    await assert.rejects(new ScalingServiceHarness().call("PutScheduledAction", warm), {
      code: "ObjectNotFoundException",
    });
  });
});

describe("DescribeScheduledActions", () => {
  it("filters by name", async () => {
    const harness = await registered();
    for (const ScheduledActionName of ["a", "b"]) {
      await harness.call("PutScheduledAction", { ...warm, ScheduledActionName });
    }
    const found = await described(harness, { ScheduledActionNames: ["b", "c"] });
    assert.deepEqual(
      found.map(({ ScheduledActionName }) => ScheduledActionName),
      ["b"],
    );
  });
});

describe("DeleteScheduledAction", () => {
  it("deletes an action, and refuses a missing one", async () => {
    const harness = await registered();
    await harness.call("PutScheduledAction", warm);
    const input = { ...key, ScheduledActionName: "warm" };
    await harness.call("DeleteScheduledAction", input);
    assert.deepEqual(await described(harness), []);
    await assert.rejects(harness.call("DeleteScheduledAction", input), {
      code: "ObjectNotFoundException",
      message: /^No scheduled action found for .*, scheduled action name: warm$/,
    });
  });
});
