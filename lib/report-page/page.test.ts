import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "mocha";
import { renderPage } from "./page.ts";
import type { ReportPage } from "./page.ts";

const line = (label: string, ...values: readonly (number | null)[]) => ({
  label,
  marks: values.map((y, x) => ({ x, y })),
});

const page: ReportPage = {
  title: "Burst of 3 videos",
  subject: "video",
  introduction: "Endpoint video.",
  notes: ["A note."],
  rows: [{ label: "Completed", value: "3" }],
  timeAxis: "Minutes",
  charts: [
    {
      id: "backlog",
      title: "Backlog",
      caption: "Videos.",
      kind: "line",
      unit: "Videos",
      series: [line("Backlog", 3, 0)],
    },
  ],
};

/** The page without its scripts. */
const markup = (html: string): string => html.replaceAll(/<script[^>]*>[^]*?<\/script>/g, "");

describe("a report page", () => {
  it("loads nothing, and its policy allows only its own scripts and style", async () => {
    const html = await renderPage(page);
    assert.doesNotMatch(markup(html), /\b(src|href)=|@import|url\(/);
    const hashes = [...html.matchAll(/<(?:script|script type="module"|style)>([^]*?)<\/(?:script|style)>/g)].map(
      ([, text = ""]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`,
    );
    assert.equal(hashes.length, 3);
    const [style, ...scripts] = hashes;
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1];
    assert.equal(
      policy,
      `default-src 'none'; script-src ${scripts.join(" ")}; style-src ${style ?? ""}; base-uri 'none'; form-action 'none'`,
    );
  });

  it("shows each text as text, wherever it stands", async () => {
    const text = `</script><img src="x" onerror='y'>&`;
    const [chart] = page.charts;
    assert.ok(chart);
    const html = await renderPage({
      ...{ title: text, subject: text, introduction: text, notes: [text], timeAxis: text },
      rows: [{ label: text, value: text }],
      charts: [{ ...chart, title: text, caption: text, unit: text, series: [line(text, 1)] }],
    });
    assert.doesNotMatch(html, /<img/);
    const [, data = ""] = /id="data">([^]*?)<\/script>/.exec(html) ?? [];
    assert.equal((JSON.parse(data) as { timeAxis: string }).timeAxis, text);
  });

  it("has the numbers of a chart's series and band as a table, with gaps", async () => {
    const [chart] = page.charts;
    assert.ok(chart);
    const band = { low: line("Minimum", 1, null), high: line("Maximum", 5, 0.126) };
    const html = markup(await renderPage({ ...page, charts: [{ ...chart, band }] }));
    assert.match(html, /<th scope="col">Backlog<\/th><th scope="col">Minimum<\/th><th scope="col">Maximum<\/th>/);
    assert.match(
      html,
      /<tr><td>0<\/td><td>3<\/td><td>1<\/td><td>5<\/td><\/tr>\n<tr><td>1<\/td><td>0<\/td><td><\/td><td>0\.13<\/td>/,
    );
  });
});
