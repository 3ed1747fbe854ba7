import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ChartSpec } from "../../../lib/report-page/chart-spec.ts";
import { chartsOf } from "./charts.ts";
import { minuteMs } from "../../src/minutes.ts";
import { firstMinute, sampleMetrics, sampleRun, series } from "./testing/sample-burst.ts";

describe("a burst's charts", () => {
  const charts = chartsOf(sampleRun, sampleMetrics);
  const chart = (id: string, among: readonly ChartSpec[] = charts): ChartSpec => {
    const found = among.find((each) => each.id === id);
    assert.ok(found, id);
    return found;
  };

  it("are the blog post's, each with a title, a unit and data", () => {
    assert.deepEqual(
      charts.map(({ id }) => id),
      ["backlog", "backlog-per-instance", "instances", "processed", "times", "model-latency"],
    );
    for (const { id, title, unit, caption, series } of charts) {
      assert.ok(title && unit && caption, id);
      for (const { marks, label } of series) assert.ok(marks.length > 0, `${id}: ${label}`);
    }
  });

  it("count minutes from the start of the burst", () => {
    assert.deepEqual(chart("backlog").series[0]?.marks.slice(3, 6), [
      { x: 3, y: 90 },
      { x: 4, y: 80 },
      { x: 5, y: 42 },
    ]);
  });

  it("show a minute in which nothing ended as zero", () => {
    const [processed, failed, expired] = chart("processed").series;
    assert.deepEqual(
      processed?.marks.map(({ y }) => y),
      [0, 0, 0, 20, 0, 40, 38, 0],
    );
    assert.deepEqual(
      [failed?.label, failed?.marks[5]?.y, expired?.label, expired?.marks[6]?.y],
      ["Failed", 1, "Expired", 2],
    );
  });

  it("leave failures out if there are none", () => {
    const clean = chartsOf(sampleRun, { ...sampleMetrics, failed: [], expired: [] });
    assert.deepEqual(
      chart("processed", clean).series.map(({ label }) => label),
      ["Processed"],
    );
  });

  it("show the average of a minute's requests, and a gap if none was measured", () => {
    const [backlog, total] = chart("times").series;
    assert.deepEqual(backlog?.marks, [
      { x: 3, y: 180 },
      { x: 5, y: 300 },
      { x: 6, y: 360 },
    ]);
    assert.equal(total?.marks[0]?.y, 184);
    const empty = { ...sampleMetrics.total, count: sampleMetrics.total.count.map((point) => ({ ...point, value: 0 })) };
    const gaps = chart("times", chartsOf(sampleRun, { ...sampleMetrics, total: empty })).series[1];
    assert.deepEqual(
      gaps?.marks.map(({ y }) => y),
      [null, null, null],
    );
  });

  it("keep only the instances' changes and the last observation", () => {
    const [current, desired] = chart("instances").series;
    assert.deepEqual(
      current?.marks.map(({ x, y }) => [Math.round(x * 10) / 10, y]),
      [
        [0, 0],
        [0.2, 0],
        [3, 1],
        [4.5, 2],
        [7, 2],
      ],
    );
    assert.deepEqual(
      desired?.marks.map(({ y }) => y),
      [0, 0, 1, 2, 2],
    );
  });

  it("end with the last request or observation, not with the metrics of an idle endpoint", () => {
    const idle = { ...sampleMetrics, backlog: series(100, 100, 100, 90, 80, 42, 2, 0, 0, 0, 0, 0, 0) };
    const late = { ...sampleRun, endedAt: new Date(firstMinute + 3600_000) };
    for (const { id, series: all } of chartsOf(late, idle)) {
      for (const { marks } of all)
        assert.ok(
          marks.every(({ x }) => x <= 7),
          id,
        );
    }
  });

  it("are empty for a burst without any metrics", () => {
    const nothing = { sum: [], count: [], max: [] };
    const empty = chartsOf(
      { ...sampleRun, instances: [], endedAt: new Date(firstMinute + minuteMs) },
      {
        backlog: [],
        backlogPerInstance: [],
        processed: [],
        failed: [],
        expired: [],
        inBacklog: nothing,
        inModel: nothing,
        total: nothing,
        instances: [],
      },
    );
    assert.deepEqual(chart("backlog", empty).series[0]?.marks, []);
    assert.deepEqual(chart("processed", empty).series[0]?.marks, [
      { x: 0, y: 0 },
      { x: 1, y: 0 },
    ]);
  });
});
