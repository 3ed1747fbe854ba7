/** Holds what is true of the whole machine whatever happens to it: random requests, scalings, updates, failures. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { minute, second } from "./endpoint-bench.ts";
import { ScalingBench, resourceId } from "./scaling-bench.ts";
import type { LatencyModel } from "./latency-model.ts";
import type { InvocationRequest, RunOutcome } from "./worker.ts";

type Action =
  | { readonly do: "send"; readonly count: number; readonly ttl: number }
  | { readonly do: "scale"; readonly count: number }
  | { readonly do: "update"; readonly count: number; readonly concurrency: number; readonly isBroken: boolean }
  | { readonly do: "limit"; readonly min: number; readonly max: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      count: fc.nat(12),
      ttl: fc.constantFrom(60, 600, 21_600),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("scale" as const), count: fc.nat(5) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("update" as const),
      count: fc.integer({ min: 1, max: 3 }),
      concurrency: fc.integer({ min: 1, max: 4 }),
      isBroken: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("limit" as const), min: fc.nat(2), max: fc.integer({ min: 2, max: 5 }) }),
  },
);

const plan = fc.array(fc.tuple(action, fc.integer({ min: 1, max: 600 })), { minLength: 1, maxLength: 15 });

/** Instances of which some do not start, with runs of any length that end in any way; it watches how many they have at a time. */
class Fleet {
  readonly #bench: ScalingBench;
  readonly #seeds: readonly number[];
  readonly #running = new Map<string, number>();
  #draws = 0;
  concurrency = 1;

  constructor(bench: ScalingBench, seeds: readonly number[]) {
    this.#bench = bench;
    this.#seeds = seeds;
  }

  #draw(limit: number): number {
    this.#draws += 1;
    return (this.#seeds[this.#draws % this.#seeds.length] ?? 0) % limit;
  }

  model(concurrency: number, isBroken: boolean): LatencyModel<InvocationRequest> {
    return {
      startUp: () => {
        if (isBroken || this.#draw(8) === 7) throw new Error("no capacity");
        return this.#draw(300) * second;
      },
      run: (_, instanceId) => {
        const running = (this.#running.get(instanceId) ?? 0) + 1;
        assert.ok(running <= concurrency, `${instanceId} has ${running} runs, not ${concurrency}`);
        this.#running.set(instanceId, running);
        const length = this.#draw(1_200) * second;
        const { clock } = this.#bench.endpoints;
        // The run of a lost or timed-out request ends early: then it only seems to run on, which is on the safe side.
        clock.setTimer(clock.now() + Math.min(length, 15 * minute), () => {
          this.#running.set(instanceId, (this.#running.get(instanceId) ?? 1) - 1);
        });
        const failures: RunOutcome[] = [400, 500].map((modelStatus) => {
          return { status: "failed", reason: `status ${modelStatus}`, modelStatus, timings: {} };
        });
        const outcome = failures[this.#draw(6)];
        return outcome === undefined ? { length } : { length, outcome };
      },
      shutDown: () => this.#draw(20) * second,
    };
  }
}

describe("the whole machine", () => {
  it("loses no request and settles none twice, keeps to concurrency and limits, and lets the clock go when all is done", async () => {
    const seeds = fc.array(fc.nat(100_000), { minLength: 20, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(plan, seeds, fc.integer({ min: 1, max: 3 }), async (steps, seed, retries) => {
        const bench = new ScalingBench({ retriesAfterServerError: retries - 1, retriesAfterTimeout: 1 });
        const { clock, endpoint } = bench.endpoints;
        const fleet = new Fleet(bench, seed);
        await bench.deployed(0, { min: 0, max: 5 });
        bench.withStackPolicies();
        const isBusy = (error: unknown): void => {
          assert.match(String(error), /EndpointBusyError|DeploymentFailedError|ScalingFailedError/);
        };
        const deploy = (count: number, concurrency: number, isBroken: boolean): void => {
          const launcher = bench.endpoints.launcher(fleet.model(concurrency, isBroken));
          void endpoint.deploy({ launcher, concurrency, initialCount: count }).catch(isBusy);
        };
        deploy(0, 2, false);
        await clock.advance(second);
        let sent = 0;
        for (const [step, pause] of steps) {
          if (step.do === "send") sent += bench.endpoints.send(step.count, { ttl: step.ttl * second }).length;
          else if (step.do === "scale") void endpoint.setDesired(step.count).catch(isBusy);
          else if (step.do === "update") deploy(step.count, step.concurrency, step.isBroken);
          else bench.autoscaler.register(resourceId, { min: step.min, max: step.max });
          await clock.advance(pause * second);
          assert.equal(bench.endpoints.settled.size + endpoint.backlog, sent);
          assert.ok(endpoint.currentCount <= 5);
        }
        await clock.advance(24 * 60 * minute);
        assert.equal(bench.endpoints.settled.size, sent);
        assert.equal(endpoint.backlog, 0);
        assert.equal(clock.holds, 0);
        const { min = 0, max = 5 } = bench.autoscaler.target(resourceId) ?? {};
        assert.ok(endpoint.desiredCount >= min && endpoint.desiredCount <= max);
        assert.equal(endpoint.currentCount, endpoint.desiredCount);
        void endpoint.delete();
        await clock.advance(minute);
        assert.deepEqual(endpoint.capacity, { current: 0, desired: 0, starting: 0, stopping: 0 });
      }),
      { numRuns: 40 },
    );
  });
});
