import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { describePrice, priceOf } from "./price.ts";
import { outputsAt } from "../testing/outputs-at.ts";

describe("the price of jobs", () => {
  const aws = { ...outputsAt("http://127.0.0.1:1"), awsEndpointUrl: undefined };
  const usd = (jobs: number, timeoutSeconds: number, changes: object = {}) => {
    const price = priceOf({ ...aws, ...changes }, { jobs, timeoutSeconds });
    return price.kind === "at most" ? price.usd : assert.fail(price.kind);
  };

  it("is bounded by the time limit of each job, and the longest time to start and stop each instance", () => {
    const hourly = 0.7364;
    // One job: one instance, 900 s of work, 45 minutes to start and stop.
    assert.equal(usd(1, 900), (hourly * (900 + 2700)) / 3600);
    // Two at a time on five instances.
    assert.equal(usd(1000, 900), (hourly * (505 * 900 + 5 * 2700)) / 3600);
    assert.equal(usd(0, 900), 0);
  });

  it("is not below the work of jobs that run one at a time", () => {
    assert.equal(usd(3, 3600, { maxConcurrency: 8 }), (0.7364 * (3 * 3600 + 3 * 2700)) / 3600);
  });

  it("is shown rounded up, with its basis", () => {
    assert.match(
      describePrice(aws, { jobs: 1000, timeoutSeconds: 900 }),
      /^at most 96 USD: 1000 jobs of up to 900 s each, 2 at a time on an instance, .* 5 instances \(ml\.g4dn\.xlarge at 0\.7364 USD an hour/,
    );
    assert.match(describePrice(aws, { jobs: 1, timeoutSeconds: 900 }), /^at most 0\.74 USD: 1 job of .* 1 instance \(/);
  });

  it("is unknown for an instance type without a price", () => {
    for (const instanceType of ["ml.g9.huge", "constructor"]) {
      assert.deepEqual(priceOf({ ...aws, instanceType }, { jobs: 1, timeoutSeconds: 1 }), { kind: "unknown" });
    }
  });

  it("is nothing on the emulator", () => {
    const emulator = outputsAt("http://127.0.0.1:1");
    assert.deepEqual(priceOf(emulator, { jobs: 1000, timeoutSeconds: 900 }), { kind: "none" });
    assert.match(describePrice(emulator, { jobs: 1000, timeoutSeconds: 900 }), /^no cost/);
  });
});
