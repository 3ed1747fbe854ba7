import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { evaluate } from "./alarm-evaluation.ts";
import type { AlarmRule, EvaluatedPeriod } from "./alarm-evaluation.ts";

const minute = 60_000;
const start = Date.UTC(2026, 10, 22, 16, 4);

const rule: AlarmRule = {
  period: minute,
  evaluationPeriods: 3,
  threshold: 5,
  comparison: "GreaterThanThreshold",
  treatMissingData: "missing",
};

/** Parses periods as the user guide draws them: X breaches, 0 does not, - is missing. */
function range(drawing: string): EvaluatedPeriod[] {
  return drawing.split(" ").map((mark, index) => ({
    timestamp: start + index * minute,
    value: mark === "-" ? undefined : mark === "X" ? 9 : 0,
    sampleCount: mark === "-" ? 0 : 1,
  }));
}

describe("an alarm's evaluation", () => {
  it("is ALARM exactly if M of the N newest datapoints breach and none is missing", () => {
    const periods = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(periods, fc.integer({ min: 1, max: 6 }), fc.nat(5), (breaches, evaluationPeriods, less) => {
        const datapointsToAlarm = Math.max(1, evaluationPeriods - less);
        const drawing = breaches.map((breach) => (breach ? "X" : "0")).join(" ");
        const newest = breaches.slice(-evaluationPeriods).filter((breach) => breach).length;
        const { state } = evaluate({ ...rule, evaluationPeriods, datapointsToAlarm }, range(drawing));
        assert.equal(state, newest >= datapointsToAlarm ? "ALARM" : "OK");
      }),
    );
  });
});
