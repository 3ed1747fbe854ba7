/** Tests the search for settings and the comparison of settings. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { drawLoad } from "./load.ts";
import { compare, recommend, search } from "./search.ts";
import { testSettings } from "./testing/settings.ts";

/** 40 videos of ten minutes: 400 minutes of one instance. */
const load = drawLoad({ burst: 40, service: { kind: "fixed", seconds: 600 } }, 1);

describe("a search", () => {
  it("finds the cheapest settings that finish before a deadline", async () => {
    const { candidate, result } = await search(testSettings, load, { deadline: 60 });
    assert.ok(result.drain_minutes <= 60);
    // 40 videos on 8 instances take 50 minutes.
    assert.ok(candidate.maxCapacity >= 8, String(candidate.maxCapacity));
    const slower = await search(testSettings, load, { deadline: 300 });
    assert.ok(slower.result.usd <= result.usd);
  }).timeout(60_000);

  it("finds the fastest settings within a budget", async () => {
    const { result } = await search(testSettings, load, { budget: 8 });
    assert.ok(result.usd <= 8);
    const poorer = await search(testSettings, load, { budget: 5.5 });
    assert.ok(poorer.result.drain_minutes >= result.drain_minutes);
  }).timeout(60_000);

  it("says what the best settings need if none is within the limits", async () => {
    await assert.rejects(search(testSettings, load, { deadline: 10 }), {
      name: "UserError",
      message: /^No settings are within the limits: the fastest ones take \d+\.\d minutes and \d+\.\d\d USD/,
    });
  }).timeout(60_000);
});

describe("a comparison", () => {
  it("plans both ways to stop for each number of instances, and recommends the cheaper one for the stack's number", async () => {
    const evaluated = await compare({ ...testSettings, maxCapacity: 7 }, load);
    const counts = [...new Set(evaluated.map(({ candidate }) => candidate.maxCapacity))];
    assert.deepEqual(counts, [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20]);
    const own = evaluated.filter(({ candidate }) => candidate.maxCapacity === 7);
    assert.deepEqual(new Set(own.map(({ candidate }) => candidate.scaleIn)), new Set(["idle", "tracking"]));
    const recommended = recommend({ ...testSettings, maxCapacity: 7 }, evaluated);
    assert.equal(recommended?.result.usd, Math.min(...own.map(({ result }) => result.usd)));
  }).timeout(60_000);
});
