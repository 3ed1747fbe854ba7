/** Tests that a plan of a measured burst refuses files that it cannot describe. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { readBurst } from "./burst.ts";
import { measuredBurst } from "./testing/measured-burst.ts";

describe("the measurements of a burst", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "burst-"));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function read(changes: object) {
    const file = join(folder, "measurements.json");
    await writeFile(file, JSON.stringify({ ...measuredBurst, ...changes }));
    return await readBurst(file);
  }

  it("give the load, the starts, the phase and the settings of the stack", async () => {
    const { settings, timeToLive, startMinutes, load, simulation } = await read({});
    assert.deepEqual(settings, {
      ...{ instanceType: "ml.g4dn.xlarge", maxConcurrency: 1, maxCapacity: 2, invocationTimeout: 900 },
    });
    assert.deepEqual([timeToLive, startMinutes], [21_600, 1]);
    assert.deepEqual([...load.arrivals], [0, 1_500]);
    assert.deepEqual([...load.durations], [30_000, 40_000]);
    assert.deepEqual(simulation, { phase: 12_000, startUps: [60_000, 90_000] });
  });

  it("give the result as a plan has it", async () => {
    const { result } = await read({});
    assert.equal(result.drain_minutes, Number((241.5 / 60).toFixed(3)));
    assert.deepEqual([result.wait_seconds.p50, result.wait_seconds.max], [170, 200]);
    assert.deepEqual([result.total_seconds.p50, result.total_seconds.max], [200, 240]);
    assert.equal(result.instance_hours, 0.3);
  });

  it("do not count failed jobs in the times", async () => {
    const [first, second] = measuredBurst.jobs;
    const { result } = await read({ jobs: [first, { ...second, status: "failed" }] });
    assert.deepEqual([result.wait_seconds.max, result.drain_minutes], [170, 4.025]);
  });

  it("are refused if the burst started with instances, did not end, or no start was seen", async () => {
    await assert.rejects(read({ instancesBefore: 1 }), {
      message: /cannot be planned: it started with 1 instances\.$/,
    });
    await assert.rejects(read({ startSeconds: [] }), { message: /no start of an instance was seen/ });
    const [first, second] = measuredBurst.jobs;
    await assert.rejects(read({ jobs: [first, { ...second, total: null, status: "pending" }] }), {
      message: /1 of 2 jobs had not ended/,
    });
  });

  it("are refused if the file is missing or another one", async () => {
    await assert.rejects(readBurst(join(folder, "none.json")), {
      name: "InvalidInputError",
      message: /^The measurements cannot be read from/,
      hint: /measurements\.json/,
    });
    await assert.rejects(read({ jobs: "none" }), {
      message: /has no measurements of a burst: jobs: expected array, received string\.$/,
    });
  });
});
