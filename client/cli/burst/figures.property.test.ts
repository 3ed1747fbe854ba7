import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { figuresOf } from "./figures.ts";
import { sampleMetrics, sampleRun, series } from "./testing/sample-burst.ts";

describe("a burst's figures", () => {
  it("have a mean between zero and the maximum for all measurements", () => {
    const minute = fc.option(fc.record({ requests: fc.nat(50), seconds: fc.array(fc.nat(4000), { minLength: 1 }) }));
    fc.assert(
      fc.property(fc.array(minute, { maxLength: 30 }), (minutes) => {
        const measured = minutes.map((each) => each?.seconds);
        const total = {
          sum: series(...measured.map((each) => each?.reduce((sum, one) => sum + one, 0))),
          count: series(...measured.map((each) => each?.length)),
          max: series(...measured.map((each) => (each === undefined ? undefined : Math.max(...each)))),
        };
        const processed = series(...minutes.map((each) => each?.requests));
        const { totalSeconds, perMinute } = figuresOf(sampleRun, { ...sampleMetrics, processed, total });
        const all = measured.flatMap((each) => each ?? []);
        if (totalSeconds === null) assert.equal(all.length, 0);
        else {
          assert.equal(totalSeconds.most, Math.max(...all));
          assert.ok(totalSeconds.mean <= totalSeconds.most && totalSeconds.mean >= Math.min(...all));
        }
        if (perMinute !== null) {
          assert.ok(perMinute.mean <= perMinute.most && perMinute.mean > 0);
          assert.equal(
            Math.round(perMinute.mean * perMinute.minutes),
            minutes.reduce((sum, each) => sum + (each?.requests ?? 0), 0),
          );
        }
      }),
    );
  });
});
