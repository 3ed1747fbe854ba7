import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, it } from "mocha";
import { chartsOf } from "../../client/cli/burst/charts.ts";
import { figuresOf, rowsOf } from "../../client/cli/burst/figures.ts";
import { renderReport } from "../../client/cli/burst/report.ts";
import { readRenderedPage } from "../../lib/report-page/testing/rendered-page.ts";
import { sampleMetrics, sampleRun, shortMetrics, shortRun } from "../../client/cli/burst/testing/sample-burst.ts";
import { useBrowser } from "../testing/browser.ts";

describe("a burst's report in a browser", () => {
  let folder: string;
  let page: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "report-"));
    const file = join(folder, "report.html");
    const figures = figuresOf(sampleRun, sampleMetrics);
    await writeFile(file, await renderReport({ run: sampleRun, figures, metrics: sampleMetrics, notes: ["A note."] }));
    page = pathToFileURL(file).href;
  });

  after(() => rm(folder, { recursive: true }));

  const browser = useBrowser();

  for (const scheme of ["light", "dark"] as const) {
    it(`shows every chart with its data, axes and title in the ${scheme} scheme, without a network`, async () => {
      const seen = await readRenderedPage(browser(), page, scheme);
      assert.deepEqual(seen.problems, []);
      assert.deepEqual(seen.requests, [page]);
      assert.deepEqual(
        seen.charts.map(({ id, series }) => [id, series.map(({ label, values }) => ({ label, values }))]),
        chartsOf(sampleRun, sampleMetrics).map(({ id, series }) => [
          id,
          series.map(({ label, marks }) => ({ label, values: marks.map(({ y }) => y) })),
        ]),
      );
      for (const { id, inkedPixels, axes } of seen.charts) {
        assert.ok(inkedPixels > 100, `${id} has ${inkedPixels} pixels in its series' colours`);
        assert.ok(
          axes.every((title) => title !== ""),
          id,
        );
      }
      assert.deepEqual(
        seen.rows,
        rowsOf(figuresOf(sampleRun, sampleMetrics)).map(({ label, value }) => [label, value]),
      );
    });
  }

  it("draws a burst of one minute as lines and bars, not as dots, and the instances from its start", async () => {
    const file = join(folder, "short.html");
    const figures = figuresOf(shortRun, shortMetrics);
    await writeFile(file, await renderReport({ run: shortRun, figures, metrics: shortMetrics, notes: [] }));
    const { charts, problems } = await readRenderedPage(browser(), pathToFileURL(file).href, "light");
    assert.deepEqual(problems, []);
    for (const { id, inkedPixels } of charts) assert.ok(inkedPixels > 200, `${id} has ${inkedPixels} inked pixels`);
    const instances = charts.find(({ id }) => id === "instances");
    assert.deepEqual(instances?.series[0]?.firstX, 0);
  });

  it("runs no injected script or style, and loads nothing for injected markup", async () => {
    const opening = await browser().newPage();
    try {
      await opening.goto(page, { waitUntil: "load" });
      const seen = (await opening.evaluate(`(async () => {
        const refused = [];
        document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
        const script = document.createElement("script");
        script.textContent = "globalThis.ran = true";
        const figure = document.createElement("div");
        figure.innerHTML = '<img src="https://example.com/a.png" onerror="globalThis.ran = true"><b style="color: red">b</b>';
        document.body.append(script, figure);
        await new Promise((resolve) => setTimeout(resolve, 200));
        return { refused: refused.sort(), ran: globalThis.ran === true };
      })()`)) as { refused: string[]; ran: boolean };
      assert.equal(seen.ran, false);
      assert.deepEqual(seen.refused, ["img-src", "script-src-attr", "script-src-elem", "style-src-attr"]);
    } finally {
      await opening.close();
    }
  });

  it("has different colours of background and marks in the dark and light schemes", async () => {
    const [light, dark] = [
      await readRenderedPage(browser(), page, "light"),
      await readRenderedPage(browser(), page, "dark"),
    ];
    assert.ok(light.groundLuminance > 0.9, String(light.groundLuminance));
    assert.ok(dark.groundLuminance < 0.2, String(dark.groundLuminance));
    assert.notDeepEqual(light.charts[0]?.colours, dark.charts[0]?.colours);
  });
});
