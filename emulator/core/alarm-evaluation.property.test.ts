import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { evaluate } from "./alarm-evaluation.ts";

describe("an alarm's evaluation", () => {
  it("is ALARM exactly if M of the N newest datapoints breach and none is missing", () => {
    const threshold = 5;
    const rule = {
      period: 60_000,
      threshold,
      comparison: "GreaterThanThreshold",
      treatMissingData: "missing",
    } as const;
    const values = fc.array(fc.constantFrom(0, threshold, threshold + 1), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 6 }), fc.nat(5), (recent, evaluationPeriods, less) => {
        const datapointsToAlarm = Math.max(1, evaluationPeriods - less);
        const periods = recent.map((value, minute) => ({ timestamp: minute * rule.period, value, sampleCount: 1 }));
        const breaching = recent.slice(-evaluationPeriods).filter((value) => value > threshold).length;
        const { state } = evaluate({ ...rule, evaluationPeriods, datapointsToAlarm }, periods);
        assert.equal(state, breaching >= datapointsToAlarm ? "ALARM" : "OK");
      }),
    );
  });
});
