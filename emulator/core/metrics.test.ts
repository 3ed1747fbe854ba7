/** Tests how the metric store aggregates, distinguishes and drops data. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MetricStore } from "./metrics.ts";
import { statisticValue } from "./statistics.ts";
import { VirtualClock } from "./virtual-clock.ts";

const minute = 60_000;
const metric = { namespace: "N", name: "M", dimensions: { A: "1", B: "2" } };

describe("MetricStore", () => {
  it("computes the five statistics", () => {
    const set = { sampleCount: 4, sum: 10, minimum: 1, maximum: 5 };
    const names = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"] as const;
    assert.deepEqual(
      names.map((name) => statisticValue(set, name)),
      [2.5, 10, 1, 5, 4],
    );
  });

  it("includes the start of a period and excludes its end", () => {
    const store = new MetricStore(new VirtualClock(0));
    for (const timestamp of [0, minute - 1, minute]) store.put({ ...metric, timestamp, value: 1 });
    const [point] = store.query({ metric, start: 0, end: minute, period: minute });
    assert.equal(point?.sampleCount, 2);
  });

  it("distinguishes metrics by all dimensions, in any order", () => {
    const store = new MetricStore(new VirtualClock(0));
    store.put({ ...metric, timestamp: 0, value: 1 });
    const count = (dimensions: Record<string, string>): number =>
      store.query({ metric: { ...metric, dimensions }, start: 0, end: 1, period: 1_000 }).length;
    assert.deepEqual(
      [count({ B: "2", A: "1" }), count({ A: "1" }), count({ A: "1", B: "3" }), count({})],
      [1, 0, 0, 0],
    );
  });

  it("separates units if one is requested", () => {
    const store = new MetricStore(new VirtualClock(0));
    store.put({ ...metric, timestamp: 0, value: 1, unit: "Count" });
    store.put({ ...metric, timestamp: 0, value: 10, unit: "Bytes" });
    const query = { metric, start: 0, end: minute, period: minute };
    assert.equal(store.query({ ...query, unit: "Bytes" })[0]?.sum, 10);
    assert.equal(store.query(query)[0]?.sum, 11);
    assert.deepEqual(store.units(metric), ["Count", "Bytes"]);
  });

  it("drops data after 15 days, and then the metric", async () => {
    const clock = new VirtualClock(0);
    const store = new MetricStore(clock);
    store.put({ ...metric, timestamp: 0, value: 1 });
    await clock.advance(15 * 86_400_000);
    assert.equal(store.list().length, 1);
    await clock.advance(1);
    assert.equal(store.list().length, 0);
  });

  it("keeps data for another time if one is given, and does not return older data", async () => {
    const clock = new VirtualClock(0);
    const store = new MetricStore(clock, { retention: 3 * minute });
    for (let index = 0; index < 9; index += 1) {
      store.put({ ...metric, timestamp: clock.now(), value: index });
      await clock.advance(minute);
    }
    const points = store.query({ metric, start: 0, end: clock.now(), period: minute });
    assert.deepEqual(
      points.map(({ sum }) => sum),
      [5, 6, 7, 8],
    );
  });

  it("does not grow without limit", async () => {
    const clock = new VirtualClock(0);
    const store = new MetricStore(clock);
    const day = 86_400_000;
    for (let index = 0; index < 60; index += 1) {
      store.put({ ...metric, timestamp: clock.now(), value: 1 });
      await clock.advance(day);
    }
    assert.equal(store.query({ metric, start: 0, end: 60 * day, period: day }).length, 16);
  });
});
