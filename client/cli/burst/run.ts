/** A burst as the client saw it: the jobs that were sent, their ends, and the number of instances. */

import type { Device, Environment } from "../../src/environment.ts";

/** Number of instances at one moment. */
export interface InstanceSample {
  /** Ms since the epoch, on the stack clock. */
  readonly at: number;
  readonly current: number;
  readonly desired: number;
}

/** A job of a burst. All moments are ms since the epoch, on the stack clock. */
export interface BurstJob {
  readonly acceptedAt: number;
  /** Maximum time in the queue, seconds. */
  readonly ttlSeconds: number;
  /** Time limit of one run, seconds. */
  readonly timeoutSeconds: number;
  /** Absent if the end was not seen. */
  readonly end?: { readonly status: "completed" | "failed" | "expired"; readonly seenAt: number };
}

/** A burst that has ended, or that is no longer watched. */
export interface BurstRun {
  /** Prefix of its jobs' InferenceIds. */
  readonly name: string;
  readonly endpointName: string;
  readonly environment: Environment;
  /** Devices that the results name, sorted; none if no result does. */
  readonly devices: readonly Device[];
  readonly instanceType: string;
  /** Videos that one instance processes at a time. */
  readonly concurrency: number;
  /** Maximum number of instances, from the stack's outputs. */
  readonly maxCapacity: number;
  /** Before the first video was sent, on the stack clock. */
  readonly startedAt: Date;
  /** When the last job's end was seen, on the stack clock. */
  readonly endedAt: Date;
  readonly accepted: number;
  readonly completed: number;
  readonly failed: number;
  readonly expired: number;
  /** Mean size of a video, bytes. */
  readonly inputBytes: number;
  /** Mean size of a result, bytes; undefined if there is none. */
  readonly outputBytes: number | undefined;
  /** The accepted jobs, in the order of their acceptance. */
  readonly jobs: readonly BurstJob[];
  readonly instances: readonly InstanceSample[];
}
