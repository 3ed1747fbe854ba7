import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { drawLoad } from "./load.ts";
import { plan } from "./plan.ts";
import { testSettings } from "./testing/settings.ts";
import { timelineOf } from "./timeline.ts";

describe("a timeline", () => {
  const load = drawLoad({ burst: 20, service: { kind: "fixed", seconds: 120 } }, 1);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

  it("adds up to the figures of the plan", async () => {
    const [minutes, result] = [await timelineOf(testSettings, load), await plan(testSettings, load)];
    assert.equal(sum(minutes.map(({ completed }) => completed)), 20);
    assert.equal(sum(minutes.map(({ started }) => started)), 20);
    const mean = sum(minutes.map(({ waited }) => waited)) / 20;
    assert.ok(mean > 0 && mean <= result.wait_seconds.max, String(mean));
    assert.equal(Math.max(...minutes.map(({ instances }) => instances)), result.instances_peak);
    assert.equal(minutes.at(-1)?.usd.toFixed(3), result.usd.toFixed(3));
  });

  it("starts with the whole burst, and ends without videos and instances", async () => {
    const minutes = await timelineOf(testSettings, load);
    assert.equal(minutes[0]?.backlog, 20);
    assert.equal(minutes.at(-1)?.backlog, 0);
    assert.equal(minutes.at(-1)?.instances, 0);
    const costs = minutes.map(({ usd }) => usd);
    assert.deepEqual(
      costs,
      costs.toSorted((left, right) => left - right),
    );
  });
});
