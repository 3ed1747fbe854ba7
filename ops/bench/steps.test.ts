import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { ending, figuresOf, loading, ratiosOf, StepRecorder } from "./steps.ts";
import type { StepTimes } from "./steps.ts";

/** A recorder whose run's clock is set by hand. */
function recorderAt(): { recorder: StepRecorder; at: (seconds: number, cpuSeconds: number) => void } {
  let now = { seconds: 0, cpuSeconds: 0 };
  return {
    recorder: new StepRecorder(() => now),
    at: (seconds, cpuSeconds) => {
      now = { seconds, cpuSeconds };
    },
  };
}

const step = (name: string, seconds: number, cpuSeconds: number): StepTimes => ({ name, seconds, cpuSeconds });

describe("the step recorder", () => {
  it("splits a run at the end of each step, so that the parts add up to the whole", () => {
    const { recorder, at } = recorderAt();
    recorder.write("setup: everything is installed\n");
    at(1, 0.5);
    recorder.write("… Starting AWS\n");
    at(4, 5.5);
    recorder.write("… Starting AWS 5 s · detail\n✓ Starting AWS (3.0 s)\n");
    at(10, 9);
    recorder.write("… Deploying\n✗ Deploying (5.5 s)\n");
    at(10.5, 9.25);
    assert.deepEqual(recorder.finish(), [
      step(loading, 1, 0.5),
      step("Starting AWS", 3, 5),
      step("Deploying", 6, 3.5),
      step(ending, 0.5, 0.25),
    ]);
  });

  it("takes lines that come in pieces", () => {
    const { recorder, at } = recorderAt();
    recorder.write("… Deploy");
    recorder.write("ing\n✓ Deploy");
    at(2, 1);
    recorder.write("ing (1.9 s)\n");
    assert.deepEqual(
      recorder.finish().map(({ name }) => name),
      [loading, "Deploying", ending],
    );
  });

  it("takes no other line for the end of a step", () => {
    const { recorder } = recorderAt();
    recorder.write("✓ Back at zero instances: the idle minutes have passed\n");
    assert.deepEqual(
      recorder.finish().map(({ name }) => name),
      [ending],
    );
  });
});

describe("the figures of a benchmark", () => {
  it("are the medians of the runs, in total and for each step", () => {
    const runs = [
      [step("a", 1, 1), step("b", 10, 4)],
      [step("a", 3, 2), step("b", 2, 4)],
      [step("a", 2, 9), step("b", 6, 3)],
    ];
    assert.deepEqual(figuresOf(runs), {
      seconds: 8,
      cpu_seconds: 6,
      steps: [
        { name: "a", seconds: 2, cpu_seconds: 2 },
        { name: "b", seconds: 6, cpu_seconds: 4 },
      ],
    });
  });

  it("tell a step that comes twice apart, and count one that a run lacks as 0 s", () => {
    const runs = [[step("wait", 1, 1)], [step("wait", 1, 1), step("wait", 4, 2)], [step("wait", 1, 1)]];
    assert.deepEqual(figuresOf(runs).steps, [
      { name: "wait", seconds: 1, cpu_seconds: 1 },
      { name: "wait (2)", seconds: 0, cpu_seconds: 0 },
    ]);
  });

  it("compare neighbours in time: the ratio is the median of the pairs' ratios", () => {
    const old = [[step("a", 20, 10)], [step("a", 60, 30)], [step("a", 90, 30)]];
    const current = [[step("a", 10, 10)], [step("a", 20, 10)], [step("a", 60, 10)]];
    assert.deepEqual(ratiosOf(current, old), { ratio: 2, cpu_ratio: 3 });
  });
});
