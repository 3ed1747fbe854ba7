import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { outputsAt } from "../testing/outputs-at.ts";
import { sampleRun } from "./burst/testing/sample-burst.ts";
import { burstCost, describeBurstCost, describeJobsCost } from "./cost.ts";

const hourly = 0.7364;

describe("the cost of a burst", () => {
  const shown = (changes: Partial<typeof sampleRun>): string => {
    const run = { ...sampleRun, ...changes };
    return describeBurstCost(burstCost(run), run);
  };

  it("is between the time of the instances in service, and that of the requested ones too", () => {
    const cost = burstCost(sampleRun);
    // One instance from minute 3 to 4.5, and two until minute 7.
    assert.equal(cost?.instanceHours.min.toFixed(6), (6.5 / 60).toFixed(6));
    // One from the first observation at second 11, which showed none, and two from minute 3.
    assert.equal(cost.instanceHours.max.toFixed(6), ((3 * 60 - 11 + 2 * 4 * 60) / 3600).toFixed(6));
    assert.equal(cost.usd?.min.toFixed(6), ((hourly * 6.5) / 60).toFixed(6));
    assert.equal(cost.stillRunning, 2);
  });

  it("counts the time before the first observation only in the upper bound", () => {
    const at = sampleRun.startedAt.getTime() + 3_600_000;
    const cost = burstCost({ ...sampleRun, instances: [{ at, current: 1, desired: 1 }] });
    assert.deepEqual(cost?.instanceHours, { min: 0, max: 1 });
  });

  it("is shown rounded outwards, with the instances that the watch left", () => {
    assert.match(
      shown({}),
      /^0\.07 to 0\.14 USD for 0\.10 to 0\.19 instance-hours; up to 1\.11 USD more until 2 instances stopped \(0\.7364 USD an hour in us-east-1 on /,
    );
  });

  it("has nothing to add if the instances have stopped", () => {
    const end = { at: sampleRun.instances.at(-1)!.at + 1_000, current: 0, desired: 0 };
    assert.doesNotMatch(shown({ instances: [...sampleRun.instances, end] }), /more until/);
  });

  it("is unknown without a price, without observations, and nothing on the emulator", () => {
    assert.match(
      shown({ instanceType: "ml.g9.huge" }),
      /^0\.10 to 0\.19 instance-hours; cost unknown: .* ml\.g9\.huge$/,
    );
    assert.equal(shown({ instances: [] }), "no data");
    assert.equal(shown({ environment: "emulator" }), "none (AWS emulator)");
  });
});

describe("the cost of a submission", () => {
  const aws = { ...outputsAt("http://127.0.0.1:1"), awsEndpointUrl: undefined };

  it("is between full instances, and one job at a time on instances that start and stop slowly", () => {
    const jobs = [1800, 3600].map((seconds) => ({ seconds, timeoutSeconds: 3600 }));
    // 0.75 hours on a full instance; 1.5 hours one at a time, and 45 minutes for each of two instances.
    assert.match(
      describeJobsCost(aws, jobs),
      /^between 0\.55 and 2\.21 USD: 2 jobs with 5400\.0 s of processing, and up to 45 minutes to start and stop 2 instances \(0\.7364 USD/,
    );
  });

  it("has the time limit of a job without a result only in the upper bound", () => {
    assert.match(
      describeJobsCost(aws, [{ timeoutSeconds: 900 }]),
      /^between 0\.00 and 0\.74 USD: 1 job with 0\.0 s of processing, up to the time limit of 1 job without a result, /,
    );
  });

  it("is unknown without a price, and nothing on the emulator", () => {
    const jobs = [{ seconds: 3, timeoutSeconds: 900 }];
    assert.match(describeJobsCost({ ...aws, instanceType: "ml.g9.huge" }, jobs), /; cost unknown: .* ml\.g9\.huge$/);
    assert.equal(describeJobsCost(outputsAt("http://127.0.0.1:1"), jobs), "none (AWS emulator)");
  });
});
