/** One video's way through a deployed stack, with what was measured on it. */
import { rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  fetchResult,
  invoke,
  readCapacity,
  readTimings,
  summarize,
  uploadVideo,
  waitForInstances,
  waitForJob,
  type Job,
  type ResultSummary,
  type Stack,
} from "../../client/src/index.ts";
import { UserError } from "../../lib/errors.ts";
import { writeWhole } from "../../lib/files.ts";
import { printable } from "../../lib/printable.ts";
import type { Progress } from "../../lib/progress.ts";
import { makeRunFolder } from "./run-folder.ts";

/** The model, or the service, could not give a result for this video; the message is its reason. */
export class JobFailed extends UserError {
  override readonly name = "JobFailed";
}

/** What one video's way showed. */
export interface VideoRun {
  readonly summary: ResultSummary;
  readonly instancesPeak: number;
  /** On the stack's clock, seconds: from the invocation until an instance was in service. */
  readonly fromZeroSeconds: number;
  /** On the stack's clock, seconds: TimeInBacklog and ModelLatency as CloudWatch has them. */
  readonly backlogSeconds: number | undefined;
  readonly modelSeconds: number | undefined;
  /** A new folder, and the result's file in it. */
  readonly folder: string;
  readonly result: string;
}

/** Real seconds: more than any local start or scale-in takes, and than the longest run of a job with its start. */
const scaleLimit = 300;
const jobLimit = 3600 + scaleLimit;
const metricsLimit = 60;

/** Waits until the endpoint has no instance. */
export async function waitForZero(stack: Stack, progress: Progress, signal: AbortSignal): Promise<number> {
  const { result } = await progress.step("Waiting for zero instances: 15 quiet minutes on the stack's clock", (step) =>
    waitForInstances(stack, 0, {
      signal,
      limitSeconds: scaleLimit,
      pause: { first: 0.5, longest: 1 },
      onProgress: ({ state }) => {
        step.detail(state === undefined ? "" : `${state.current} now, ${state.desired} wanted`);
      },
    }),
  );
  return result.current;
}

/** Waits for zero again, after a video; says so where the instance went while the result was fetched and drawn. */
export async function backToZero(stack: Stack, progress: Progress, signal: AbortSignal): Promise<number> {
  const { status, current, desired } = await readCapacity(stack, signal);
  if (status !== "InService" || current !== 0 || desired !== 0) return await waitForZero(stack, progress, signal);
  progress.say("✓ Back at zero instances: the 15 quiet minutes on the stack's clock have passed meanwhile");
  return current;
}

/** A video, and where its result goes. */
export interface VideoOrder {
  readonly video: string;
  /** Gets a new folder. */
  readonly out: string;
  /** Is told that folder when the result is in it. */
  readonly onSaved: (folder: string) => void;
}

/** Uploads the video, invokes the endpoint, waits for the result and fetches it. Throws {@link JobFailed}. */
export async function oneVideo(
  stack: Stack,
  { video, out, onSaved }: VideoOrder,
  progress: Progress,
  signal: AbortSignal,
): Promise<VideoRun> {
  const { result: job } = await progress.step("Uploading the video and invoking the endpoint", async (step) => {
    const uploaded = await uploadVideo(stack, video, {
      signal,
      onProgress: (upload) => {
        step.detail(`${upload.step} ${Math.round((100 * upload.loaded) / upload.total)} %`);
      },
    });
    return invoke(stack, { ...uploaded, signal });
  });

  const { result: watched } = await progress.step("Waiting for the result", (step) =>
    watchJob(stack, video, job, step.detail, signal),
  );

  const { result: finished } = await progress.step("Fetching the result", async () => {
    const result = await fetchResult(stack, job, signal);
    const folder = await makeRunFolder(out);
    const file = join(folder, "result.json");
    try {
      await writeWhole(file, `${JSON.stringify(result, undefined, 1)}\n`);
    } catch (error) {
      await rmdir(folder);
      throw error;
    }
    onSaved(folder);
    const timings = await readTimings(stack, job, { signal, limitSeconds: metricsLimit });
    return { summary: summarize(result), timings, folder, file };
  });
  return {
    ...watched,
    summary: finished.summary,
    folder: finished.folder,
    result: finished.file,
    backlogSeconds: finished.timings.backlogSeconds,
    modelSeconds: finished.timings.modelSeconds,
  };
}

async function watchJob(stack: Stack, video: string, job: Job, detail: (text: string) => void, signal: AbortSignal) {
  const over = new AbortController();
  let instancesPeak = 0;
  let fromZeroSeconds = 0;
  const watching = (async () => {
    while (!over.signal.aborted) {
      const capacity = await readCapacity(stack, signal);
      if (capacity.current > 0 && instancesPeak === 0) {
        fromZeroSeconds = ((await stack.clock.now(1)).getTime() - Date.parse(job.submittedAt)) / 1000;
      }
      instancesPeak = Math.max(instancesPeak, capacity.current);
      detail(
        capacity.current > 0
          ? `${capacity.current} instance at work`
          : capacity.desired > 0
            ? "the first instance starts"
            : instancesPeak > 0
              ? "done, the instance goes"
              : "in the queue, no instance yet",
      );
      await sleep(300);
    }
  })();
  try {
    const state = await waitForJob(stack, job, { signal, limitSeconds: jobLimit, pause: { first: 0.3, longest: 1 } });
    if (state.status === "failed") {
      throw new JobFailed(`${printable(video)}: ${printable(state.reason)}`);
    }
    if (state.status !== "completed") {
      throw new JobFailed(`${printable(video)}: no result after ${jobLimit / 60} minutes: the job is ${state.status}.`);
    }
  } finally {
    over.abort();
    // A broken connection here says no more than the wait itself has said.
    await watching.catch(() => undefined);
  }
  return { instancesPeak, fromZeroSeconds };
}
