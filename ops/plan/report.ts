/** The report of a plan: one HTML page with its figures and its charts. */
import { renderPage } from "../../lib/report-page/page.ts";
import { planCharts } from "../../planner/charts.ts";
import type { PlanResult } from "../../planner/plan.ts";
import { timelineOf } from "../../planner/timeline.ts";
import type { TimelineMinute } from "../../planner/timeline.ts";
import type { PlanInput, PlanOptions } from "./options.ts";
import { planRows } from "./text.ts";

/** Number of simulations whose range the charts show. */
const simulations = 5;

/** Renders the page. The charts show the plan's own simulation, and others with the next seeds. */
export async function renderPlan(
  { settings, loadOf, simulation }: PlanInput,
  result: PlanResult,
  { seed, stack, scenario }: Pick<PlanOptions, "scenario" | "seed" | "stack">,
): Promise<string> {
  const timelines: (readonly TimelineMinute[])[] = [];
  for (let index = 0; index < simulations; index += 1) {
    const phase = ((simulation.phase ?? 0) + (index * 60_000) / simulations) % 60_000;
    timelines.push(await timelineOf(settings, loadOf(seed + index), { ...simulation, phase }));
  }
  const { maxCapacity, instanceType, maxConcurrency, scaleIn, backlogTarget, startMinutes, price } = settings;
  const place = stack === undefined ? "the default settings" : `the settings of the stack ${stack}`;
  return await renderPage({
    title: `Plan for ${result.requests} ${result.requests === 1 ? "video" : "videos"}`,
    subject: scenario ?? stack ?? "default settings",
    introduction:
      `With ${place}${scenario === undefined ? "" : ` and of the scenario ${scenario}`}: up to ${maxCapacity} ${instanceType} at ${price} USD an hour, ` +
      `${maxConcurrency} at a time on each, started in ${Number(startMinutes.toFixed(2))} minutes; scaleIn ${scaleIn}, backlogTarget ${backlogTarget}.`,
    notes: [
      "This is a simulation of the stack's scaling in virtual time. Nothing was measured on AWS.",
      `The figures are of the seed ${seed}. The charts show ${simulations} simulations: the seeds ${seed} to ${seed + simulations - 1}, ` +
        `each ${60 / simulations} s later within the minute in which SageMaker publishes its metrics.`,
    ],
    rows: planRows(result),
    timeAxis: "Minutes since the start of the load",
    charts: planCharts(timelines),
  });
}
