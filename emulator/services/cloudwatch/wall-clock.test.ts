/** Tests queries by the machine's clock while the stack's clock is ahead. */

import assert from "node:assert/strict";
import type {
  DescribeAlarmHistoryOutput,
  GetMetricDataOutput,
  GetMetricStatisticsOutput,
} from "@aws-sdk/client-cloudwatch";
import { describe, it } from "mocha";
import { errorsAlarm, minute, MonitoringHarness } from "./harness.ts";

const hour = 60 * minute;
const metric = { Namespace: "Team", MetricName: "Errors" };

/** Returns a harness whose stack is ahead of the machine by `ahead` ms, with a datapoint of five minutes ago. */
function harnessAhead(ahead: number, wallClockQueries?: boolean) {
  const wall = { time: 0 };
  const harness = new MonitoringHarness({ wallTime: () => wall.time, wallClockQueries });
  wall.time = harness.clock.now() - ahead;
  const timestamp = harness.clock.now() - 5 * minute;
  harness.metrics.put({ namespace: "Team", name: "Errors", dimensions: {}, timestamp, value: 3 });
  const lastHour = async (now: number) => {
    const times = { StartTime: new Date(now - hour), EndTime: new Date(now) };
    const input = { ...metric, ...times, Period: 60, Statistics: ["Sum"] };
    const { Datapoints = [] } = await harness.call<GetMetricStatisticsOutput>("GetMetricStatistics", input);
    return Datapoints.map(({ Timestamp, Sum }) => [Number(Timestamp) - now, Sum]);
  };
  return { harness, wall, lastHour };
}

describe("a query by the machine's clock", () => {
  it("finds the last hour of a stack that is days ahead, with the machine's timestamps", async () => {
    const { harness, wall, lastHour } = harnessAhead(5 * 24 * hour);
    assert.deepEqual(await lastHour(wall.time), [[-5 * minute, 3]]);
    const { MetricDataResults: [result] = [] } = await harness.call<GetMetricDataOutput>("GetMetricData", {
      StartTime: new Date(wall.time - hour),
      EndTime: new Date(wall.time),
      MetricDataQueries: [{ Id: "e", MetricStat: { Metric: metric, Period: 300, Stat: "Sum" } }],
    });
    assert.deepEqual(result?.Values, [3]);
    const age = wall.time - Number(result.Timestamps?.[0]);
    assert.ok(age >= 5 * minute && age <= 10 * minute, String(age));
  });

  it("finds the history of alarms, with the machine's timestamps", async () => {
    const { harness, wall } = harnessAhead(5 * 24 * hour);
    await harness.call("PutMetricAlarm", { ...errorsAlarm, AlarmName: "errors" });
    const { AlarmHistoryItems: [item] = [] } = await harness.call<DescribeAlarmHistoryOutput>("DescribeAlarmHistory", {
      StartDate: new Date(wall.time - hour),
      EndDate: new Date(wall.time),
    });
    assert.equal(Number(item?.Timestamp), wall.time);
  });

  it("may end up to ten minutes after it", async () => {
    const { wall, lastHour } = harnessAhead(24 * hour);
    assert.equal((await lastHour(wall.time + 10 * minute)).length, 1);
    assert.equal((await lastHour(wall.time + 11 * minute)).length, 0);
  });

  it("is not moved if the stack is at most ten minutes ahead, or if the assumption says so", async () => {
    const close = harnessAhead(10 * minute);
    assert.deepEqual(await close.lastHour(close.wall.time + 10 * minute), [[-5 * minute, 3]]);
    const off = harnessAhead(24 * hour, false);
    assert.deepEqual(await off.lastHour(off.wall.time), []);
  });
});

describe("a query by the stack's clock", () => {
  it("is answered as it is", async () => {
    const { harness, lastHour } = harnessAhead(5 * 24 * hour);
    assert.deepEqual(await lastHour(harness.clock.now()), [[-5 * minute, 3]]);
  });
});
