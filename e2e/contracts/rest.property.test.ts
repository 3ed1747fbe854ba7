/** Tests that the emulator's clock runs fast until the program's scaling and alarms have done all that follows from a burst. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { minute, second } from "../../emulator/core/endpoint-harness.ts";
import { RestWatch } from "../../emulator/core/rest.ts";
import { resourceId } from "../../emulator/core/scaling-harness.ts";
import type { ScalingHarness } from "../../emulator/core/scaling-harness.ts";
import { scaledEndpoint } from "../testing/scaled-endpoint.ts";

const hour = 60 * minute;

/** Everything that an observer of an idle stack may wait for. */
function observed({ endpoints: { endpoint }, alarms, autoscaler }: ScalingHarness): string {
  const states = alarms.list().map(({ settings, state }) => `${settings.name}: ${state}`);
  const { current, desired, starting, stopping } = endpoint.capacity;
  return JSON.stringify([
    endpoint.state,
    endpoint.backlog,
    current,
    desired,
    starting,
    stopping,
    states,
    autoscaler.activities().length,
  ]);
}

function watchRest({ endpoints: { clock, endpoint }, alarms, autoscaler }: ScalingHarness): RestWatch {
  return new RestWatch({
    clock,
    isBusy: () => endpoint.isBusy || autoscaler.isBusy,
    isSteady: (lastChange) => alarms.areSteady(lastChange),
  });
}

const conditions = fc.record({
  instances: fc.nat(3),
  assumptions: fc.record({
    metricDelay: fc.constantFrom(0, minute, 3 * minute),
    trackingScaleIn: fc.constantFrom("one-at-a-time", "proportional"),
    backlogPerInstanceAtZero: fc.constantFrom("missing", "undivided", "undivided-while-backlog"),
    gaugesWhileIdle: fc.boolean(),
  }),
  settings: fc.record({ idleMinutes: fc.constantFrom(1, 5, 10), minCapacity: fc.nat(1) }),
});
const bursts = fc.array(
  fc.record({
    count: fc.integer({ min: 1, max: 20 }),
    pause: fc.integer({ min: 1, max: 120 }),
    ttl: fc.constantFrom(60, 21_600),
  }),
  { minLength: 1, maxLength: 3 },
);

describe("the emulator at rest", () => {
  it("changes nothing until the next request, and comes to rest within three hours", async function () {
    this.timeout(120_000);
    await fc.assert(
      fc.asyncProperty(conditions, bursts, async ({ instances, ...given }, sent) => {
        const harness = await scaledEndpoint({ ...given, instances: Math.max(instances, given.settings.minCapacity) });
        const rest = watchRest(harness);
        let atRest: string | undefined;
        const pass = async (minutes: number): Promise<void> => {
          for (let index = 0; index < 2 * minutes; index += 1) {
            await harness.endpoints.clock.advance(30 * second);
            if (!rest.isAtRest) atRest = undefined;
            else assert.equal(observed(harness), (atRest ??= observed(harness)));
          }
        };
        for (const { count, pause, ttl } of sent) {
          harness.endpoints.send(count, { ttl: ttl * second });
          rest.changed();
          await pass(pause);
        }
        await pass(180);
        assert.ok(rest.isAtRest, observed(harness));
      }),
      { numRuns: 20 },
    );
  });

  it("comes to rest only at zero instances", async () => {
    const harness = await scaledEndpoint({ instances: 2 });
    const rest = watchRest(harness);
    while (!rest.isAtRest) await harness.endpoints.clock.advance(minute);
    assert.equal(harness.endpoints.endpoint.currentCount, 0);
  });

  it("does not run fast to a scheduled action, unless someone awaits it", async () => {
    const harness = await scaledEndpoint();
    const { clock } = harness.endpoints;
    harness.autoscaler.scheduledActions.put({ name: "warm", resourceId, schedule: "cron(0 8 * * ? *)", min: 1 });
    const rest = watchRest(harness);
    await clock.advance(4 * hour);
    assert.ok(rest.isAtRest);
    rest.awaitMoment(clock.now() + 12 * hour);
    await clock.advance(12 * hour - 1);
    assert.equal(rest.isAtRest, false);
    assert.equal(harness.endpoints.endpoint.currentCount, 1);
  });
});
