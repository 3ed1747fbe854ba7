/** For tests: reads a report page as a browser shows it. */
import type { Browser } from "puppeteer-core";

/** One chart, from the page's Chart.js object and its canvas. */
interface SeenChart {
  readonly id: string;
  readonly series: readonly {
    readonly label: string;
    readonly values: readonly (number | null)[];
    readonly firstX: number;
  }[];
  /** The axes' titles. */
  readonly axes: readonly string[];
  readonly colours: readonly string[];
  /** Number of pixels of the canvas in one of the series' colours. */
  readonly inkedPixels: number;
}

/** The page. */
export interface RenderedPage {
  readonly charts: readonly SeenChart[];
  /** The first table. */
  readonly rows: readonly (readonly string[])[];
  /** 0 black, 1 white. */
  readonly groundLuminance: number;
  /** Errors and warnings that the page reported. */
  readonly problems: readonly string[];
  /** URLs that it requested. */
  readonly requests: readonly string[];
}

/** Opens the page in one colour scheme, without a network. */
export async function readRenderedPage(
  browser: Browser,
  url: string,
  scheme: "dark" | "light",
  picture?: `${string}.png`,
): Promise<RenderedPage> {
  const page = await browser.newPage();
  try {
    const problems: string[] = [];
    const requests: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => problems.push(message.text()));
    page.on("request", (request) => requests.push(request.url()));
    await page.setOfflineMode(true);
    await page.setViewport({ width: 1100, height: 900 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.goto(url, { waitUntil: "load" });
    if (picture !== undefined) await page.screenshot({ path: picture, fullPage: true });
    // A string, because it runs in the page, and the project's types do not include the DOM.
    const seen = (await page.evaluate(look)) as Pick<RenderedPage, "charts" | "groundLuminance" | "rows">;
    return { ...seen, problems, requests };
  } finally {
    await page.close();
  }
}

const look = `(() => {
  const channels = (colour) => {
    const context = new OffscreenCanvas(1, 1).getContext("2d");
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const charts = [...document.querySelectorAll("canvas")].map((canvas) => {
    const chart = Chart.getChart(canvas);
    const colours = chart.data.datasets.map((dataset) => dataset.borderColor);
    const wanted = colours.map(channels);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let inkedPixels = 0;
    for (let at = 0; at < data.length; at += 4) {
      const isInk = wanted.some((colour) => colour.every((value, index) => Math.abs(value - data[at + index]) <= 3));
      if (isInk && data[at + 3] === 255) inkedPixels += 1;
    }
    return {
      id: canvas.id,
      series: chart.data.datasets.map(({ label, data: marks }) => ({ label, values: marks.map(({ y }) => y), firstX: marks[0].x })),
      axes: Object.values(chart.options.scales).map(({ title }) => (title.display ? title.text : "")),
      colours,
      inkedPixels,
    };
  });
  const rows = [...document.querySelector("table").rows].map((row) => [...row.cells].map((cell) => cell.textContent));
  const [red, green, blue] = channels(getComputedStyle(document.body).backgroundColor);
  return { charts, rows, groundLuminance: (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255 };
})()`;
