/** What an endpoint's instance does for the machine: start, work on one request, stop. A container locally, a latency model in the planner. */

/** One asynchronous invocation as the queue holds it; the machine itself reads only the times. */
export interface InvocationRequest {
  readonly inferenceId: string;
  /** Moment of acceptance, ms since the epoch. */
  readonly receivedAt: number;
  /** How long it may wait in the queue, ms (RequestTTLSeconds x 1000). */
  readonly ttl: number;
  /** How long one run of it may take, ms (InvocationTimeoutSeconds x 1000). */
  readonly timeout: number;
}

/** How long the parts of one run took, ms; a part that was not reached is absent. */
export interface RunTimings {
  readonly download?: number;
  readonly model?: number;
  readonly upload?: number;
}

/** How a run ended. A `failed` one says why, in the words that the failure object and the notification carry. */
export type RunOutcome =
  | { readonly status: "completed"; readonly timings: RunTimings }
  | {
      readonly status: "failed";
      readonly reason: string;
      /** The model's HTTP status, if it answered. */
      readonly modelStatus?: number;
      /** Where the run failed; counted as RequestDownloadFailures or ResponseUploadFailures. @default "model" */
      readonly stage?: "download" | "model" | "upload";
      readonly timings: RunTimings;
    };

/** One running instance. */
export interface Instance<Request extends InvocationRequest> {
  /**
   * Works on one request. Aborted (its time-out, or the instance is taken away): resolves soon, the outcome is then ignored.
   * Never rejects for what the request or the model did wrong: that is an outcome.
   */
  run(request: Request, signal: AbortSignal): Promise<RunOutcome>;
  /**
   * Resolves, with the reason in one line, when the instance has ended. Unless it was stopped, its runs are aborted and a new instance
   * takes its place. Absent: it never ends before it is stopped.
   */
  readonly lost?: Promise<string>;
  /** Ends the instance and all that belongs to it; resolves when nothing of it is left. */
  stop(): Promise<void>;
}

/** Starts instances; one per fleet (endpoint configuration). */
export interface InstanceLauncher<Request extends InvocationRequest> {
  /**
   * Resolves when the instance can take requests. Rejects, with nothing left behind, if it cannot start or `signal` aborts.
   * @param onContainerStart to be called when the container starts: from then on the fleet's start-up timeout runs
   */
  launch(instanceId: string, signal: AbortSignal, onContainerStart?: () => void): Promise<Instance<Request>>;
}
