/** A burst's report: one HTML page with its figures and its charts. */
import { renderPage } from "../../../lib/report-page/page.ts";
import { chartsOf, timeAxisOf } from "./charts.ts";
import { rowsOf } from "./figures.ts";
import type { BurstFigures } from "./figures.ts";
import type { EndpointMetrics } from "./metrics.ts";
import type { BurstRun } from "./run.ts";
import { describeEnvironment } from "../../src/environment.ts";
import { plural } from "../../src/format.ts";

/** Content of the page. */
export interface BurstReport {
  readonly run: BurstRun;
  readonly figures: BurstFigures;
  readonly metrics: EndpointMetrics;
  /** Notes on the limits of the figures. */
  readonly notes: readonly string[];
}

/** Renders the page's HTML. */
export async function renderReport({ run, figures, metrics, notes }: BurstReport): Promise<string> {
  const ended = new Date(run.startedAt.getTime() + figures.elapsedSeconds * 1000);
  const environment = describeEnvironment(run.environment, run.devices);
  return await renderPage({
    title: `Burst of ${plural(figures.invocations, "video")}${run.environment === "emulator" ? " on the AWS emulator" : ""}`,
    subject: run.endpointName,
    introduction: `Endpoint ${run.endpointName}, ${environment}; ${momentOf(run.startedAt)} to ${momentOf(ended)} (stack clock). Jobs are named ${run.name}-….`,
    notes,
    rows: rowsOf(figures),
    timeAxis: timeAxisOf(run),
    charts: chartsOf(run, metrics),
  });
}

function momentOf(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
