/** Tests the steps of the start from zero for any settings and any backlog. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { derivedSettings } from "./scaling.ts";
import type { Step } from "./scaling-types.ts";

/** Threshold of the alarm on the backlog. */
const threshold = 1;

const bound = (text: string | undefined, unbounded: number): number => (text === undefined ? unbounded : Number(text));
const lowerOf = ({ metricIntervalLowerBound: lower }: Step): number => bound(lower, -Infinity);
const upperOf = ({ metricIntervalUpperBound: upper }: Step): number => bound(upper, Infinity);

const settings = fc.record({
  maxCapacity: fc.integer({ min: 1, max: 1000 }),
  backlogTarget: fc.oneof(
    fc.integer({ min: 1, max: 1000 }),
    fc.double({ min: 0.01, max: 20, noNaN: true }).map((target) => Math.round(target * 100) / 100),
  ),
});

describe("the steps from zero, for any settings", () => {
  const stepsFor = (values: { maxCapacity: number; backlogTarget: number }) =>
    derivedSettings({ ...values, idleMinutes: 5 }).stepsFromZero;

  it("are at most 20 adjoining intervals, with every end that Application Auto Scaling requires", () => {
    fc.assert(
      fc.property(settings, (values) => {
        const steps = stepsFor(values);
        assert.ok(steps.length >= 1 && steps.length <= 20);
        for (const [index, step] of steps.entries()) {
          assert.ok(lowerOf(step) < upperOf(step));
          assert.ok(Number.isFinite(lowerOf(step)) || Number.isFinite(upperOf(step)));
          const next = steps[index + 1];
          if (next !== undefined) assert.equal(lowerOf(next), upperOf(step));
        }
        assert.equal(upperOf(steps.at(-1)!), Infinity);
        if (lowerOf(steps[0]!) !== -Infinity) assert.equal(lowerOf(steps[0]!), 0);
      }),
    );
  });

  it("start enough instances for any backlog, at most the maximum, and none too many if each has a step", () => {
    fc.assert(
      fc.property(settings, fc.integer({ min: 1, max: 100_000 }), (values, backlog) => {
        const { maxCapacity, backlogTarget } = values;
        const difference = backlog - threshold;
        const applying = stepsFor(values).filter((step) => lowerOf(step) <= difference && difference < upperOf(step));
        assert.equal(applying.length, 1);
        const started = applying[0]!.scalingAdjustment;
        const needed = Math.min(maxCapacity, Math.ceil(backlog / backlogTarget - 1e-9));
        assert.ok(started >= needed && started <= maxCapacity, `${started} for ${needed}`);
        if (maxCapacity <= 20) assert.equal(started, needed);
        else assert.ok(started - needed < Math.ceil(maxCapacity / 20), `${started} for ${needed}`);
      }),
    );
  });

  it("have no bound that equals the difference of a backlog, except the first step's own", () => {
    fc.assert(
      fc.property(settings, (values) => {
        for (const step of stepsFor(values).slice(0, -1)) assert.ok(!Number.isInteger(upperOf(step)));
      }),
    );
  });
});
