/** Tests invariants of the whole state machine under random requests, scalings, updates and failures. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { minute, second } from "./endpoint-harness.ts";
import { ScalingHarness, resourceId } from "./scaling-harness.ts";
import type { Clock } from "./clock.ts";
import { LatencyLauncher } from "./latency-model.ts";
import type { InstanceLauncher, InvocationRequest } from "./worker.ts";

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

/** Instances some of which do not start, with runs of random length and outcome. */
class RandomFleets {
  /** Violations of the concurrency; thrown in a run, they would count as the model's failure. */
  readonly violations: string[] = [];
  readonly #clock: Clock;
  readonly #seeds: readonly number[];
  #draws = 0;

  constructor(clock: Clock, seeds: readonly number[]) {
    this.#clock = clock;
    this.#seeds = seeds;
  }

  launcher(concurrency: number, isBroken: boolean): InstanceLauncher<InvocationRequest> {
    const random = new LatencyLauncher<InvocationRequest>(this.#clock, {
      startUp: () => {
        if (isBroken || this.#draw(8) === 7) throw new Error("no capacity");
        return this.#draw(300) * second;
      },
      run: () => {
        const length = this.#draw(1_200) * second;
        const modelStatus = [400, 500][this.#draw(6)];
        if (modelStatus === undefined) return { length };
        return { length, outcome: { status: "failed", reason: `status ${modelStatus}`, modelStatus, timings: {} } };
      },
      shutDown: () => this.#draw(20) * second,
    });
    return {
      launch: async (instanceId, signal) => {
        const instance = await random.launch(instanceId, signal);
        let running = 0;
        return {
          run: async (request, abort) => {
            running += 1;
            if (running > concurrency) this.violations.push(`${running} runs on ${instanceId}, not ${concurrency}`);
            try {
              return await instance.run(request, abort);
            } finally {
              running -= 1;
            }
          },
          stop: () => instance.stop(),
        };
      },
    };
  }

  #draw(limit: number): number {
    this.#draws += 1;
    return (this.#seeds[this.#draws % this.#seeds.length] ?? 0) % limit;
  }
}

describe("the whole state machine", () => {
  it("loses no request and settles none twice, keeps to concurrency and limits, and releases the clock at the end", async () => {
    const seeds = fc.array(fc.nat(100_000), { minLength: 20, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(plan, seeds, fc.integer({ min: 1, max: 3 }), async (steps, seed, retries) => {
        const harness = new ScalingHarness({ retriesAfterServerError: retries - 1, retriesAfterTimeout: 1 });
        const { clock, endpoint } = harness.endpoints;
        const fleets = new RandomFleets(clock, seed);
        await harness.deployed(0, { min: 0, max: 5 });
        harness.withBothPolicies();
        const isBusy = (error: unknown): void => {
          assert.match(String(error), /EndpointBusyError|DeploymentFailedError|ScalingFailedError/);
        };
        const deploy = (count: number, concurrency: number, isBroken: boolean): void => {
          const launcher = fleets.launcher(concurrency, isBroken);
          void endpoint.deploy({ launcher, concurrency, initialCount: count }).catch(isBusy);
        };
        deploy(0, 2, false);
        await clock.advance(second);
        let sent = 0;
        for (const [step, pause] of steps) {
          if (step.do === "send") sent += harness.endpoints.send(step.count, { ttl: step.ttl * second }).length;
          else if (step.do === "scale") void endpoint.setDesired(step.count).catch(isBusy);
          else if (step.do === "update") deploy(step.count, step.concurrency, step.isBroken);
          else harness.autoscaler.register(resourceId, { min: step.min, max: step.max });
          await clock.advance(pause * second);
          assert.equal(harness.endpoints.settled.size + endpoint.backlog, sent);
          assert.ok(endpoint.currentCount <= 5);
        }
        // Longer than any request may wait and run.
        await clock.advance(9 * 60 * minute);
        assert.equal(harness.endpoints.settled.size, sent);
        assert.equal(endpoint.backlog, 0);
        assert.equal(clock.holds, 0);
        assert.deepEqual([...fleets.violations, ...harness.violations], []);
        assert.equal(endpoint.currentCount, endpoint.desiredCount);
        void endpoint.delete();
        await clock.advance(minute);
        assert.deepEqual(endpoint.capacity, { current: 0, desired: 0, starting: 0, stopping: 0 });
      }),
      { numRuns: 30 },
    );
  }).timeout(120_000);
});
