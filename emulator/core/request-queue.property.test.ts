/** Tests the queue against a plain list: order, expiries and the oldest arrival. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { RequestQueue } from "./request-queue.ts";
import type { Job } from "./request-queue.ts";
import { VirtualClock } from "./virtual-clock.ts";
import type { InvocationRequest } from "./worker.ts";

/** Queues a request that lives so long, takes the next one, requeues the n-th taken one, or waits. */
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ push: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 3, arbitrary: fc.constant({ take: true as const }) },
    { weight: 1, arbitrary: fc.record({ giveBack: fc.nat(100) }) },
    { weight: 3, arbitrary: fc.record({ wait: fc.nat(15) }) },
  ),
  { maxLength: 150 },
);

type TestJob = Job<InvocationRequest>;

const expiry = ({ request }: TestJob): number => request.receivedAt + request.ttl;

describe("RequestQueue", () => {
  it("returns requeued requests first, each line in order, and lets each request expire at its moment", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (actions) => {
        const clock = new VirtualClock(0);
        const expired: { readonly job: TestJob; readonly at: number }[] = [];
        const queue = new RequestQueue<InvocationRequest>(clock, (job) => expired.push({ job, at: clock.now() }));
        let returned: TestJob[] = [];
        let waiting: TestJob[] = [];
        const taken: TestJob[] = [];
        const requeued = new Set<TestJob>();
        const gone: TestJob[] = [];
        for (const [index, action] of actions.entries()) {
          if ("push" in action) {
            const request = { inferenceId: String(index), receivedAt: clock.now(), ttl: action.push, timeout: 1 };
            const repeats = { serverError: 0, timeout: 0, interruption: 0 };
            const job: TestJob = { request, repeats, firstStart: undefined };
            queue.push(job);
            waiting.push(job);
          } else if ("take" in action) {
            const next = returned.shift() ?? waiting.shift();
            assert.equal(queue.take(), next);
            if (next !== undefined) taken.push(next);
          } else if ("giveBack" in action) {
            // A request whose time to live has passed while it ran expires at once, at the clock's next turn.
            const [job] = taken.splice(action.giveBack % Math.max(1, taken.length), 1);
            if (job === undefined) continue;
            queue.giveBack(job);
            requeued.add(job);
            returned.push(job);
            await clock.advance(0);
          } else await clock.advance(action.wait);
          const isDue = (job: TestJob): boolean => expiry(job) <= clock.now();
          gone.push(...[...returned, ...waiting].filter(isDue));
          returned = returned.filter((job) => !isDue(job));
          waiting = waiting.filter((job) => !isDue(job));
          const left = [...returned, ...waiting];
          assert.equal(queue.size, left.length);
          const arrivals = left.map(({ request }) => request.receivedAt);
          assert.equal(queue.oldest(), arrivals.length === 0 ? undefined : Math.min(...arrivals));
        }
        assert.deepEqual(new Set(expired.map(({ job }) => job)), new Set(gone));
        assert.equal(expired.length, gone.length);
        for (const { job, at } of expired) {
          if (requeued.has(job)) assert.ok(at >= expiry(job));
          else assert.equal(at, expiry(job));
        }
        assert.deepEqual(queue.clear(), [...returned, ...waiting]);
        assert.equal(queue.size, 0);
      }),
    );
  });
});
