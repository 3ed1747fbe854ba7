/** The dashboard: the charts of the blog post for a burst, and an operator's starting point. */
import { hostNamespace, queueMetric, requestMetric, variantDimensions } from "./endpoint-metrics.ts";

/** Options for the dashboard. */
export interface DashboardScope {
  /** Name of the endpoint. */
  readonly endpointName: string;
  /** Name of the endpoint's only variant. */
  readonly variantName: string;
  /** Region of the metrics. */
  readonly region: string;
  /** Maximum number of instances, drawn as a line above the number of instances. */
  readonly maxCapacity: number;
  /** ARNs of the alarms whose states are shown. */
  readonly alarmArns: readonly string[];
  /** ARNs of the alarms that run scaling policies. An idle endpoint has some in ALARM. */
  readonly scalingAlarmArns: readonly string[];
}

/** Options for one line of a chart. */
interface Line {
  readonly stat: "Average" | "Maximum" | "SampleCount" | "Sum" | "p90";
  readonly label: string;
}

type Metric = readonly [namespace: string, name: string, ...dimensionsAndLine: (string | Line)[]];

interface Chart {
  readonly title: string;
  readonly metrics: readonly Metric[];
  /**
   * Unit of the values.
   * @default the unit that each datapoint has, as CloudWatch shows it
   */
  readonly unit?: string;
}

/** CloudWatch's grid is 24 columns wide: three charts per row. */
const width = 8;
const height = 6;
const alarmsHeight = 2;

/** Returns the body of the dashboard in CloudWatch's format (user guide, "Dashboard body structure and syntax"). */
export function dashboardBody(scope: DashboardScope): string {
  const { region, maxCapacity } = scope;
  const ofQueue = (name: Parameters<typeof queueMetric>[0], line: Line): Metric => {
    const { namespace, metricName, dimensions } = queueMetric(name, scope);
    return [namespace, metricName, ...Object.entries(dimensions).flat(), line];
  };
  const ofRequests = (name: Parameters<typeof requestMetric>[0], line: Line): Metric => {
    const { namespace, metricName, dimensions } = requestMetric(name, scope);
    return [namespace, metricName, ...Object.entries(dimensions).flat(), line];
  };
  const ofInstances: Metric = [
    hostNamespace,
    "CPUUtilization",
    ...Object.entries(variantDimensions(scope)).flat(),
    { stat: "SampleCount", label: "in service" },
  ];

  const charts: Chart[] = [
    {
      title: "Backlog",
      unit: "requests",
      metrics: [ofQueue("ApproximateBacklogSize", { stat: "Maximum", label: "queued and in process" })],
    },
    {
      title: "Backlog per instance",
      unit: "requests",
      metrics: [ofQueue("ApproximateBacklogSizePerInstance", { stat: "Average", label: "per instance" })],
    },
    {
      title: `Instances (at most ${maxCapacity})`,
      unit: "instances",
      // SageMaker publishes no number of instances. Each instance sends one sample of its metrics a minute.
      metrics: [ofInstances],
    },
    {
      title: "Videos per minute",
      unit: "videos",
      metrics: [
        ofRequests("InvocationsProcessed", { stat: "Sum", label: "processed" }),
        // The developer guide ("Monitor asynchronous endpoint") spells it so; only one of the two has data.
        ofRequests("InvocationsProcesssed", { stat: "Sum", label: "processed" }),
        ofRequests("InvocationFailures", { stat: "Sum", label: "failed" }),
        ofRequests("ExpiredRequests", { stat: "Sum", label: "expired" }),
      ],
    },
    {
      title: "Model latency",
      unit: "microseconds",
      metrics: [
        ofRequests("ModelLatency", { stat: "Average", label: "average" }),
        ofRequests("ModelLatency", { stat: "p90", label: "slowest tenth" }),
      ],
    },
    {
      title: "Time in backlog",
      // The developer guide says microseconds, other sources say milliseconds. No unit is set, so the datapoints' unit applies.
      metrics: [
        ofRequests("TimeInBacklog", { stat: "Average", label: "average" }),
        ofRequests("TimeInBacklog", { stat: "Maximum", label: "longest" }),
      ],
    },
    {
      title: "Total processing time",
      metrics: [
        ofRequests("TotalProcessingTime", { stat: "Average", label: "average" }),
        ofRequests("TotalProcessingTime", { stat: "Maximum", label: "longest" }),
      ],
    },
    {
      title: "Oldest request",
      unit: "seconds",
      metrics: [ofQueue("ApproximateAgeOfOldestRequest", { stat: "Maximum", label: "age" })],
    },
    {
      title: "Waiting with no instance",
      unit: "1: yes",
      metrics: [ofQueue("HasBacklogWithoutCapacity", { stat: "Average", label: "waiting" })],
    },
  ];

  const alarmLists = [
    { title: "Alarms", alarms: scope.alarmArns },
    { title: "Scaling (ALARM is a normal state)", alarms: scope.scalingAlarmArns },
  ].filter(({ alarms }) => alarms.length > 0);

  return JSON.stringify({
    widgets: [
      ...alarmLists.map((properties, index) => ({
        type: "alarm",
        x: 0,
        y: index * alarmsHeight,
        width: 3 * width,
        height: alarmsHeight,
        properties,
      })),
      ...charts.map(({ title, metrics, unit }, index) => ({
        type: "metric",
        x: (index % 3) * width,
        y: alarmLists.length * alarmsHeight + Math.floor(index / 3) * height,
        width,
        height,
        properties: {
          title,
          region,
          period: 60,
          metrics,
          yAxis: { left: { min: 0, ...(unit === undefined ? {} : { label: unit, showUnits: false }) } },
        },
      })),
    ],
  });
}
