/**
 * A report as one HTML page: figures, charts, their numbers and the chart library, for light and dark, without network
 * access.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChartSpec } from "./chart-spec.ts";

/** One row of the table of figures. */
export interface Row {
  readonly label: string;
  readonly value: string;
}

/** Content of the page, as plain text. */
export interface ReportPage {
  /** Heading. */
  readonly title: string;
  /** Added to the heading in the browser's title. */
  readonly subject: string;
  /** Paragraph below the heading. */
  readonly introduction: string;
  /** Notes on the limits of the figures. */
  readonly notes: readonly string[];
  readonly rows: readonly Row[];
  /** Title of all charts' x axis. */
  readonly timeAxis: string;
  readonly charts: readonly ChartSpec[];
}

/** Chart.js as one script, which sets the global `Chart`; the package exports only its module. */
const library = join(dirname(fileURLToPath(import.meta.resolve("chart.js"))), "chart.umd.min.js");
const pageScript = join(import.meta.dirname, "script.mjs");

/** Renders the page's HTML. */
export async function renderPage(page: ReportPage): Promise<string> {
  const { title, subject, introduction, notes, rows, timeAxis, charts } = page;
  const [libraryFile, script] = await Promise.all([readFile(library, "utf8"), readFile(pageScript, "utf8")]);
  const chartLibrary = libraryFile.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyOf([chartLibrary, script], [style])}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · ${escapeHtml(subject)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(introduction)}</p>
</header>
<main>
${notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`).join("\n")}
<section aria-labelledby="figures">
<h2 id="figures">Figures</h2>
${tableOf(rows)}
</section>
<section aria-labelledby="charts">
<h2 id="charts">Charts</h2>
<noscript><p class="note">The charts need JavaScript; the numbers are below them.</p></noscript>
<div class="charts">
${charts.map(figureOf).join("\n")}
</div>
</section>
<section aria-labelledby="numbers">
<h2 id="numbers">Numbers</h2>
${charts.map(numbersOf).join("\n")}
</section>
</main>
<script type="application/json" id="data">${inScript({ timeAxis, charts })}</script>
<script>${chartLibrary}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}

/**
 * Returns the page's content security policy, the second line of defence behind {@link escapeHtml}: the page runs only
 * these scripts and styles, and loads nothing. Chart.js styles its canvases by the CSSOM, which a policy allows.
 */
function policyOf(scripts: readonly string[], styles: readonly string[]): string {
  const hashes = (texts: readonly string[]): string =>
    texts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`).join(" ");
  return `default-src 'none'; script-src ${hashes(scripts)}; style-src ${hashes(styles)}; base-uri 'none'; form-action 'none'`;
}

/** The colours of the series are distinguishable in both styles, also for people with colour blindness. */
const style = `
:root { --ground: #fff; --card: #f6f7f9; --ink: #1b1f24; --faint: #57606a; --line: #d8dee4; --series-1: #0b6bcb; --series-2: #d1570a; --series-3: #7a4bb8; --band: #b9d5f1; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171b; --card: #1d2127; --ink: #e8eaed; --faint: #a2abb6; --line: #353b43; --series-1: #5fa8f5; --series-2: #f59a4c; --series-3: #b794f0; --band: #2c4c6e; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 80rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; }
h2 { margin: 2rem 0 .75rem; font-size: 1.15rem; }
header p, figcaption p { margin: .25rem 0 0; color: var(--faint); }
.note { margin: 1rem 0 0; padding: .6rem .9rem; border-left: 3px solid var(--series-2); background: var(--card); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem 1.5rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; font-weight: normal; vertical-align: top; }
thead th { color: var(--faint); }
tbody td { font-weight: 600; }
details td { font-weight: normal; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
figure { margin: 0; padding: 1rem; border-radius: .5rem; background: var(--card); min-width: 0; }
figcaption { font-size: .9rem; }
figcaption b { font-size: 1rem; }
.canvas { position: relative; height: 18rem; margin-top: .75rem; }
summary { cursor: pointer; padding: .25rem 0; }
details > div { max-height: 24rem; overflow: auto; }
`;

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ label, value }) => `<tr><th scope="row">${escapeHtml(label)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<table><tbody>\n${lines.join("\n")}\n</tbody></table>`;
}

function figureOf({ id, title, caption }: ChartSpec): string {
  return `<figure>
<figcaption><b>${escapeHtml(title)}</b><p>${escapeHtml(caption)}</p></figcaption>
<div class="canvas"><canvas id="${id}" role="img" aria-label="${escapeHtml(`${title}: ${caption}`)}"></canvas></div>
</figure>`;
}

/** Renders a chart's marks as a table, for people who cannot see the chart or need the numbers. */
function numbersOf({ title, unit, series, band }: ChartSpec): string {
  const lines = [...series, ...(band === undefined ? [] : [band.low, band.high])];
  const minutes = [...new Set(lines.flatMap(({ marks }) => marks.map(({ x }) => x)))].sort((a, b) => a - b);
  const columns = lines.map(({ marks }) => new Map(marks.map(({ x, y }) => [x, y])));
  const head = ["Minute", ...lines.map(({ label }) => label)].map((text) => `<th scope="col">${escapeHtml(text)}</th>`);
  const rows = minutes.map((minute) => {
    const cells = columns.map((column) => `<td>${numberText(column.get(minute))}</td>`);
    return `<tr><td>${numberText(minute)}</td>${cells.join("")}</tr>`;
  });
  return `<details><summary>${escapeHtml(title)}, ${escapeHtml(unit.toLowerCase())}</summary><div><table><thead><tr>${head.join("")}</tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div></details>`;
}

function numberText(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : String(Math.round(value * 100) / 100);
}

/** Encodes JSON that cannot end the script element around it. */
function inScript(value: object): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
