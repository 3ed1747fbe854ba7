/** A burst as the client saw it: what was sent, how it ended, how many instances worked. */

import type { Device, Environment } from "../../src/environment.ts";

/** How many instances there were at one moment. */
export interface InstanceSample {
  /** Ms since the epoch, on the stack clock. */
  readonly at: number;
  readonly current: number;
  readonly desired: number;
}

/** A burst that is over, or that nobody waits for any longer. */
export interface BurstRun {
  /** What its jobs' InferenceIds start with. */
  readonly name: string;
  readonly endpointName: string;
  readonly environment: Environment;
  /** Devices that the results name, sorted; none if no result does. */
  readonly devices: readonly Device[];
  readonly instanceType: string;
  /** Videos that one instance works on at a time. */
  readonly concurrency: number;
  /** Instances at most, by the stack's outputs. */
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
  /** Mean size of a result, bytes; undefined where there is none. */
  readonly outputBytes: number | undefined;
  readonly instances: readonly InstanceSample[];
}
