import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { notesOf } from "./notes.ts";
import { sampleMetrics, sampleRun, series } from "./testing/sample-burst.ts";

describe("the notes on a burst", () => {
  const good = { ...sampleRun, accepted: 98, completed: 98, failed: 0, expired: 0 };
  const withCount = (count: number) => ({ ...sampleMetrics, total: { ...sampleMetrics.total, count: series(count) } });

  it("are empty if the figures need no explanation", () => {
    assert.deepEqual(notesOf(good, sampleMetrics), []);
  });

  for (const [what, run, metrics, words] of [
    ["requests are not counted yet", good, withCount(90), /counted 90 of 98 completed/],
    ["others used the endpoint", good, withCount(120), /counted 120 requests.*this burst had 98/],
    [
      "the burst ran on the emulator",
      { ...good, environment: "emulator", devices: ["cpu"] },
      sampleMetrics,
      /^These figures are of the AWS emulator, CPU of this machine, accelerated clock\. .* Times are on the stack clock\.$/,
    ],
    ["jobs have not ended", { ...good, accepted: 100 }, sampleMetrics, /^2 jobs had not ended/],
    ["jobs expired", { ...good, accepted: 101, expired: 3 }, sampleMetrics, /^3 jobs presumed expired/],
    [
      "there were instances before",
      { ...good, instances: [{ at: 0, current: 2, desired: 2 }] },
      sampleMetrics,
      /did not begin at zero: 2 instances/,
    ],
  ] as const) {
    it(`explain that ${what}`, () => {
      const notes = notesOf(run, metrics);
      assert.equal(notes.length, 1, notes.join("\n"));
      assert.match(notes[0]!, words);
    });
  }

  it("show the reason of the first failure", () => {
    const run = { ...good, completed: 97, failed: 1 };
    assert.deepEqual(notesOf(run, sampleMetrics, "no frame"), ["The first failure: no frame"]);
  });
});
