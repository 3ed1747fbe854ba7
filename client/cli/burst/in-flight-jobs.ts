/** Follows many jobs and finds the ended ones by the objects that they leave in S3. */
import { performance } from "node:perf_hooks";
import { inParallel } from "../../src/parallel.ts";
import type { Stack } from "../../src/stack.ts";
import type { Job } from "../../src/submit.ts";
import { checkJob } from "../../src/wait.ts";
import type { JobState } from "../../src/wait.ts";

/** A job's end. */
export interface JobEnd {
  readonly job: Job;
  readonly state: Exclude<JobState, { status: "pending" }>;
}

/** Number of jobs that are checked together. The queue is first in, first out, so ended jobs are close to the front. */
const chunk = 16;

/** Accepted jobs, in the order of their acceptance, until each has ended. */
export class JobsUnderWay {
  readonly #pending = new Map<string, Job>();
  /** Time at which each job was added, ms on this process's clock. */
  readonly #addedAt = new Map<string, number>();
  #turn = 0;

  /** Adds an accepted job. */
  add(job: Job): void {
    this.#pending.set(job.inferenceId, job);
    this.#addedAt.set(job.inferenceId, performance.now());
  }

  /** Number of jobs whose end has not been seen. */
  get size(): number {
    return this.#pending.size;
  }

  /** Returns the job that was accepted first and has not ended. */
  get oldest(): Job | undefined {
    return this.#pending.values().next().value;
  }

  /** Returns the real seconds since the oldest job that has not ended was added; undefined if there is none. */
  get oldestSeconds(): number | undefined {
    const addedAt = this.#addedAt.get(this.oldest?.inferenceId ?? "");
    return addedAt === undefined ? undefined : (performance.now() - addedAt) / 1000;
  }

  /**
   * Checks for ends: from the front for as long as it finds any, and one chunk of the rest in turn, so that one call
   * with a thousand jobs checks only a few.
   */
  async look(stack: Stack, signal?: AbortSignal): Promise<readonly JobEnd[]> {
    const ends: JobEnd[] = [];
    for (;;) {
      const found = await this.#check(stack, [...this.#pending.values()].slice(0, chunk), signal);
      ends.push(...found);
      if (found.length < chunk / 2) break;
    }
    const rest = [...this.#pending.values()].slice(chunk);
    if (this.#turn >= rest.length) this.#turn = 0;
    const found = await this.#check(stack, rest.slice(this.#turn, this.#turn + chunk), signal);
    // The next chunk has moved to the position of the ended ones.
    this.#turn += chunk - found.length;
    return [...ends, ...found];
  }

  async #check(stack: Stack, jobs: readonly Job[], signal?: AbortSignal): Promise<readonly JobEnd[]> {
    const ends: JobEnd[] = [];
    await inParallel(jobs, chunk, async (job) => {
      signal?.throwIfAborted();
      const state = await checkJob(stack, job, signal);
      if (state.status !== "pending") ends.push({ job, state });
    });
    // After an error above, none is removed: the next call finds them again.
    for (const { job } of ends) {
      this.#pending.delete(job.inferenceId);
      this.#addedAt.delete(job.inferenceId);
    }
    return ends;
  }
}
