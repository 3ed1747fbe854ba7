/** Tests the charts of the dashboard. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { z } from "zod";
import { alarmType, deployMonitoring } from "./testing/deployed-monitoring.ts";
import { region } from "./testing/registrations.ts";
import type { Registrations } from "./testing/registrations.ts";

const line = z.object({ stat: z.string(), label: z.string() });
const body = z.object({
  widgets: z.array(
    z.object({
      type: z.string(),
      x: z.number(),
      y: z.number(),
      width: z.number(),
      height: z.number(),
      properties: z.object({
        title: z.string(),
        region: z.string().optional(),
        period: z.number().optional(),
        alarms: z.array(z.string()).optional(),
        yAxis: z
          .object({ left: z.object({ label: z.string().optional(), showUnits: z.boolean().optional() }) })
          .optional(),
        metrics: z.array(z.tuple([z.string(), z.string()]).rest(z.union([z.string(), line]))).optional(),
      }),
    }),
  ),
});

const scalingAlarmArns = [`arn:aws:cloudwatch:${region}:123456789012:alarm:clips-idle`];

describe("the dashboard", () => {
  let registrations: Registrations;
  let widgets: z.infer<typeof body>["widgets"];

  before(async () => {
    ({ registrations } = await deployMonitoring({ scalingAlarmArns }));
    const { dashboardBody } = registrations.one("aws:cloudwatch/dashboard:Dashboard").inputs;
    ({ widgets } = body.parse(JSON.parse(String(dashboardBody))));
  });

  it("shows the blog's charts and the failures", () => {
    const names = widgets.flatMap(({ properties }) => properties.metrics ?? []).map(([, name]) => name);
    assert.deepEqual(
      new Set(names),
      new Set([
        "ApproximateAgeOfOldestRequest",
        "ApproximateBacklogSize",
        "ApproximateBacklogSizePerInstance",
        "CPUUtilization",
        "ExpiredRequests",
        "HasBacklogWithoutCapacity",
        "InvocationFailures",
        "InvocationsProcessed",
        "InvocationsProcesssed",
        "ModelLatency",
        "TimeInBacklog",
        "TotalProcessingTime",
      ]),
    );
  });

  it("requests each metric with its own dimensions", () => {
    const ofQueue = /^(Approximate|HasBacklog)/;
    for (const [namespace, name, ...rest] of widgets.flatMap(({ properties }) => properties.metrics ?? [])) {
      const dimensions = rest.filter((part) => typeof part === "string");
      assert.equal(namespace, name === "CPUUtilization" ? "/aws/sagemaker/Endpoints" : "AWS/SageMaker");
      assert.deepEqual(
        dimensions,
        ofQueue.test(name) ? ["EndpointName", "detector"] : ["EndpointName", "detector", "VariantName", "AllTraffic"],
        name,
      );
    }
  });

  it("counts events as a sum per minute", () => {
    for (const { properties } of widgets.filter(({ type }) => type === "metric")) {
      assert.equal(properties.period, 60);
      assert.equal(properties.region, region);
      for (const [, name, ...rest] of properties.metrics ?? []) {
        const { stat } = line.parse(rest.at(-1));
        if (/^(Invocation|Expired)/.test(name)) assert.equal(stat, "Sum");
      }
    }
  });

  it("sets no unit for times whose unit AWS's documentation leaves open", () => {
    for (const { properties } of widgets.filter(({ type }) => type === "metric")) {
      const names = (properties.metrics ?? []).map(([, name]) => name);
      const isOpen = names.some((name) => /^T(imeInBacklog|otalProcessingTime)$/.test(name));
      assert.equal(properties.yAxis?.left.label === undefined, isOpen, properties.title);
      assert.equal(properties.yAxis?.left.showUnits === undefined, isOpen, properties.title);
    }
  });

  it("shows the state of every alarm, and apart those of the scaling, whose ALARM is normal", () => {
    const [own, scaling, ...others] = widgets.filter(({ type }) => type === "alarm");
    assert.equal(own?.properties.alarms?.length, registrations.ofType(alarmType).length);
    assert.match(scaling?.properties.title ?? "", /ALARM is a normal state/);
    assert.deepEqual(scaling?.properties.alarms, scalingAlarmArns);
    assert.deepEqual(others, []);
  });

  it("has no list of the scaling's alarms if it is given none", async () => {
    const without = await deployMonitoring();
    const { dashboardBody } = without.registrations.one("aws:cloudwatch/dashboard:Dashboard").inputs;
    const parsed = body.parse(JSON.parse(String(dashboardBody)));
    assert.equal(parsed.widgets.filter(({ type }) => type === "alarm").length, 1);
  });

  it("lays out its widgets in CloudWatch's 24 columns without overlaps", () => {
    for (const [index, one] of widgets.entries()) {
      assert.ok(one.x + one.width <= 24);
      for (const other of widgets.slice(index + 1)) {
        const apart =
          one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y;
        assert.ok(apart, `${one.properties.title} and ${other.properties.title}`);
      }
    }
  });
});
