import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "mocha";
import fc from "fast-check";
import { inParallel, limiter } from "./parallel.ts";

describe("work in parallel", () => {
  it("starts each item once, in order, and keeps the limit", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 5 }), async (pauses, concurrency) => {
        const begun: number[] = [];
        let running = 0;
        let max = 0;
        await inParallel(pauses.entries(), concurrency, async ([index, pause]) => {
          begun.push(index);
          max = Math.max(max, ++running);
          await sleep(pause);
          running -= 1;
        });
        assert.deepEqual(begun, [...pauses.keys()]);
        assert.equal(max, Math.min(concurrency, pauses.length));
        assert.equal(running, 0);
      }),
      { numRuns: 30 },
    );
  });

  it("starts nothing after an error, waits for the work under way, and throws the first error", async () => {
    const ended: number[] = [];
    const working = inParallel([0, 1, 2, 3, 4], 2, async (item) => {
      if (item === 1) throw new Error("first");
      await sleep(20);
      ended.push(item);
      throw new Error("second");
    });
    await assert.rejects(working, /first/);
    assert.deepEqual(ended, [0]);
  });
});

describe("a limiter", () => {
  it("runs everything in order, keeps the limit, and continues after errors", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 4 }), async (pauses, max) => {
        const limited = limiter(max);
        const begun: number[] = [];
        let running = 0;
        const ends = await Promise.allSettled(
          pauses.map((pause, index) =>
            limited(async () => {
              begun.push(index);
              running += 1;
              assert.ok(running <= max);
              await sleep(pause);
              running -= 1;
              if (pause === 3) throw new Error("three");
              return index;
            }),
          ),
        );
        assert.deepEqual(begun, [...pauses.keys()]);
        assert.deepEqual(
          ends.map(({ status }) => status === "rejected"),
          pauses.map((pause) => pause === 3),
        );
      }),
      { numRuns: 30 },
    );
  });
});
