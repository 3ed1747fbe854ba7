/** Describes the state behind a wait beyond its limit: the endpoint, its alarms, the scaling activities, the log. */
import {
  ApplicationAutoScalingClient,
  DescribeScalingActivitiesCommand,
} from "@aws-sdk/client-application-auto-scaling";
import { paginateDescribeAlarms } from "@aws-sdk/client-cloudwatch";
import type { MetricAlarm } from "@aws-sdk/client-cloudwatch";
import { DescribeEndpointCommand } from "@aws-sdk/client-sagemaker";
import { closing } from "../lib/closing.ts";
import { explain, plural } from "../client/src/index.ts";
import type { Stack } from "../client/src/index.ts";
import { printable } from "../lib/printable.ts";
import { logTail } from "./log-tail.ts";

/** A wait took longer than its limit; the message shows the state of the endpoint. */
export class TooLongError extends Error {
  override readonly name = "TooLongError";
}

/** Describes what was awaited, for how long, and the state of everything that the wait depends on. */
export async function tooLong(stack: Stack, awaited: string, limitSeconds: number): Promise<TooLongError> {
  const lines = [
    `${awaited} did not come within ${plural(limitSeconds / 60, "minute")}. What it depends on:`,
    ...(await section(() => endpointLines(stack))),
    ...(await section(() => alarmLines(stack))),
    ...(await section(() => activityLines(stack))),
    ...(await logTail(stack)),
  ];
  return new TooLongError(lines.join("\n      "));
}

/** Reads one part; a part that cannot be read must not hide the others. */
async function section(read: () => Promise<string[]>): Promise<string[]> {
  try {
    return (await read()).map(printable);
  } catch (error) {
    return [printable(`not readable: ${explain(error)}`)];
  }
}

async function endpointLines(stack: Stack): Promise<string[]> {
  const endpoint = await stack.sagemaker.send(
    new DescribeEndpointCommand({ EndpointName: stack.outputs.endpointName }),
  );
  const variants = endpoint.ProductionVariants?.map(
    ({ CurrentInstanceCount, DesiredInstanceCount }) =>
      `${CurrentInstanceCount === undefined ? "? instances" : plural(CurrentInstanceCount, "instance")}, ${DesiredInstanceCount ?? "?"} wanted`,
  );
  const reason = endpoint.FailureReason === undefined ? "" : `: ${endpoint.FailureReason}`;
  return [`endpoint: ${endpoint.EndpointStatus ?? "?"}${reason}, ${variants?.join("; ") ?? "no variant"}`];
}

async function alarmLines(stack: Stack): Promise<string[]> {
  const lines: string[] = [];
  for await (const { MetricAlarms = [] } of paginateDescribeAlarms({ client: stack.cloudwatch }, {})) {
    for (const alarm of MetricAlarms) {
      if (!isOnEndpoint(alarm, stack.outputs.endpointName)) continue;
      const kind = runsOnlyPolicies(alarm) ? "scaling alarm (ALARM is a normal state)" : "alarm";
      lines.push(`${kind} ${alarm.AlarmName ?? "?"}: ${alarm.StateValue ?? "?"}, ${alarm.StateReason ?? "no reason"}`);
    }
  }
  // First those that tell of a problem.
  lines.sort((left, right) => Number(left.startsWith("scaling")) - Number(right.startsWith("scaling")));
  return lines.length === 0 ? ["alarms: none on this endpoint's metrics, so nothing can scale it"] : lines;
}

/** An alarm that only runs scaling policies, such as the one on an idle endpoint, tells of no problem. */
function runsOnlyPolicies({ AlarmActions: actions = [] }: MetricAlarm): boolean {
  return actions.length > 0 && actions.every((action) => /^arn:[^:]*:autoscaling:/.test(action));
}

function isOnEndpoint(alarm: MetricAlarm, endpointName: string): boolean {
  const dimensions = [
    alarm.Dimensions,
    ...(alarm.Metrics ?? []).map(({ MetricStat }) => MetricStat?.Metric?.Dimensions),
  ];
  return dimensions
    .flatMap((each) => each ?? [])
    .some(({ Name, Value }) => Name === "EndpointName" && Value === endpointName);
}

async function activityLines(stack: Stack): Promise<string[]> {
  const { endpointName, variantName } = stack.outputs;
  using client = closing(new ApplicationAutoScalingClient(stack.clientConfig));
  const { ScalingActivities = [] } = await client.send(
    new DescribeScalingActivitiesCommand({
      ServiceNamespace: "sagemaker",
      ResourceId: `endpoint/${endpointName}/variant/${variantName}`,
      MaxResults: 5,
    }),
  );
  if (ScalingActivities.length === 0) return ["scaling activities: none"];
  return ScalingActivities.map(
    ({ StartTime, StatusCode, Description, StatusMessage }) =>
      `scaling activity ${StartTime?.toISOString() ?? "?"}: ${StatusCode ?? "?"}, ${StatusMessage ?? Description ?? ""}`,
  );
}
