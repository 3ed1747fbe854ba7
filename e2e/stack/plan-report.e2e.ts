import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, it } from "mocha";
import { readRenderedPage } from "../../lib/report-page/testing/rendered-page.ts";
import { planInput } from "../../ops/plan/options.ts";
import { renderPlan } from "../../ops/plan/report.ts";
import { planRows } from "../../ops/plan/text.ts";
import { plan } from "../../planner/plan.ts";
import type { PlanResult } from "../../planner/plan.ts";
import { useBrowser } from "../testing/browser.ts";

describe("a plan's report in a browser", () => {
  const options = { arrivals: "poisson:2/min", hours: 0.5, seconds: "lognormal:30,60", seed: 1 };
  let folder: string;
  let page: string;
  let result: PlanResult;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "plan-"));
    const file = join(folder, "plan.html");
    const input = await planInput(options);
    result = await plan(input.settings, input.load);
    await writeFile(file, await renderPlan(input, result, options));
    page = pathToFileURL(file).href;
  });

  after(() => rm(folder, { recursive: true }));

  const browser = useBrowser();

  for (const scheme of ["light", "dark"] as const) {
    it(`shows every chart with its median and its range in the ${scheme} scheme, without a network`, async () => {
      const seen = await readRenderedPage(browser(), page, scheme);
      assert.deepEqual(seen.problems, []);
      assert.deepEqual(seen.requests, [page]);
      assert.deepEqual(
        seen.charts.map(({ id }) => id),
        ["backlog", "instances", "throughput", "waiting", "cost"],
      );
      for (const { id, series, inkedPixels, axes } of seen.charts) {
        assert.deepEqual(
          series.map(({ label }) => label),
          ["Median of 5 simulations", "Minimum", "Maximum"],
        );
        assert.ok(inkedPixels > 1_000, `${id} has ${inkedPixels} pixels in its colours`);
        assert.ok(
          axes.every((title) => title !== ""),
          id,
        );
      }
      assert.deepEqual(
        seen.rows,
        planRows(result).map(({ label, value }) => [label, value]),
      );
      assert.ok(scheme === "light" ? seen.groundLuminance > 0.9 : seen.groundLuminance < 0.2);
    });
  }
});
