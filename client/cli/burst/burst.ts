/** Sends a burst of videos to an endpoint and watches it: the experiment of AWS's blog post. */
import { instancesLimitSeconds, readCapacity } from "../../src/capacity.ts";
import { recordOf } from "../../src/known-jobs.ts";
import type { JobJournal } from "../../src/journal.ts";
import { deviceBytes, deviceIn, environmentOf } from "../../src/environment.ts";
import type { Device } from "../../src/environment.ts";
import { codeOf } from "../../../lib/errors.ts";
import { readStart } from "../../src/s3-objects.ts";
import { inParallel } from "../../src/parallel.ts";
import { poll } from "../../src/poll.ts";
import type { Stack } from "../../src/stack.ts";
import type { JobOptions } from "../../src/submit.ts";
import { submitAll } from "../../src/submit-all.ts";
import type { Submission } from "../../src/submit-all.ts";
import { JobsUnderWay } from "./in-flight-jobs.ts";
import type { JobEnd } from "./in-flight-jobs.ts";
import type { BurstJob, BurstRun, InstanceSample } from "./run.ts";

/** A video that is in S3. */
export interface BurstVideo {
  readonly inputLocation: string;
  /** File from which it was uploaded. */
  readonly file?: string | undefined;
  readonly contentType: string;
  readonly bytes: number;
}

/** Options for a burst. */
export interface BurstOptions extends Omit<JobOptions, "inferenceId"> {
  /** Prefix of the jobs' InferenceIds; a number follows. */
  readonly name: string;
  /** Sent in turn, `count` times in total; each job reads the same object as the others of its video. */
  readonly videos: readonly [BurstVideo, ...BurstVideo[]];
  readonly count: number;
  /** Journal that records each step before it is made, and each end when it is seen. */
  readonly journal: JobJournal;
  /** Concurrent submissions. @default as submitAll's */
  readonly concurrency?: number | undefined;
  /** Real seconds after which the burst stops waiting for jobs. @default a week: each has ended or expired by then */
  readonly limitSeconds?: number | undefined;
  /**
   * Keeps watching until the endpoint has no instance, for the charts; up to {@link instancesLimitSeconds}.
   * @default false
   */
  readonly untilZero?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((state: BurstState) => void) | undefined;
  /** Pauses between observations: see PollOptions. @default 1 s growing to 3 s */
  readonly pause?: { readonly first: number; readonly longest: number } | undefined;
}

/** Real seconds that a burst is watched if the caller sets no limit: the maximum that the command accepts. */
export const watchLimitSeconds = 7 * 24 * 3600;

/** State of a burst. */
export interface BurstState {
  readonly accepted: number;
  readonly completed: number;
  readonly failed: number;
  readonly expired: number;
  /** Reason of the first failure. */
  readonly firstFailure: string | undefined;
  /** Accepted jobs whose end has not been seen. */
  readonly backlog: number;
  /** Real seconds, as in all progress, since the oldest job of the backlog was accepted. */
  readonly oldestSeconds: number | undefined;
  readonly instances: InstanceSample | undefined;
}

/** A burst under way; its data stays readable after any kind of end. */
export class Burst {
  readonly #stack: Stack;
  readonly #options: BurstOptions;
  readonly #jobs = new JobsUnderWay();
  readonly #ends = { completed: 0, failed: 0, expired: 0 };
  readonly #outputs: string[] = [];
  readonly #sent = new Map<string, BurstJob>();
  readonly #instances: InstanceSample[] = [];
  #accepted = 0;
  #firstFailure: string | undefined;

  constructor(stack: Stack, options: BurstOptions) {
    this.#stack = stack;
    this.#options = options;
  }

  /** Current state. */
  get state(): BurstState {
    return {
      accepted: this.#accepted,
      ...this.#ends,
      firstFailure: this.#firstFailure,
      backlog: this.#jobs.size,
      oldestSeconds: this.#jobs.oldestSeconds,
      instances: this.#instances.at(-1),
    };
  }

