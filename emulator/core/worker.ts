/**
 * Interface of an endpoint's instance to the state machine: start, process one request, stop. It is a server process in
 * the emulator and a latency model in tests.
 */

/** One asynchronous invocation in the queue; the state machine reads only its times. */
export interface InvocationRequest {
  readonly inferenceId: string;
  /** Moment of acceptance, ms since the epoch. */
  readonly receivedAt: number;
  /** Maximum time in the queue, ms (RequestTTLSeconds x 1000). */
  readonly ttl: number;
  /** Time limit of one run, ms (InvocationTimeoutSeconds x 1000). */
  readonly timeout: number;
}

/** Durations of the steps of one run, ms; a step that was not reached is absent. */
export interface RunTimings {
  readonly download?: number;
  readonly model?: number;
  readonly upload?: number;
}

/** A run with a result. */
export interface CompletedRun {
  readonly status: "completed";
  readonly timings: RunTimings;
}

/** A run without a result. */
export interface FailedRun {
  readonly status: "failed";
  /** One sentence, which the failure object and the notification show. */
  readonly reason: string;
  /** The model's HTTP status, if it answered. */
  readonly modelStatus?: number;
  /** Step in which the run failed; counted as RequestDownloadFailures or ResponseUploadFailures. @default "model" */
  readonly stage?: keyof RunTimings;
  readonly timings: RunTimings;
}

/** Outcome of a run. */
export type RunOutcome = CompletedRun | FailedRun;

/**
 * Use of an instance's resources, percent; absent what is not measured. Source: developer guide, "Amazon SageMaker AI
 * metrics in Amazon CloudWatch", metrics of endpoint instances.
 */
export interface InstanceUsage {
  /** Sum over all cores: up to 400 with four. */
  readonly cpu?: number;
  readonly memory?: number;
  readonly disk?: number;
  /** Sum over all GPUs: up to 400 with four. */
  readonly gpu?: number;
  /** Sum over all GPUs: up to 400 with four. */
  readonly gpuMemory?: number;
}

/** One running instance. */
export interface Instance<Request extends InvocationRequest> {
  /**
   * Processes one request. If it is aborted (time-out, or the instance stops), it resolves soon and the outcome is
   * ignored. It never rejects for faults of the request or the model: those are outcomes.
   */
  run(request: Request, signal: AbortSignal): Promise<RunOutcome>;
  /**
   * Resolves, with the reason in one line, when the instance has ended. Unless it was stopped, its runs are aborted and
   * a new instance replaces it. Absent: it never ends before it is stopped.
   */
  readonly lost?: Promise<string>;
  /** Measures the use of its resources; the processors' since the previous call. @default not measured */
  usage?(): InstanceUsage;
  /** Ends the instance and everything that belongs to it; resolves when it is gone completely. */
  stop(): Promise<void>;
}

/** Starts instances; one per fleet (endpoint configuration). */
export interface InstanceLauncher<Request extends InvocationRequest> {
  /**
   * Resolves when the instance accepts requests. Rejects, with nothing left behind, if it cannot start or `signal`
   * aborts.
   * @param onContainerStart to be called when the container starts: from then on the fleet's start-up timeout runs
   */
  launch(instanceId: string, signal: AbortSignal, onContainerStart?: () => void): Promise<Instance<Request>>;
}
