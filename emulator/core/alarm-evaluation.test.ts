/** Tests CloudWatch's evaluation of datapoints, with the user guide's examples for missing data. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { evaluate } from "./alarm-evaluation.ts";
import type { AlarmRule, Comparison, EvaluatedPeriod, MissingData } from "./alarm-evaluation.ts";

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
  const treatments: readonly MissingData[] = ["missing", "ignore", "breaching", "notBreaching"];
  // Source: user guide, "Configuring how CloudWatch alarms treat missing data", both tables; "keep": the current state
  // is retained.
  const tables = [
    {
      datapointsToAlarm: 3,
      rows: {
        "0 - X - X": ["OK", "OK", "OK", "OK"],
        "0 - - - -": ["OK", "OK", "OK", "OK"],
        "- - - - -": ["INSUFFICIENT_DATA", "keep", "ALARM", "OK"],
        "0 X X - X": ["ALARM", "ALARM", "ALARM", "ALARM"],
        "- - X - -": ["ALARM", "keep", "ALARM", "OK"],
      },
    },
    {
      datapointsToAlarm: 2,
      rows: {
        "0 - X - X": ["ALARM", "ALARM", "ALARM", "ALARM"],
        "0 0 X 0 X": ["ALARM", "ALARM", "ALARM", "ALARM"],
        "0 - X - -": ["OK", "OK", "ALARM", "OK"],
        "- - - - 0": ["OK", "OK", "ALARM", "OK"],
        "- - - X -": ["ALARM", "keep", "ALARM", "OK"],
      },
    },
  ];
  for (const { datapointsToAlarm, rows } of tables) {
    for (const [drawing, expected] of Object.entries(rows)) {
      it(`of ${drawing} with ${datapointsToAlarm} out of 3 matches the user guide`, () => {
        const states = treatments.map((treatMissingData) => {
          return evaluate({ ...rule, datapointsToAlarm, treatMissingData }, range(drawing)).state ?? "keep";
        });
        assert.deepEqual(states, expected);
      });
    }
  }

  it("waits for M periods before a first breaching datapoint is an alarm", () => {
    const wake = { ...rule, evaluationPeriods: 2, datapointsToAlarm: 2 };
    assert.equal(evaluate(wake, range("- - - X")).state, undefined);
    assert.equal(evaluate(wake, range("- - X X")).state, "ALARM");
  });

  it("needs every datapoint if datapointsToAlarm is not given", () => {
    assert.equal(evaluate(rule, range("X X 0 X X")).state, "OK");
    assert.equal(evaluate(rule, range("0 0 X X X")).state, "ALARM");
  });

  it("compares with each operator on both sides of the threshold and on it", () => {
    const expected: Record<Comparison, readonly boolean[]> = {
      GreaterThanOrEqualToThreshold: [false, true, true],
      GreaterThanThreshold: [false, false, true],
      LessThanThreshold: [true, false, false],
      LessThanOrEqualToThreshold: [true, true, false],
    };
    for (const [comparison, breaches] of Object.entries(expected) as [Comparison, boolean[]][]) {
      const states = [4, 5, 6].map((value) => {
        const point = { timestamp: start, value, sampleCount: 1 };
        return evaluate({ ...rule, comparison, evaluationPeriods: 1 }, [point]).state === "ALARM";
      });
      assert.deepEqual(states, breaches, comparison);
    }
  });
  it("formats its reason as CloudWatch does", () => {
    const one = { ...rule, evaluationPeriods: 1 };
    const reason = (changed: AlarmRule, drawing: string): string => evaluate(changed, range(drawing)).reason;
    assert.equal(
      reason(one, "X"),
      "Threshold Crossed: 1 out of the last 1 datapoint [9.0 (22/11/26 16:04:00)] was greater than the threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition).",
    );
    assert.equal(
      reason({ ...rule, evaluationPeriods: 2 }, "0 0"),
      "Threshold Crossed: 2 datapoints [0.0 (22/11/26 16:05:00), 0.0 (22/11/26 16:04:00)] were not greater than the threshold (5.0).",
    );
    assert.equal(reason(rule, "- - -"), "Insufficient Data: 3 datapoints were unknown.");
    assert.equal(
      reason({ ...one, treatMissingData: "notBreaching" }, "-"),
      "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].",
    );
  });
});
