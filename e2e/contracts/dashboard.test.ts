/** Tests that the emulator has data for each line of the program's dashboard. */
import assert from "node:assert/strict";
import type { GetMetricDataOutput } from "@aws-sdk/client-cloudwatch";
import { before, describe, it } from "mocha";
import { Alarms } from "../../emulator/core/alarms.ts";
import { EndpointHarness, minute } from "../../emulator/core/endpoint-harness.ts";
import { caller } from "../../emulator/services/application-autoscaling/harness.ts";
import { monitoring } from "../../emulator/services/cloudwatch/service.ts";
import { dashboardBody } from "../../infra/dashboard.ts";

/** One line of a chart, in the format of a dashboard's body. */
type Line = [namespace: string, name: string, ...rest: (string | { stat: string; label: string })[]];

interface Widget {
  readonly type: string;
  readonly properties: { readonly title: string; readonly period: number; readonly metrics: readonly Line[] };
}

const scope = { endpointName: "videos", variantName: "main", region: "us-east-1" };
const body = dashboardBody({ ...scope, maxCapacity: 5, alarmArns: [], scalingAlarmArns: [] });
const { widgets } = JSON.parse(body) as { widgets: readonly Widget[] };
const charts = widgets.filter(({ type }) => type === "metric").map(({ properties }) => properties);

/** Spelling of the metric that the emulator publishes under another assumption (`processedMetricName`). */
const otherSpelling = "InvocationsProcesssed";

/** An endpoint on which one request has succeeded, one has failed, and one has expired. */
async function usedEndpoint(): Promise<EndpointHarness> {
  const failed = { status: "failed", reason: "broken", modelStatus: 500, timings: { model: 1_000 } } as const;
  const completed = { status: "completed", timings: { model: 1_000 } } as const;
  const harness = await new EndpointHarness().deployed(1, {
    run: ({ inferenceId }) => ({ length: minute, outcome: inferenceId === "video-2" ? failed : completed }),
  });
  harness.send(2);
  harness.send(1, { ttl: minute / 2 });
  await harness.clock.advance(5 * minute);
  assert.equal(harness.settled.size, 3);
  return harness;
}

describe("The emulator's CloudWatch has data for the dashboard's line", () => {
  let read: (line: Line, period: number) => Promise<number[]>;

  before(async () => {
    const { clock, metrics, start } = await usedEndpoint();
    const place = { region: scope.region, accountId: "000000000000" };
    const alarms = new Alarms({ clock, metrics });
    const publish = (): Promise<void> => Promise.resolve();
    const wallTime = (): number => clock.now();
    const call = caller(
      monitoring({ clock, metrics, alarms, publish, wallTime, ...place }),
      () => new Date(clock.now()),
    );
    read = async ([Namespace, MetricName, ...rest], Period) => {
      const names = rest.filter((part) => typeof part === "string");
      const Dimensions = names.flatMap((Name, index) => (index % 2 === 0 ? [{ Name, Value: names[index + 1] }] : []));
      const [options] = rest.filter((part) => typeof part !== "string");
      const MetricStat = { Metric: { Namespace, MetricName, Dimensions }, Period, Stat: options?.stat };
      const range = { StartTime: new Date(start), EndTime: new Date(clock.now()) };
      const input = { MetricDataQueries: [{ Id: "line", MetricStat }], ...range };
      const { MetricDataResults } = await call<GetMetricDataOutput>("GetMetricData", input);
      return MetricDataResults?.[0]?.Values ?? [];
    };
  });

  for (const { title, period, metrics } of charts) {
    for (const line of metrics) {
      const [, name] = line;
      const { stat = "", label = "" } = line.flatMap((part) => (typeof part === "string" ? [] : [part]))[0] ?? {};
      if (name === otherSpelling) continue;
      it(`${title}: ${label} (${stat} of ${name})`, async () => {
        const values = await read(line, period);
        assert.ok(values.length > 0 && values.every(Number.isFinite), `the line has ${values.length} values`);
      });
    }
  }

  it("has more than ten lines, one of them a percentile", () => {
    const stats = charts.flatMap(({ metrics }) => metrics).map((line) => JSON.stringify(line.at(-1)));
    assert.ok(stats.length > 10 && stats.some((text) => text.includes('"p90"')));
  });
});
