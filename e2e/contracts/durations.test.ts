import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { monitoring } from "../../emulator/services/cloudwatch/service.ts";
import { startTestGateway, testAccount, testCredentials, testRegion } from "../../emulator/testing/test-gateway.ts";
import { Alarms } from "../../emulator/core/alarms.ts";
import { EndpointHarness, minute } from "../../emulator/core/endpoint-harness.ts";
import { readTimings } from "../../client/src/capacity.ts";
import { waitForMetrics } from "../../client/cli/burst/metrics-wait.ts";
import { sampleRun } from "../../client/cli/burst/testing/sample-burst.ts";
import { readDurations } from "../../client/src/durations.ts";
import { ServiceAnswerError } from "../../client/src/errors.ts";
import { connect } from "../../client/src/stack.ts";
import type { Stack } from "../../client/src/stack.ts";
import { startFakeAws } from "../../client/testing/fake-aws.ts";
import type { FakeAws } from "../../client/testing/fake-aws.ts";
import { outputsAt } from "../../client/testing/outputs-at.ts";

const start = new Date("2030-01-01T10:00:30Z");
const minutes = (count: number): Date => new Date(start.getTime() + count * 60_000);
const seconds = (date: Date): number => Math.floor(date.getTime() / 60_000) * 60;

describe("the durations of requests", () => {
  let aws: FakeAws;
  let stack: Stack;

  beforeEach(async () => {
    aws = await startFakeAws();
    aws.now = minutes(10);
    stack = connect(aws.outputs);
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  const read = () => readDurations(stack, "TimeInBacklog", { start, end: minutes(5) });

  for (const [Unit, perSecond] of [
    ["Seconds", 1],
    ["Milliseconds", 1e3],
    ["Microseconds", 1e6],
  ] as const) {
    it(`are converted to seconds if CloudWatch reports them in ${Unit}`, async () => {
      aws.metrics.set("TimeInBacklog", [
        { Timestamp: seconds(minutes(2)), Sum: 90 * perSecond, SampleCount: 3, Maximum: 50 * perSecond, Unit },
        { Timestamp: seconds(start), Sum: 7 * perSecond, SampleCount: 1, Maximum: 7 * perSecond, Unit },
      ]);
      assert.deepEqual(await read(), [
        { minute: seconds(start) * 1000, sum: 7, count: 1, max: 7 },
        { minute: seconds(minutes(2)) * 1000, sum: 90, count: 3, max: 50 },
      ]);
    });
  }

  it("are empty without datapoints", async () => {
    assert.deepEqual(await read(), []);
  });

  it("are read in calls of at most 1,440 minutes, without gaps", async () => {
    await readDurations(stack, "ModelLatency", { start, end: minutes(3_000) });
    const ranges = aws.requests.map(({ body }) => {
      const { StartTime, EndTime } = JSON.parse(body.toString()) as { StartTime: number; EndTime: number };
      return [StartTime, EndTime];
    });
    const first = seconds(start);
    assert.deepEqual(ranges, [
      [first, first + 1_440 * 60],
      [first + 1_440 * 60, first + 2_880 * 60],
      [first + 2_880 * 60, first + 3_001 * 60],
    ]);
  });

  const job = { submittedAt: start.toISOString() } as Parameters<typeof readTimings>[1];
  const quick = { limitSeconds: 5, pause: { first: 0.01, longest: 0.02 } };
  for (const [problem, units, message] of [
    ["a unit that is not a time", ["Count"], /CloudWatch has TimeInBacklog in the unit Count/],
    ["no unit", [undefined], /in the unit None/],
    ["a unit named like a member of every object", ["constructor"], /in the unit constructor/],
    ["several units", ["Milliseconds", "Microseconds"], /in several units \(Milliseconds, Microseconds\)/],
  ] as const) {
    it(`are refused with ${problem}, for a single job and for a burst`, async () => {
      aws.answers.set("GetMetricData", { MetricDataResults: [] });
      aws.metrics.set(
        "TimeInBacklog",
        units.map((Unit) => ({ Sum: 1, SampleCount: 1, ...(Unit === undefined ? {} : { Unit }) })),
      );
      const refused = (error: unknown) => error instanceof ServiceAnswerError && message.test(error.message);
      await assert.rejects(read(), refused);
      await assert.rejects(readTimings(stack, job, quick), refused);
      await assert.rejects(waitForMetrics(stack, sampleRun, quick), refused);
    });
  }
});

describe("the durations of requests to the emulator", () => {
  for (const timeInBacklogUnit of ["Milliseconds", "Microseconds"] as const) {
    it(`are read in seconds if SageMaker reports TimeInBacklog in ${timeInBacklogUnit}`, async () => {
      const harness = await new EndpointHarness({ timeInBacklogUnit }).deployed(1);
      const { clock, metrics } = harness;
      harness.send(2);
      await clock.advance(2 * minute);
      const service = monitoring({
        ...{ clock, metrics, region: testRegion, accountId: testAccount },
        alarms: new Alarms({ clock, metrics }),
        publish: () => Promise.resolve(),
      });
      const gateway = await startTestGateway([service], clock);
      const outputs = { ...outputsAt(gateway.url), endpointName: "videos", variantName: "main" };
      using emulated = connect(outputs, testCredentials);
      try {
        const range = { start: new Date(harness.start), end: new Date(clock.now()) };
        const total = async (metric: Parameters<typeof readDurations>[1]) =>
          (await readDurations(emulated, metric, range)).reduce((sum, each) => sum + each.sum, 0);
        assert.equal(await total("TimeInBacklog"), 30);
        assert.equal(await total("ModelLatency"), 60);
        assert.equal(await total("TotalProcessingTime"), 90);
      } finally {
        await gateway.stop();
      }
    });
  }
});
