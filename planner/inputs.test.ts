/** Tests the texts and files that describe a load. */

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { parseArrivals, parseMinutes, parseServiceTime, readServiceTimes } from "./inputs.ts";

let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "plan-"));
});

after(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("arrivals", () => {
  it("are a rate per second, minute or hour", async () => {
    assert.deepEqual(await parseArrivals("poisson:4/min", 2), { kind: "poisson", perHour: 240, hours: 2 });
    assert.deepEqual(await parseArrivals("steady:0.5/h", 1), { kind: "steady", perHour: 0.5, hours: 1 });
    assert.deepEqual(await parseArrivals("steady:1/s", 1), { kind: "steady", perHour: 3_600, hours: 1 });
  });

  it("are read from a file with one time per line", async () => {
    const file = join(folder, "arrivals.csv");
    await writeFile(file, "0\n1.5\r\n\n30\n");
    assert.deepEqual(await parseArrivals(file, 1), { kind: "times", seconds: [0, 1.5, 30] });
  });

  it("name the line of a file that is not a time", async () => {
    const file = join(folder, "wrong.csv");
    await writeFile(file, "0\nseconds\n");
    await assert.rejects(parseArrivals(file, 1), {
      name: "InvalidInputError",
      message: `Line 2 of ${file} is "seconds", not a time in seconds from the start.`,
    });
  });

  it("refuse a missing file and a rate of 0", async () => {
    await assert.rejects(parseArrivals(join(folder, "none.csv"), 1), { message: /^The arrivals cannot be read from/ });
    await assert.rejects(parseArrivals("poisson:0/min", 1), { message: "--arrivals poisson:0/min is not a rate." });
    await assert.rejects(parseArrivals("steady:4", 1), { hint: "write for example poisson:4/min" });
  });
});

describe("a processing time", () => {
  it("is fixed or log-normal", () => {
    assert.deepEqual(parseServiceTime("30"), { kind: "fixed", seconds: 30 });
    assert.deepEqual(parseServiceTime("lognormal:30,60.5"), { kind: "lognormal", mean: 30, p95: 60.5 });
  });

  for (const text of ["0", "-1", "fast", "lognormal:30", "lognormal:0,1"]) {
    it(`is not ${text}`, () => {
      assert.throws(() => parseServiceTime(text), {
        name: "InvalidInputError",
        message: `--seconds ${text} is not a processing time.`,
      });
    });
  }

  it("is read from results, and other files are skipped", async () => {
    const results = await mkdtemp(join(folder, "results-"));
    await writeFile(join(results, "a.json"), JSON.stringify({ timing: { total_seconds: 12.5 } }));
    await writeFile(join(results, "b.json"), JSON.stringify({ timing: { total_seconds: 7 } }));
    await writeFile(join(results, "jobs.json"), "[]");
    await writeFile(join(results, "broken.json"), "{");
    assert.deepEqual(await readServiceTimes(results), { kind: "measured", seconds: [12.5, 7] });
  });

  it("needs a folder with results", async () => {
    const empty = await mkdtemp(join(folder, "empty-"));
    await assert.rejects(readServiceTimes(empty), { message: `${empty} has no results with a processing time.` });
    await assert.rejects(readServiceTimes(join(folder, "none")), { message: /^The results cannot be read from/ });
  });
});

describe("a duration", () => {
  it("is in minutes, hours or days", () => {
    assert.deepEqual(["90min", "1.5h", "2d"].map(parseMinutes), [90, 90, 2_880]);
    assert.throws(() => parseMinutes("2 hours"), { message: "2 hours is not a duration." });
  });
});
