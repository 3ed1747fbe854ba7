/** Formats the report of `npm start` as text and as JSON. */
import { relative } from "node:path";
import { jsonLine, printable } from "../../lib/printable.ts";
import type { LocalStack } from "../local/local-stack.ts";
import type { Annotation, WeightsName } from "./model.ts";
import type { VideoRun } from "./one-video.ts";

/** Measurements of one run of `npm start`. Seconds are of real time unless stated otherwise. */
export interface Report {
  readonly video: string;
  readonly weights: WeightsName;
  readonly run: VideoRun;
  readonly drawn: Annotation;
  readonly stack: Pick<LocalStack, "resources" | "policies" | "deploySeconds">;
  /** Instances after the endpoint has scaled back. */
  readonly instancesAfter: number;
  readonly setupSeconds: number;
  /** Seconds from the command to the annotated result, without the setup. */
  readonly resultSeconds: number;
  readonly totalSeconds: number;
}

function round(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Math.round(seconds * 10) / 10;
}

/**
 * Formats one JSON object on one line. `from_zero`, `backlog` and `model` are seconds on the stack's clock; null if CloudWatch
 * had no datapoint.
 */
export function jsonSummary(report: Report): string {
  const { run, stack } = report;
  return `${jsonLine({
    video: report.video,
    weights: report.weights,
    frames: run.summary.frames,
    detections: run.summary.detections,
    objects: run.summary.objects,
    notice: run.summary.notice,
    instances_peak: run.instancesPeak,
    instances_after: report.instancesAfter,
    resources: stack.resources,
    policies: stack.policies,
    files: { result: run.result, ...report.drawn },
    seconds: {
      setup: round(report.setupSeconds),
      deploy: round(stack.deploySeconds),
      from_zero: round(run.fromZeroSeconds),
      backlog: round(run.backlogSeconds),
      model: round(run.modelSeconds),
      result: round(report.resultSeconds),
      total: round(report.totalSeconds),
    },
  })}\n`;
}

/** Formats the detections, as soon as there is a result. `video` is shown unchanged. */
export function foundText({ video, weights, run }: Pick<Report, "video" | "weights" | "run">): string {
  const { frames, truncated, objects, notice } = run.summary;
  const counts = Object.entries(objects).map(([label, count]) => `${count} ${label}`);
  const rows = table([
    ["video", video],
    ["weights", weights],
    ["frames", `${frames}, one a second${truncated ? " (the result ends before the video does)" : ""}`],
    ["detections", counts.length === 0 ? "none" : counts.join(", ")],
    ["result", relative(process.cwd(), run.result)],
  ]);
  return `\n${rows}${notice === null ? "" : `\n${printable(notice)}\n`}\n`;
}

/** Formats the paths of the annotated video, as soon as it is drawn. */
export function filesText({ movie, animation }: Annotation): string {
  const rows = table([
    ["annotated", relative(process.cwd(), movie)],
    ["animation", relative(process.cwd(), animation)],
  ]);
  return `${rows}\n`;
}

/** Formats the stack and all durations, at the end. */
export function figuresText({ run, stack, ...report }: Report): string {
  const clock = (seconds: number | undefined) =>
    seconds === undefined ? "no datapoint" : `${seconds.toFixed(1)} s on the stack's clock`;
  return table([
    [
      "stack",
      `${stack.resources} resources, passed ${stack.policies} policies, deployed in ${stack.deploySeconds.toFixed(1)} s`,
    ],
    ["instances", `0 → ${run.instancesPeak} → ${report.instancesAfter}`],
    ["from zero", clock(run.fromZeroSeconds)],
    ["in backlog", clock(run.backlogSeconds)],
    ["in the model", clock(run.modelSeconds)],
    ["to the result", `${report.resultSeconds.toFixed(1)} s`],
    ["in all", `${report.totalSeconds.toFixed(1)} s, setup ${report.setupSeconds.toFixed(1)} s of it`],
  ]);
}

function table(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, value]) => `${name.padEnd(14)}${printable(value)}\n`).join("");
}
