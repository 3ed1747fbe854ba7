/** Sends one video through a deployed stack, and measures it. */
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
} from "../../client/src/index.ts";
import type { Job, ResultSummary, Stack } from "../../client/src/index.ts";
import { UserError } from "../../lib/errors.ts";
import { writeWhole } from "../../lib/files.ts";
import { printable } from "../../lib/printable.ts";
import type { Progress } from "../../lib/progress.ts";
import { makeRunFolder } from "./run-folder.ts";

/** The model or the service produced no result for the video. The message has the reason. */
export class JobFailed extends UserError {
  override readonly name = "JobFailed";
}

/** Result and measurements of one video. */
export interface VideoRun {
  readonly summary: ResultSummary;
  readonly instancesPeak: number;
  /** Seconds on the stack's clock from the invocation until an instance was in service. */
  readonly fromZeroSeconds: number;
  /** CloudWatch's TimeInBacklog and ModelLatency, in seconds on the stack's clock. */
  readonly backlogSeconds: number | undefined;
  readonly modelSeconds: number | undefined;
  /** New folder, and the result's file in it. */
  readonly folder: string;
  readonly result: string;
}

/** Seconds of real time: longer than any local start or scale-in, and than the longest run of a job with its start. */
const scaleLimit = 300;
const jobLimit = 3600 + scaleLimit;
const metricsLimit = 60;

/** Waits until the endpoint has no instance. */
export async function waitForZero(stack: Stack, progress: Progress, signal: AbortSignal): Promise<number> {
  const { result } = await progress.step("Waiting for zero instances: five idle minutes on the stack's clock", (step) =>
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

/** Waits for zero instances after a video. Reports it at once if the instance stopped while the result was fetched and drawn. */
export async function backToZero(stack: Stack, progress: Progress, signal: AbortSignal): Promise<number> {
  const { status, current, desired } = await readCapacity(stack, signal);
  if (status !== "InService" || current !== 0 || desired !== 0) return await waitForZero(stack, progress, signal);
  progress.say("✓ Back at zero instances: the five idle minutes on the stack's clock have passed meanwhile");
  return current;
}

/** A video, and the place of its result. */
export interface VideoOrder {
  readonly video: string;
  /** Folder in which a new folder is made. */
  readonly out: string;
  /** Receives the new folder when the result is in it. */
  readonly onSaved: (folder: string) => void;
}

/** The stack, with the credentials of its two kinds of users. */
export interface Users {
  /** Sends the video and fetches the result. */
  readonly caller: Stack;
  /** Watches the job, the instances and the metrics. */
  readonly operator: Stack;
}

/**
 * Uploads the video, invokes the endpoint, waits for the result and fetches it.
 * @throws JobFailed
 */
export async function oneVideo(
  { caller, operator }: Users,
  { video, out, onSaved }: VideoOrder,
  progress: Progress,
  signal: AbortSignal,
): Promise<VideoRun> {
  const { result: job } = await progress.step("Uploading the video and invoking the endpoint", async (step) => {
    const uploaded = await uploadVideo(caller, video, {
      signal,
      onProgress: (upload) => {
        step.detail(`${upload.step} ${Math.round((100 * upload.loaded) / upload.total)} %`);
      },
    });
    return invoke(caller, { ...uploaded, signal });
  });

  const { result: watched } = await progress.step("Waiting for the result", (step) =>
    watchJob(operator, video, job, step.detail, signal),
  );

  const { result: finished } = await progress.step("Fetching the result", async () => {
    const result = await fetchResult(caller, job, signal);
    const folder = await makeRunFolder(out);
    const file = join(folder, "result.json");
    try {
      await writeWhole(file, `${JSON.stringify(result, undefined, 1)}\n`);
    } catch (error) {
      await rmdir(folder);
      throw error;
    }
    onSaved(folder);
    const timings = await readTimings(operator, job, { signal, limitSeconds: metricsLimit });
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
    // The wait reports a broken connection.
    await watching.catch(() => undefined);
  }
  return { instancesPeak, fromZeroSeconds };
}
