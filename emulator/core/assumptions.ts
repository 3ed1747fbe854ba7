/** What no source settles about AWS's asynchronous endpoints: each open question a switch, so that code can be tried against either answer. */

/** Lengths in milliseconds. */
export interface EndpointAssumptions {
  /**
   * ApproximateBacklogSizePerInstance while no instance is in service. The developer guide lets target tracking act from zero once
   * the backlog exceeds the target, which needs a value ("undivided": the backlog itself); a CDK construct calls it undefined
   * ("missing"). "undivided-while-backlog" agrees with both: nothing divided by nothing is missing. Where an idle endpoint
   * at zero publishes 0, target tracking's low alarm never leaves ALARM, and an instance woken for less than the target goes as soon as it is idle.
   * @default "undivided-while-backlog"
   */
  readonly backlogPerInstanceAtZero: "missing" | "undivided" | "undivided-while-backlog";
  /**
   * Whether the backlog's gauges are published while nothing is queued or in process. Scaling to zero by target tracking on
   * them, which the guide describes, needs it.
   * @default true
   */
  readonly gaugesWhileIdle: boolean;
  /** Whether ApproximateAgeOfOldestRequest looks at requests in process too. @default "queued" (the guide: "oldest request in the queue") */
  readonly oldestRequestAmong: "queued" | "queued-and-in-process";
  /**
   * The unit of TimeInBacklog. The developer guide's table ("Monitor asynchronous endpoint") says microseconds, next to a
   * TotalProcessingTime in milliseconds of which it is a part; no datapoint of AWS's was found.
   * @default "Milliseconds"
   */
  readonly timeInBacklogUnit: "Milliseconds" | "Microseconds";
  /**
   * The name of the metric that counts requests that were processed. The developer guide's table ("Monitor asynchronous endpoint")
   * spells it with three s; AWS's blog post about the same metrics with two.
   * @default "InvocationsProcessed"
   */
  readonly processedMetricName: "InvocationsProcessed" | "InvocationsProcesssed";
  /** Whether a starting instance already ends HasBacklogWithoutCapacity. @default false */
  readonly startingCountsAsCapacity: boolean;
  /**
   * What becomes of a request whose instance is taken away (or dies) before it is done.
   * Requeued at the head of the queue, it may run twice. @default "requeue"
   */
  readonly interrupted: "requeue" | "fail";
  /** How often one request is queued again after an interruption before it fails: it may be what ends its instances. @default 3 */
  readonly repeatsAfterInterruption: number;
  /** How often a request is run again after a 5xx answer of the model. @default 0 */
  readonly retriesAfterServerError: number;
  /** How often a request is run again after its invocation time-out. @default 0 */
  readonly retriesAfterTimeout: number;
  /** What becomes of the requests of an endpoint that is deleted: forgotten without a word, or failed. @default "drop" */
  readonly atDeletion: "drop" | "fail";
  /** From SIGTERM to SIGKILL when an instance is taken away (developer guide, "Use your own inference code"). @default 30 s */
  readonly stopGrace: number;
  /** How often the start of one instance is tried before a scale-out is given up; a first fleet and an update are not retried. @default 3 */
  readonly launchAttempts: number;
  /** Pause before the second attempt to start an instance; doubled before each further one. @default 30 s */
  readonly launchBackoff: number;
}

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
