/**
 * Open questions about AWS's asynchronous endpoints, alarms and scaling: each is an assumption with a default and a
 * source, so that code can be tested with every answer.
 */

/** Open questions about endpoints. Durations in milliseconds. */
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
  /**
   * Instances that serve after a scale-out of which some did not start: those that did, or none of the added ones. The
   * API reference (UpdateEndpointWeightsAndCapacities) has the status UpdateRollbackFailed, so a failed change may be
   * rolled back completely; no source says so. @default "some"
   */
  readonly partialCapacity: "some" | "none";
  /**
   * Form of a failure object if the model has not answered (its input is missing, it timed out): JSON with the reason in
   * `failureReason`, as in notifications, or the reason as plain text. An answer of the model is the object as it is.
   * The developer guide and the API reference (InvokeEndpointAsync, FailureLocation) do not say. The SageMaker SDK decodes the
   * object like a result (`predictor_async.py`), which fails for text with its JSON decoder.
   * @default "json"
   */
  readonly failureBody: "json" | "text";
}

/** Open questions about CloudWatch's alarms. */
export interface AlarmAssumptions {
  /**
   * Age of the newest datapoint that an alarm sees, ms: alarms evaluate the periods that ended so long ago. AWS states
   * no time for SageMaker's metrics; the user guide ("Evaluating an alarm") only says that alarms read further periods
   * because datapoints may come late. 0, one minute and three minutes are tested.
   * @default 60 s
   */
  readonly metricDelay: number;
}

/** Open questions about Application Auto Scaling. */
export interface ScalingAssumptions {
  /**
   * Scale-in of target tracking: the user guide says "more gradually" than it scales out, which matches one instance at
   * a time; a public trace of an endpoint took 25 minutes to zero. "proportional" scales to the wanted number at once.
   * @default "one-at-a-time"
   */
  readonly trackingScaleIn: "one-at-a-time" | "proportional";
  /**
   * Bound of a step that includes a value equal to it. The API reference (StepAdjustment) decides by the value: the
   * lower bound if the value is above the alarm's threshold, else the upper bound. Both of its examples, 50 to 60 and
   * 40 to 50 for the threshold 50, include the threshold, and no source says to which a value of 50 belongs. "by-value":
   * to the step above; "by-alarm": to the step above for alarms that fire above their threshold, else to the step below.
   * @default "by-value"
   */
  readonly stepEquality: "by-value" | "by-alarm";
  /**
   * Value that a step policy gets from an alarm on metric math: the result of the expression, or only that the alarm's
   * threshold is breached, as if the value were equal to it. The user guides document neither. @default "value"
   */
  readonly metricMathValue: "value" | "breach-only";
  /**
   * True if the instances that a scale-out has added count in its cooldown also after a scale-in has stopped them, so
   * that the next scale-out adds fewer. The API reference (StepScalingPolicyConfiguration) does not say. @default false
   */
  readonly stoppedCountInCooldown: boolean;
}

/** All open questions. */
export interface Assumptions extends EndpointAssumptions, AlarmAssumptions, ScalingAssumptions {}

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
  partialCapacity: "some",
  failureBody: "json",
};

/** Default of each assumption about alarms. */
export const defaultAlarmAssumptions: AlarmAssumptions = { metricDelay: 60_000 };

/** Default of each assumption about scaling. */
export const defaultScalingAssumptions: ScalingAssumptions = {
  trackingScaleIn: "one-at-a-time",
  stepEquality: "by-value",
  metricMathValue: "value",
  stoppedCountInCooldown: false,
};
