/** Tests that a simulation loses no video, counts each at every event, and depends only on its input. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { drawLoad } from "./load.ts";
import { plan } from "./plan.ts";
import { simulate } from "./simulation.ts";
import { testSettings } from "./testing/settings.ts";

const inputs = fc.record({
  seed: fc.nat(1_000_000),
  burst: fc.integer({ min: 1, max: 40 }),
  perHour: fc.constantFrom(5, 60),
  mean: fc.constantFrom(20, 300),
  maxCapacity: fc.integer({ min: 1, max: 6 }),
  maxConcurrency: fc.integer({ min: 1, max: 3 }),
  /** Seconds: short, so that some videos expire. */
  timeToLive: fc.constantFrom(600, 21_600),
  scaleIn: fc.constantFrom("idle" as const, "tracking" as const),
});

type Input = typeof inputs extends fc.Arbitrary<infer T> ? T : never;

const loadOf = ({ seed, burst, perHour, mean }: Input) => {
  const arrivals = { kind: "poisson", perHour, hours: 1 } as const;
  return drawLoad({ burst, arrivals, service: { kind: "lognormal", mean, p95: 2 * mean } }, seed);
};

describe("a simulation", () => {
  it("ends each video once, and at every event has each arrived one waiting, running or ended", async () => {
    await fc.assert(
      fc.asyncProperty(inputs, async (input) => {
        const load = loadOf(input);
        const waiting = new Set<number>();
        const running = new Set<number>();
        const ended = new Set<number>();
        let arrived = 0;
        let last = 0;
        const check = (at: number): void => {
          assert.equal(waiting.size + running.size + ended.size, arrived);
          assert.ok(running.size <= input.maxCapacity * input.maxConcurrency);
          assert.ok(at >= last);
          last = at;
        };
        const settings = { ...testSettings, ...input, invocationTimeout: 3_600 };
        await simulate(settings, load, {
          observer: {
            onArrived(index, at) {
              arrived += 1;
              waiting.add(index);
              assert.equal(at, load.arrivals[index]);
              check(at);
            },
            onStarted(index, at) {
              // An interrupted video runs again.
              assert.ok(waiting.delete(index) || running.delete(index));
              running.add(index);
              check(at);
            },
            onSettled(index, at) {
              assert.ok(waiting.delete(index) || running.delete(index));
              assert.ok(!ended.has(index));
              ended.add(index);
              check(at);
            },
          },
        });
        assert.equal(ended.size, load.arrivals.length);
      }),
      { numRuns: 40 },
    );
  }).timeout(60_000);

  it("gives the same result for the same seed", async () => {
    await fc.assert(
      fc.asyncProperty(inputs, async (input) => {
        const settings = { ...testSettings, ...input, invocationTimeout: 3_600 };
        assert.deepEqual(await plan(settings, loadOf(input)), await plan(settings, loadOf(input)));
      }),
      { numRuns: 10 },
    );
  }).timeout(60_000);
});
