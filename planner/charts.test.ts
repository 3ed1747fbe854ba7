import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { ChartSpec } from "../lib/report-page/chart-spec.ts";
import { planCharts } from "./charts.ts";
import type { TimelineMinute } from "./timeline.ts";

const quiet: TimelineMinute = { backlog: 0, instances: 0, completed: 0, started: 0, waited: 0, usd: 0 };

describe("a plan's charts", () => {
  const chart = (id: string, charts: readonly ChartSpec[]): ChartSpec => {
    const found = charts.find((each) => each.id === id);
    assert.ok(found, id);
    return found;
  };
  const marks = (id: string, ...timelines: (readonly TimelineMinute[])[]) => {
    return chart(id, planCharts(timelines)).series[0]?.marks.map(({ x, y }) => [x, y]);
  };

  it("show the median of the simulations, and the range from minimum to maximum", () => {
    const timelines = [3, 9, 4].map((backlog) => [{ ...quiet, backlog }]);
    const { series, band } = chart("backlog", planCharts(timelines));
    assert.deepEqual(series, [{ label: "Median of 3 simulations", marks: [{ x: 0, y: 4 }] }]);
    assert.deepEqual(band?.low.marks, [{ x: 0, y: 3 }]);
    assert.deepEqual(band.high.marks, [{ x: 0, y: 9 }]);
  });

  it("have no range for one simulation", () => {
    assert.ok(planCharts([[quiet]]).every(({ band }) => band === undefined));
  });

  it("keep the cost and the instances of a simulation that ends before the others, without work", () => {
    const short = [{ ...quiet, backlog: 5, instances: 1, completed: 5, usd: 2 }];
    const long = [short[0]!, { ...quiet, usd: 4 }];
    assert.deepEqual(marks("cost", short, long), [
      [0, 0],
      [1, 2],
      [2, 3],
    ]);
    assert.deepEqual(marks("backlog", short, long), [
      [0, 5],
      [1, 0],
    ]);
    assert.deepEqual(marks("throughput", short, long), [
      [0, 5],
      [1, 0],
    ]);
  });

  it("have a gap in the waiting time if no video starts", () => {
    const minutes = [{ ...quiet, started: 2, waited: 30 }, quiet];
    assert.deepEqual(marks("waiting", minutes), [
      [0, 15],
      [1, null],
    ]);
  });

  it("join minutes of a long load: maximum backlog, mean throughput, and the last cost", () => {
    const minutes = Array.from({ length: 1_440 }, (_, index) => ({
      ...quiet,
      backlog: index,
      completed: index % 2,
      usd: index,
    }));
    assert.equal(marks("backlog", minutes)?.length, 720);
    assert.deepEqual(marks("backlog", minutes)?.slice(0, 2), [
      [0, 1],
      [2, 3],
    ]);
    assert.deepEqual(marks("throughput", minutes)?.at(1), [2, 0.5]);
    assert.deepEqual(marks("cost", minutes)?.at(-1), [1_440, 1_439]);
    assert.match(chart("backlog", planCharts([minutes])).caption, /maximum of each 2 minutes/);
  });
});
