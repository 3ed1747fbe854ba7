/** Tests the arrivals and processing times that loads have. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { drawLoad } from "./load.ts";
import type { Load } from "./load.ts";

const fixed = { kind: "fixed", seconds: 30 } as const;

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percentile(values: Float64Array, share: number): number {
  return values.toSorted()[Math.floor(share * values.length)] ?? NaN;
}

describe("a load", () => {
  it("has a burst at the start and later arrivals in order", () => {
    const load = drawLoad({ burst: 2, arrivals: { kind: "times", seconds: [20, 0.5, 3] }, service: fixed }, 1);
    assert.deepEqual([...load.arrivals], [0, 0, 500, 3_000, 20_000]);
    assert.deepEqual([...load.durations], [30_000, 30_000, 30_000, 30_000, 30_000]);
  });

  it("with steady arrivals has one after each pause", () => {
    const load = drawLoad({ arrivals: { kind: "steady", perHour: 4, hours: 1 }, service: fixed }, 1);
    assert.deepEqual([...load.arrivals], [900_000, 1_800_000, 2_700_000, 3_600_000]);
  });

  it("with Poisson arrivals has the rate, and pauses that vary as much as they are long", () => {
    const { arrivals } = drawLoad({ arrivals: { kind: "poisson", perHour: 600, hours: 100 }, service: fixed }, 7);
    assert.ok(Math.abs(arrivals.length - 60_000) < 1_000, String(arrivals.length));
    const pauses = arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? 0));
    const average = mean(pauses);
    const deviation = Math.sqrt(mean(pauses.map((pause) => (pause - average) ** 2)));
    assert.ok(Math.abs(deviation / average - 1) < 0.03, String(deviation / average));
  });

  it("with log-normal processing times has their mean and their 95th percentile", () => {
    const service = { kind: "lognormal", mean: 40, p95: 90 } as const;
    const { durations } = drawLoad({ burst: 200_000, service }, 3);
    assert.ok(Math.abs(mean(durations) / 40_000 - 1) < 0.02, String(mean(durations)));
    assert.ok(Math.abs(percentile(durations, 0.95) / 90_000 - 1) < 0.02);
  });

  it("with measured processing times has each of them", () => {
    const service = { kind: "measured", seconds: [1, 2, 4] } as const;
    const { durations } = drawLoad({ burst: 1_000, service }, 3);
    assert.deepEqual([...new Set(durations)].sort(), [1_000, 2_000, 4_000]);
  });

  it("depends on its seed", () => {
    const draw = (seed: number): Load => {
      const arrivals = { kind: "poisson", perHour: 10, hours: 5 } as const;
      return drawLoad({ arrivals, service: { kind: "lognormal", mean: 40, p95: 90 } }, seed);
    };
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1).durations[0], draw(2).durations[0]);
    assert.notDeepEqual(draw(1).arrivals[0], draw(2).arrivals[0]);
  });

  it("without videos is refused", () => {
    assert.throws(() => drawLoad({ service: fixed }, 1), {
      name: "InvalidInputError",
      message: "The plan has no videos.",
    });
  });

  for (const p95 of [40, 160]) {
    it(`is refused if no log-normal distribution has the mean 40 and the 95th percentile ${p95}`, () => {
      const service = { kind: "lognormal", mean: 40, p95 } as const;
      assert.throws(() => drawLoad({ burst: 1, service }, 1), {
        name: "InvalidInputError",
        message: /above the mean, and at most 3\.86 times as much/,
      });
    });
  }
});
