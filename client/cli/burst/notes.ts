/** Notes that explain the limits of a burst's figures. */
import { describeEnvironment } from "../../src/environment.ts";
import { plural } from "../../src/format.ts";
import { counted } from "./metrics-wait.ts";
import type { EndpointMetrics } from "./metrics.ts";
import type { BurstRun } from "./run.ts";

/** Returns one or two sentences for each limitation of the figures; none if there is no limitation. */
export function notesOf(run: BurstRun, metrics: EndpointMetrics, firstFailure?: string): readonly string[] {
  const { accepted, completed, failed, expired, instances } = run;
  const notes: string[] = [];
  if (run.environment === "emulator") {
    notes.push(
      `These figures are of the ${describeEnvironment(run.environment, run.devices)}. They do not show how fast a GPU on AWS is. Times are on the stack clock.`,
    );
  }
  const ended = completed + failed;
  const measured = counted(metrics);
  if (measured < completed) {
    notes.push(
      `CloudWatch counted ${measured} of ${completed} completed requests: times and throughput do not include the others.`,
    );
  }
  if (measured > ended) {
    notes.push(
      `CloudWatch counted ${plural(measured, "request")} in this time, and this burst had ${ended}: the endpoint had other work, or ran some twice. Times and throughput are of all of them.`,
    );
  }
  if (accepted > ended + expired) {
    notes.push(`${plural(accepted - ended - expired, "job")} had not ended when the watch ended.`);
  }
  if (expired > 0) {
    notes.push(`${plural(expired, "job")} presumed expired: neither result nor failure came in their time.`);
  }
  if (firstFailure !== undefined) notes.push(`The first failure: ${firstFailure}`);
  if ((instances[0]?.current ?? 0) > 0) {
    notes.push(
      `The burst did not begin at zero: ${plural(instances[0]?.current ?? 0, "instance")} had been running before.`,
    );
  }
  return notes;
}