  /**
   * Sends the videos and watches until each job has ended or the limit is reached.
   * @throws AbortError on the caller's signal, and the SDK's error if the service refuses; accepted jobs keep running,
   * and the journal has them
   */
  async run(): Promise<BurstRun> {
    const { name, videos, count, untilZero = false } = this.#options;
    const { endpointName, instanceType, maxConcurrency, maxCapacity } = this.#stack.outputs;
    const startedAt = await this.#stack.clock.now();
    await this.#sendAndWatch();
    const endedAt = await this.#stack.clock.now();
    if (untilZero && this.#jobs.size === 0) await this.#watchUntilZero();
    const inputBytes = Array.from({ length: count }, (_, index) => turn(videos, index).bytes);
    const { devices, outputBytes } = await this.#readResults();
    return {
      name,
      endpointName,
      environment: environmentOf(this.#stack.outputs),
      devices,
      instanceType,
      concurrency: maxConcurrency,
      maxCapacity,
      startedAt,
      endedAt,
      accepted: this.#accepted,
      ...this.#ends,
      inputBytes: inputBytes.reduce((sum, bytes) => sum + bytes, 0) / count,
      outputBytes,
      jobs: [...this.#sent.values()],
      instances: this.#instances,
    };
  }

  async #sendAndWatch(): Promise<void> {
    const { signal, onProgress, limitSeconds = watchLimitSeconds, pause = { first: 1, longest: 3 } } = this.#options;
    // If one of the two fails, the other one stops.
    const over = new AbortController();
    const both = AbortSignal.any([over.signal, ...(signal === undefined ? [] : [signal])]);
    const end = (error: unknown): void => {
      over.abort(error);
    };
    let isSent = false;
    const sending = this.#send(both).then(() => {
      isSent = true;
    });
    const watching = poll(
      () => this.#look(both),
      () => isSent && this.#jobs.size === 0,
      { signal: both, limitSeconds, pause, onProgress: () => onProgress?.(this.state) },
    );
    await Promise.all([sending.catch(end), watching.catch(end)]);
    signal?.throwIfAborted();
    over.signal.throwIfAborted();
  }

  async #send(signal: AbortSignal): Promise<void> {
    const { name, count, journal, concurrency, ttlSeconds, timeoutSeconds, customAttributes, format } = this.#options;
    const digits = String(count).length;
    const submissions = Array.from({ length: count }, (_, index): Submission => {
      const { inputLocation: video, file: uploadedFrom, contentType } = turn(this.#options.videos, index);
      const inferenceId = `${name}-${String(index + 1).padStart(digits, "0")}`;
      return { video, uploadedFrom, contentType, inferenceId, ttlSeconds, timeoutSeconds, customAttributes, format };
    });
    await submitAll(this.#stack, submissions, {
      concurrency,
      journal,
      signal,
      onOutcome: (outcome) => {
        if (!("job" in outcome)) return;
        const { job } = outcome;
        const { inferenceId, ttlSeconds, timeoutSeconds } = job;
        this.#accepted += 1;
        this.#sent.set(inferenceId, { acceptedAt: Date.parse(job.submittedAt), ttlSeconds, timeoutSeconds });
        this.#jobs.add(job);
      },
    });
  }

  async #look(signal: AbortSignal): Promise<void> {
    const ends = await this.#jobs.look(this.#stack, signal);
    // After the look, so that no end is later than its sample.
    const { at } = await this.#sample(signal);
    for (const end of ends) this.#note(end, at);
    await this.#options.journal.append(
      ...ends.map(({ job, state }) => ({
        event: "ended" as const,
        inferenceId: job.inferenceId,
        ...recordOf(state),
      })),
    );
  }

  #note({ job, state }: JobEnd, seenAt: number): void {
    const { status } = state;
    this.#ends[status] += 1;
    const sent = this.#sent.get(job.inferenceId);
    if (sent !== undefined) this.#sent.set(job.inferenceId, { ...sent, end: { status, seenAt } });
    if (state.status === "completed") this.#outputs.push(job.outputLocation);
    if (state.status === "failed") this.#firstFailure ??= state.reason;
  }

  async #sample(signal?: AbortSignal): Promise<{ readonly status: string } & InstanceSample> {
    const { status, current, desired } = await readCapacity(this.#stack, signal);
    // The answer's Date header, which was just read.
    const now = await this.#stack.clock.now(5);
    const sample = { at: now.getTime(), current, desired };
    this.#instances.push(sample);
    return { status, ...sample };
  }

  async #watchUntilZero(): Promise<void> {
    const { signal, onProgress } = this.#options;
    await poll(
      () => this.#sample(signal),
      ({ status, current, desired }) => status === "InService" && current === 0 && desired === 0,
      { signal, limitSeconds: instancesLimitSeconds, onProgress: () => onProgress?.(this.state) },
    );
  }

  /** Reads the start of each result: its device, and the results' mean size in bytes. */
  async #readResults(): Promise<Pick<BurstRun, "devices" | "outputBytes">> {
    const sizes: number[] = [];
    const devices = new Set<Device>();
    await inParallel(this.#outputs, 16, async (uri) => {
      try {
        const { start, bytes } = await readStart(this.#stack.s3, uri, deviceBytes, this.#options.signal);
        sizes.push(bytes);
        const device = deviceIn(start);
        if (device !== undefined) devices.add(device);
      } catch (error) {
        // Removed by a lifecycle rule, or not readable for this caller: the other results suffice.
        if (!["NoSuchKey", "AccessDenied"].includes(codeOf(error))) throw error;
      }
    });
    const outputBytes = sizes.length === 0 ? undefined : sizes.reduce((sum, bytes) => sum + bytes, 0) / sizes.length;
    return { devices: [...devices].sort(), outputBytes };
  }
}

function turn<Item>(items: readonly [Item, ...Item[]], index: number): Item {
  return items[index % items.length] ?? items[0];
}
