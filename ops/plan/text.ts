/** The text of plans for a terminal. */
import type { Row } from "../../lib/report-page/page.ts";
import type { MeasuredResult } from "../../planner/burst.ts";
import type { PlanResult } from "../../planner/plan.ts";
import type { Evaluated } from "../../planner/search.ts";

function seconds(value: number): string {
  if (value < 120) return `${value.toFixed(0)} s`;
  return value < 7_200 ? `${(value / 60).toFixed(1)} min` : `${(value / 3_600).toFixed(1)} h`;
}

/** Formats the result of a plan as rows. */
export function planRows(result: PlanResult): readonly Row[] {
  const { wait_seconds: wait } = result;
  const rows = [
    ["videos", `${result.requests}, ${result.throughput_per_minute.toFixed(1)} a minute`],
    ["done after", seconds(60 * result.drain_minutes)],
    ["in the queue", `${seconds(wait.p50)} (median), ${seconds(wait.p95)} (95 %), ${seconds(wait.max)} (maximum)`],
    ["runs", `${result.runs}, ${result.interrupted_expected} of them interrupted`],
    ["expired", String(result.expired)],
    ["instances", `up to ${result.instances_peak}, ${result.instances_end} at the end`],
    ["instance-hours", `${result.instance_hours.toFixed(2)}, ${(100 * result.utilisation).toFixed(0)} % used`],
    ["cost", `${result.usd.toFixed(2)} USD, ${result.usd_per_video.toFixed(4)} USD a video`],
    ["always on", `${result.usd_always_on.toFixed(2)} USD for the maximum number of instances until the last video`],
  ] as const;
  return rows.map(([label, value]) => ({ label, value }));
}

/** Formats the result of a plan as a table. */
export function planText(result: PlanResult): string {
  const rows = planRows(result);
  const width = Math.max(...rows.map(({ label }) => label.length));
  return rows.map(({ label, value }) => `${label.padEnd(width)}  ${value}\n`).join("");
}

/** Formats a plan next to the burst that it describes. */
export function measuredText(planned: PlanResult, measured: MeasuredResult): string {
  const { wait_seconds: wait, total_seconds: total } = measured;
  const rows = [
    ["", "planned", "measured"],
    ["done after", seconds(60 * planned.drain_minutes), seconds(60 * measured.drain_minutes)],
    ...(["p50", "p95", "max"] as const).flatMap((key) => [
      [`in the queue (${percentileNames[key]})`, seconds(planned.wait_seconds[key]), seconds(wait[key])],
      [`until the result (${percentileNames[key]})`, seconds(planned.total_seconds[key]), seconds(total[key])],
    ]),
    ["instance-hours", planned.instance_hours.toFixed(2), measured.instance_hours?.toFixed(2) ?? "not measured"],
  ];
  return `\n${rows.map(([label = "", ...cells]) => `${label.padEnd(28)}${cells.map((cell) => cell.padStart(14)).join("")}\n`).join("")}`;
}

const percentileNames = { p50: "median", p95: "95 %", max: "maximum" };

/** Formats a comparison of settings, with the recommended one. */
export function comparisonText(evaluated: readonly Evaluated[], recommended: Evaluated | undefined): string {
  const header = ["instances", "scaleIn", "done after", "waits (95 %)", "interrupted", "USD"];
  const rows = evaluated.map(({ candidate, result }) => [
    String(candidate.maxCapacity),
    candidate.scaleIn,
    seconds(60 * result.drain_minutes),
    seconds(result.wait_seconds.p95),
    String(result.interrupted_expected),
    result.usd.toFixed(2),
  ]);
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => {
    return `${cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  ")}\n`;
  };
  return `${[header, ...rows].map(line).join("")}${recommended === undefined ? "" : `\n${recommendation(recommended)}`}`;
}

function recommendation({ candidate, result }: Evaluated): string {
  const { maxCapacity, scaleIn } = candidate;
  const interrupted =
    result.interrupted_expected === 0 ? "" : `, but interrupts ${result.interrupted_expected} runs, which start again`;
  return `With up to ${maxCapacity} instances, scaleIn ${scaleIn} is the cheapest: ${result.usd.toFixed(2)} USD${interrupted}.\n`;
}

/** Formats the settings that a search has found. */
export function foundText({ candidate, result }: Evaluated): string {
  const { maxCapacity, backlogTarget, scaleIn } = candidate;
  const settings = `maxCapacity ${maxCapacity}, backlogTarget ${backlogTarget}, scaleIn ${scaleIn}`;
  return `${"settings".padEnd(14)}  ${settings}\n${planText(result)}`;
}
