/** Tests the moments of schedule expressions, and their refusals. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ScheduleError, parseSchedule } from "./schedule.ts";

const origin = Date.UTC(2026, 0, 1);

function moments(expression: string, timezone = "UTC", count = 3): string[] {
  const schedule = parseSchedule(expression, timezone, origin);
  const found: string[] = [];
  for (let next = schedule.next(origin); next !== undefined && found.length < count; next = schedule.next(next)) {
    found.push(new Date(next).toISOString().replace(":00.000Z", ""));
  }
  return found;
}

describe("a schedule", () => {
  it("at a moment is due once, in its time zone", () => {
    assert.deepEqual(moments("at(2026-03-05T08:00:00)"), ["2026-03-05T08:00"]);
    assert.deepEqual(moments("at(2026-03-05T08:00:00)", "America/New_York"), ["2026-03-05T13:00"]);
    assert.deepEqual(moments("at(2025-03-05T08:00:00)"), []);
  });

  it("at a rate is due after each period", () => {
    assert.deepEqual(moments("rate(90 minutes)"), ["2026-01-01T01:30", "2026-01-01T03:00", "2026-01-01T04:30"]);
    assert.deepEqual(moments("rate(1 day)", "UTC", 1), ["2026-01-02T00:00"]);
  });

  it("counts days of the week from Sunday, 1", () => {
    const monday = ["2026-01-05T06:30", "2026-01-12T06:30", "2026-01-19T06:30"];
    assert.deepEqual(moments("cron(30 6 ? * MON *)"), monday);
    assert.deepEqual(moments("cron(30 6 ? * 2 *)"), monday);
    assert.deepEqual(moments("cron(0 6 ? * 2-6/2 *)"), ["2026-01-02T06:00", "2026-01-05T06:00", "2026-01-07T06:00"]);
  });

  it("supports the last day, the nearest weekday, the n-th weekday and steps", () => {
    assert.deepEqual(moments("cron(0 12 L * ? *)", "UTC", 2), ["2026-01-31T12:00", "2026-02-28T12:00"]);
    assert.deepEqual(moments("cron(0 12 15W 2 ? *)", "UTC", 1), ["2026-02-16T12:00"]);
    assert.deepEqual(moments("cron(0 12 ? * 6L *)", "UTC", 2), ["2026-01-30T12:00", "2026-02-27T12:00"]);
    assert.deepEqual(moments("cron(0 12 ? * 3#1 *)", "UTC", 2), ["2026-01-06T12:00", "2026-02-03T12:00"]);
    assert.deepEqual(moments("cron(0/20 8 * * ? *)"), ["2026-01-01T08:00", "2026-01-01T08:20", "2026-01-01T08:40"]);
  });

  it("of cron is in its time zone, with daylight saving, and in its year", () => {
    const times = moments("cron(0 7 28-30 3 ? 2026)", "Europe/Berlin", 4);
    assert.deepEqual(times, ["2026-03-28T06:00", "2026-03-29T05:00", "2026-03-30T05:00"]);
  });

  for (const [expression, reason] of [
    ["every day", /use at\(yyyy-mm-ddThh:mm:ss\), rate\(value unit\) or cron\(six fields\)/],
    ["at(tomorrow)", /use at/],
    ["at(2026-13-05T08:00:00)", /Invalid schedule expression at/],
    ["rate(0 days)", /use at/],
    ["rate(5 weeks)", /use at/],
    ["cron(0 12 * * ?)", /has six fields/],
    ["cron(0 12 * * * *)", /exactly one of day of month and day of week is \?/],
    ["cron(99 12 * * ? *)", /Invalid schedule expression cron/],
  ] as const) {
    it(`refuses ${expression}`, () => {
      assert.throws(
        () => parseSchedule(expression, "UTC", origin),
        (error) => error instanceof ScheduleError && reason.test(error.message),
      );
    });
  }

  it("refuses an unknown time zone", () => {
    assert.throws(() => parseSchedule("cron(0 12 * * ? *)", "Europe/Atlantis", origin), { name: "ScheduleError" });
  });
});
