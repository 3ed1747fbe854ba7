/**
 * Script of a report page: draws the charts from the page's data, in the colours of the page's light or dark style.
 * It runs in a browser, after Chart.js, both inlined by page.ts.
 */

/**
 * The parts of a browser that it uses; no other file of the project runs in one.
 * @typedef {object} Browser
 * @property {typeof import("chart.js").Chart} Chart
 * @property {{ getElementById(id: string): { textContent: string }, documentElement: object }} document
 * @property {(element: object) => { getPropertyValue(name: string): string }} getComputedStyle
 * @property {(query: string) => { matches: boolean, addEventListener(event: "change", listener: () => void): void }} matchMedia
 */

const { Chart, document, getComputedStyle, matchMedia } = /** @type {Browser} */ (/** @type {unknown} */ (globalThis));

/** @type {unknown} */
const data = JSON.parse(document.getElementById("data").textContent);
const { timeAxis, charts } = /** @type {{ timeAxis: string, charts: import("./chart-spec.ts").ChartSpec[] }} */ (data);

/** @param {string} name a custom property of the page's style */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Returns the marks to draw: a minute's value holds until the next minute, so a single one is a line and not a dot.
 * @param {import("./chart-spec.ts").ChartSpec["kind"]} kind
 * @param {readonly import("./chart-spec.ts").Mark[]} marks
 */
function drawn(kind, marks) {
  if (kind === "bars") return marks.map(({ x, y }) => ({ x: x + 0.5, y }));
  return marks.length === 1
    ? marks.flatMap(({ x, y }) => [
        { x, y },
        { x: x + 1, y },
      ])
    : [...marks];
}

/** End of all charts, so that their minutes are aligned; a minute's bar reaches to the next. */
const lastMinute = Math.ceil(
  Math.max(
    1,
    ...charts.flatMap(({ kind, series, band }) =>
      [...series, ...(band === undefined ? [] : [band.low])].flatMap(({ marks }) =>
        drawn(kind, marks).map(({ x }) => (kind === "bars" ? x + 0.5 : x)),
      ),
    ),
  ),
);

/**
 * @param {import("./chart-spec.ts").ChartSpec} spec
 * @returns {import("chart.js").ChartConfiguration<"bar" | "line", import("./chart-spec.ts").Mark[]>}
 */
function configurationOf({ kind, unit, series, band }) {
  const [ink, faint, line] = [colour("--ink"), colour("--faint"), colour("--line")];
  const x = {
    type: /** @type {const} */ ("linear"),
    min: 0,
    max: lastMinute,
    title: { display: true, text: timeAxis, color: faint },
    ticks: { color: faint, precision: 0 },
    grid: { display: false },
    border: { color: line },
  };
  const y = {
    beginAtZero: true,
    title: { display: true, text: unit, color: faint },
    ticks: { color: faint, ...(unit === "Instances" ? { precision: 0 } : {}) },
    grid: { color: line },
    border: { display: false },
  };
  return {
    type: kind === "bars" ? "bar" : "line",
    data: {
      datasets: [
        ...series.map(({ label, marks }, index) => {
          const ownColour = colour(`--series-${index + 1}`);
          return {
            label,
            data: drawn(kind, marks),
            backgroundColor: ownColour,
            borderColor: ownColour,
            ...(kind === "bars"
              ? { grouped: false, order: -index, barPercentage: 1, categoryPercentage: 0.9, borderRadius: 2 }
              : { borderWidth: 2, pointRadius: kind === "steps" || marks.length > 40 ? 0 : 3, spanGaps: true }),
            ...(kind === "steps"
              ? { stepped: /** @type {const} */ ("before"), borderDash: index === 0 ? [] : [4, 4] }
              : {}),
          };
        }),
        ...(band === undefined ? [] : [band.low, band.high]).map(({ label, marks }, index) => ({
          label,
          data: drawn(kind, marks),
          borderColor: colour("--band"),
          backgroundColor: colour("--band"),
          borderWidth: 0,
          pointRadius: 0,
          spanGaps: true,
          // The second one fills the area to the first one.
          fill: index === 0 ? false : "-1",
          ...(kind === "steps" ? { stepped: /** @type {const} */ ("before") } : {}),
        })),
      ],
    },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "nearest", axis: "x", intersect: false },
      scales: { x: { ...x, offset: false }, y },
      plugins: {
        legend: {
          display: series.length > 1 || band !== undefined,
          align: "end",
          labels: { color: ink, boxWidth: 12, boxHeight: 12 },
        },
        tooltip: {
          callbacks: {
            title: ([item]) =>
              `Minute ${kind === "steps" ? (item?.parsed.x ?? 0).toFixed(1) : Math.floor(item?.parsed.x ?? 0)}`,
          },
        },
      },
    },
  };
}

function draw() {
  for (const spec of charts) {
    Chart.getChart(spec.id)?.destroy();
    new Chart(spec.id, configurationOf(spec));
  }
}

draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
