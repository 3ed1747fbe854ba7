/**
 * Open questions about AWS's asynchronous endpoints: each is an assumption with a default and a source, so that code
 * can be tested with every answer.
 */

/** Durations in milliseconds. */
export interface EndpointAssumptions {
  /**
   * ApproximateBacklogSizePerInstance while no instance is in service. The developer guide lets target tracking act
   * from zero once the backlog exceeds the target, which needs a value ("undivided": the backlog itself); a CDK
   * construct calls it undefined ("missing"). "undivided-while-backlog" agrees with both: zero divided by zero is
   * missing. If an idle endpoint at zero published 0, target tracking's low alarm would never leave ALARM, and an
   * instance started for less than the target would stop as soon as it is idle.
   * @default "undivided-while-backlog"
   */
  readonly backlogPerInstanceAtZero: "missing" | "undivided" | "undivided-while-backlog";
  /**
   * True if the gauges of the backlog are published while nothing is queued or in process. Scaling to zero by target
   * tracking on them, which the guide describes, requires it.
   * @default true
   */
  readonly gaugesWhileIdle: boolean;
  /**
   * Requests that ApproximateAgeOfOldestRequest covers. @default "queued" (the guide: "oldest request in the queue")
   */
  readonly oldestRequestAmong: "queued" | "queued-and-in-process";
  /**
   * Unit of TimeInBacklog. The developer guide's table ("Monitor asynchronous endpoint") has microseconds, next to a
   * TotalProcessingTime in milliseconds that includes it; no datapoint from AWS was found.
   * @default "Milliseconds"
   */
  readonly timeInBacklogUnit: "Milliseconds" | "Microseconds";
  /**
   * Name of the metric that counts processed requests. The developer guide's table ("Monitor asynchronous endpoint")
   * spells it with three s; AWS's blog post about the same metrics with two.
   * @default "InvocationsProcessed"
   */
  readonly processedMetricName: "InvocationsProcessed" | "InvocationsProcesssed";
  /** True if a starting instance already ends HasBacklogWithoutCapacity. @default false */
  readonly startingCountsAsCapacity: boolean;
  /**
   * Outcome of a request whose instance stops (or dies) before the request is done. If it is requeued at the head of
   * the queue, it may run twice. @default "requeue"
   */
  readonly interrupted: "requeue" | "fail";
  /**
   * Number of times that a request is requeued after an interruption before it fails: the request may be the cause.
   * @default 3
   */
  readonly repeatsAfterInterruption: number;
  /** Number of times that a request is repeated after a 5xx answer of the model. @default 0 */
  readonly retriesAfterServerError: number;
  /** Number of times that a request is repeated after its invocation time-out. @default 0 */
  readonly retriesAfterTimeout: number;
  /** Outcome of the requests of a deleted endpoint: dropped silently, or failed. @default "drop" */
  readonly atDeletion: "drop" | "fail";
  /**
   * Time from SIGTERM to SIGKILL when an instance stops (developer guide, "Use your own inference code"). @default 30 s
   */
  readonly stopGrace: number;
  /**
   * Number of attempts to start one instance before a scale-out is given up; a first fleet and an update are not
   * retried. @default 3
   */
  readonly launchAttempts: number;
  /** Pause before the second attempt to start an instance; doubled before each further one. @default 30 s */
  readonly launchBackoff: number;
}

/** Default of each assumption about endpoints. */
export const defaultEndpointAssumptions: EndpointAssumptions = {
  backlogPerInstanceAtZero: "undivided-while-backlog",
  gaugesWhileIdle: true,
  oldestRequestAmong: "queued",
  timeInBacklogUnit: "Milliseconds",
  processedMetricName: "InvocationsProcessed",
  startingCountsAsCapacity: false,
  interrupted: "requeue",
  repeatsAfterInterruption: 3,
  retriesAfterServerError: 0,
  retriesAfterTimeout: 0,
  atDeletion: "drop",
  stopGrace: 30_000,
  launchAttempts: 3,
  launchBackoff: 30_000,
};
