/** Finds out which state of an endpoint's queue an alarm tells of. */
import type { MetricAlarmArgs } from "@pulumi/aws/cloudwatch/metricAlarm.js";
import type { Typed } from "./resources.ts";
import { ifKnown } from "./unknown.ts";

type AlarmProps = Typed<MetricAlarmArgs>["props"];

/** A metric of an alarm, or of one of its queries. */
interface WatchedMetric {
  readonly namespace?: string | undefined;
  readonly metricName?: string | undefined;
  readonly dimensions?: Readonly<Record<string, string>> | undefined;
  /** Seconds. */
  readonly period?: number | undefined;
}

/** Checks for a metric of the queue, by the only dimension that SageMaker publishes it with, of the endpoint if both names are known. */
function isOfQueue(metric: WatchedMetric | undefined, metricName: string, endpoint: () => string | undefined): boolean {
  if (metric?.metricName !== metricName || metric.namespace !== "AWS/SageMaker") return false;
  if (Object.keys(metric.dimensions ?? {}).join() !== "EndpointName") return false;
  const names = ifKnown(() => ({ ofAlarm: metric.dimensions?.["EndpointName"], ofTarget: endpoint() }));
  return names === undefined || names.value.ofAlarm === names.value.ofTarget;
}

/**
 * The number of an expression: a metric, IF(metric, value, 0), IF(metric >= 1, value, 0), or IF((metric >= 1) AND (age < limit), value, 0).
 */
const ifWaiting =
  /^(?:IF\(\(?(?<condition>[a-z]\w*)(?:>=1|>0|==1)?\)?(?:AND\((?<age>[a-z]\w*)<(?<limit>\d+)\))?,(?<value>\w+),0\)|(?<only>[a-z]\w*))$/;

/**
 * Returns the metric whose value 1 makes an alarm's value at least 1, unless the oldest request has waited longer than the alarm evaluates:
 * the watched metric, or a metric in its expression. Other expressions are not evaluated.
 */
function waitingMetric(props: AlarmProps, endpoint: () => string | undefined): WatchedMetric | undefined {
  const { metricQueries = [] } = props;
  if (metricQueries.length === 0) return props;
  const byId = new Map(metricQueries.map((query) => [query.id, query]));
  const returned = metricQueries.find(({ returnData }) => returnData === true);
  if (returned?.expression === undefined) return returned?.metric;
  const {
    condition,
    value = "1",
    only,
    age,
    limit,
  } = ifWaiting.exec(returned.expression.replaceAll(/\s/g, ""))?.groups ?? {};
  const metric = byId.get(condition ?? only ?? "")?.metric;
  if (age !== undefined) {
    if (!isOfQueue(byId.get(age)?.metric, "ApproximateAgeOfOldestRequest", endpoint)) return undefined;
    // The age is that at the end of a period, and the last period may be the next one.
    if (Number(limit) < ((props.evaluationPeriods ?? 1) + 1) * (metric?.period ?? 60)) return undefined;
  }
  // Requests that wait are part of the backlog.
  const isAtLeastOne = Number(value) >= 1 || isOfQueue(byId.get(value)?.metric, "ApproximateBacklogSize", endpoint);
  return isAtLeastOne ? metric : undefined;
}

/** Checks if an alarm fires within some minutes if requests wait at an endpoint without an instance. */
export function tellsOfWaiting(
  { props }: Typed<MetricAlarmArgs>,
  endpoint: () => string | undefined,
  maxMinutes: number,
): boolean {
  const metric = waitingMetric(props, endpoint);
  if (props.actionsEnabled === false || !isOfQueue(metric, "HasBacklogWithoutCapacity", endpoint)) return false;
  const { comparisonOperator = "", threshold = 0, evaluationPeriods = 1 } = props;
  const at1 =
    comparisonOperator === "GreaterThanOrEqualToThreshold"
      ? threshold > 0 && threshold <= 1
      : threshold >= 0 && threshold < 1;
  const minutes = (evaluationPeriods * (metric?.period ?? 60)) / 60;
  return comparisonOperator.startsWith("GreaterThan") && at1 && minutes <= maxMinutes;
}

/** Checks if an alarm fires while nothing is queued or running at an endpoint. */
export function tellsOfEmptyBacklog({ props }: Typed<MetricAlarmArgs>, endpoint: () => string | undefined): boolean {
  // The average and the minimum of a minute with a video can be below 1.
  if (props.actionsEnabled === false || props.statistic !== "Maximum") return false;
  if (!isOfQueue(props, "ApproximateBacklogSize", endpoint)) return false;
  const { comparisonOperator, threshold = 0 } = props;
  return comparisonOperator === "LessThanThreshold"
    ? threshold > 0
    : comparisonOperator === "LessThanOrEqualToThreshold" && threshold >= 0;
}
