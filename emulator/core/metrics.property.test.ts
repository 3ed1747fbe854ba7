/** Tests how the metric store aggregates, distinguishes and drops data. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MetricStore } from "./metrics.ts";
import { VirtualClock } from "./virtual-clock.ts";

const minute = 60_000;
const metric = { namespace: "N", name: "M", dimensions: { A: "1", B: "2" } };

describe("MetricStore", () => {
  it("adds up single values and sets within a period, in any order", () => {
    const data = fc.array(fc.record({ at: fc.integer({ min: 0, max: 9 }), value: fc.integer({ min: -50, max: 50 }) }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(data, (values) => {
        const store = new MetricStore(new VirtualClock(0));
        for (const { at, value } of values) store.put({ ...metric, timestamp: at * 20_000, value });
        const points = store.query({ metric, start: 0, end: 4 * minute, period: minute });
        for (let index = 0; index < 4; index += 1) {
          const inPeriod = values.filter(({ at }) => Math.floor(at / 3) === index).map(({ value }) => value);
          const point = points.find(({ timestamp }) => timestamp === index * minute);
          assert.equal(point?.sampleCount ?? 0, inPeriod.length);
          if (point === undefined) continue;
          assert.equal(
            point.sum,
            inPeriod.reduce((sum, value) => sum + value, 0),
          );
          assert.equal(point.minimum, Math.min(...inPeriod));
          assert.equal(point.maximum, Math.max(...inPeriod));
        }
      }),
    );
  });
});
