/** The smoke test: sends one good video and one bad file through a deployed stack, using only its outputs. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { DescribeEndpointCommand } from "@aws-sdk/client-sagemaker";
import {
  fetchResult,
  invoke,
  openStack,
  plural,
  poll,
  readCapacity,
  smokePrefix,
  summarize,
  uploadVideo,
  waitForInstances,
  waitForJob,
} from "../client/src/index.ts";
import type { Job, JobState, Stack } from "../client/src/index.ts";
import { printable } from "../lib/printable.ts";
import { Progress } from "../lib/progress.ts";
import { assertDevice } from "./device.ts";
import { isHandlersReason, readBadFile } from "./bad-file.ts";
import { tooLong } from "./diagnosis.ts";
import { removeObjects } from "./cleanup.ts";
import { NotificationWatch } from "./notifications.ts";
import type { Notification } from "./notifications.ts";
import { queuePrefixOf, removeOldQueues } from "./old-queues.ts";
import { passedOptions } from "./options.ts";

/** Limits of the waits, real seconds; a stack that needs longer is broken. */
const limits = {
  /** Five idle minutes by default. Target tracking needs at least 15 quiet minutes; 25 were observed. */
  toZero: 30 * 60,
  /** Two one-minute datapoints, a GPU instance and its container, one short video. */
  fromZero: 30 * 60,
  job: 15 * 60,
  notification: 3 * 60,
};

const options = passedOptions();

describe(`stack ${options.outputs ?? options.stack ?? "local"}`, () => {
  const runId = randomUUID();
  // Names this run's jobs and videos; redrive drops messages of such jobs and never sends them again.
  const run = `${smokePrefix}${runId}`;
  const interruption = new AbortController();
  const { signal } = interruption;
  const remove: string[] = [];
  const live = new Progress(process.stderr);
  let stack: Stack;
  let watch: NotificationWatch | undefined;
  let folder: string | undefined;
  let good: Job;
  let bad: Job;

  before(async () => {
    process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
    stack = await openStack(options);
    for (const line of await removeOldQueues(stack)) console.error(printable(line));
    watch = await NotificationWatch.open(stack, `${queuePrefixOf(stack.outputs)}${runId}`);
    folder = await mkdtemp(join(tmpdir(), `${run}-`));
  });

  after(async () => {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    live[Symbol.dispose]();
    if (folder !== undefined) await rm(folder, { recursive: true });
    await watch?.close();
    for (const line of await removeObjects(stack, remove)) console.error(printable(line));
    stack.close();
  });

  it("runs the endpoint configuration of the last deployment", async () => {
    const { endpointConfigName, endpointName: EndpointName } = stack.outputs;
    if (endpointConfigName === undefined)
      throw new Error("The stack has no output endpointConfigName: deploy it again.");
    const endpoint = await stack.sagemaker.send(new DescribeEndpointCommand({ EndpointName }), { abortSignal: signal });
    assert.equal(
      endpoint.EndpointConfigName,
      endpointConfigName,
      `SageMaker rolled the last update back: ${endpoint.FailureReason ?? "it gives no reason"}`,
    );
  });

  if (!options.any) {
    it("has no instances before the first video", async () => {
      await untilZero();
    });
  }

  it(`makes a valid result with detections for a video${options.any ? "" : ", from zero instances"}`, async () => {
    if (!options.any) {
      const { current, desired } = await readCapacity(stack, signal);
      assert.deepEqual({ current, desired }, { current: 0, desired: 0 });
    }
    good = await send(options.video, "good");
    const { state, peak } = await watchJob(good, limits.fromZero);
    assert.equal(state.status, "completed", state.status === "failed" ? `the job failed: ${state.reason}` : undefined);
    // A warm instance can finish a short video, and be gone again, between two polls of the endpoint.
    if (!options.any) assert.ok(peak > 0, "no instance was seen");
    const result = await fetchResult(stack, good, signal);
    const { detections, frames } = summarize(result);
    assert.ok(detections > 0, `the result of ${plural(frames, "frame")} is valid, but has no detections`);
    assertDevice(stack.outputs, result.handler?.device);
  });

  it("publishes the result to the success topic", async () => {
    const notification = await announcementOf(good);
    assert.equal(notification.invocationStatus, "Completed");
    assert.equal(notification.responseParameters?.outputLocation, good.outputLocation);
  });

  it("ends a file that is not a video as a failure object with the handler's reason", async () => {
    assert.ok(folder !== undefined);
    const file = join(folder, "text.mp4");
    const badFile = readBadFile();
    await writeFile(file, badFile.content);
    bad = await send(file, "bad");
    const { state } = await watchJob(bad, limits.job);
    assert.equal(state.status, "failed");
    assert.ok(isHandlersReason(state.reason, badFile), `not the handler's answer to a text: ${state.reason}`);
  });

  it("publishes the failure to the error topic", async () => {
    const notification = await announcementOf(bad);
    assert.equal(notification.invocationStatus, "Failed");
    assert.ok(notification.failureReason, "the notification gives no reason");
  });

  if (options.untilZero) {
    it("goes back to zero instances", async () => {
      await untilZero();
    });
  }

  function interrupt(): void {
    interruption.abort();
  }

  async function untilZero(): Promise<void> {
    live.show("waiting for zero instances", "new step");
    const capacity = await waitForInstances(stack, 0, {
      signal,
      limitSeconds: limits.toZero,
      onProgress: ({ state, problem }) => {
        const now = state === undefined ? "" : `: ${state.current} now, ${state.desired} wanted`;
        live.show(`waiting for zero instances${now}${problem === undefined ? "" : `; retrying: ${problem}`}`);
      },
    });
    if (capacity.current !== 0) throw await tooLong(stack, "Zero instances", limits.toZero);
  }

  async function send(file: string, name: string): Promise<Job> {
    live.show(`sending ${file}`, "new step");
    const video = await uploadVideo(stack, file, {
      signal,
      // A separate folder, so that this run does not remove another caller's upload of the same bytes.
      folder: run,
      onProgress: ({ step, loaded, total }) => {
        live.show(`${step} ${file}: ${Math.floor((100 * loaded) / total)} %`);
      },
    });
    remove.push(video.inputLocation);
    const job = await invoke(stack, { ...video, inferenceId: `${run}-${name}`, signal });
    remove.push(...[job.requestLocation, job.outputLocation, job.failureLocation].filter((uri) => uri !== undefined));
    return job;
  }

  /** Waits for a job's end and observes the instances meanwhile. */
  async function watchJob(job: Job, limitSeconds: number): Promise<{ state: JobState; peak: number }> {
    live.show(`waiting for ${job.inferenceId}`, "new step");
    const ended = new AbortController();
    let peak = 0;
    const watching = poll(
      async () => {
        const capacity = await readCapacity(stack, signal);
        // The desired number counts, too: with a fast local clock an instance may end before the next observation.
        peak = Math.max(peak, capacity.current, capacity.desired);
        live.show(
          `waiting for ${job.inferenceId}: ${plural(capacity.current, "instance")}, ${capacity.desired} wanted`,
        );
      },
      () => ended.signal.aborted,
      { signal, limitSeconds, pause: { first: 0.5, longest: 1 } },
    );
    const [seen, watched] = await Promise.allSettled([
      waitForJob(stack, job, { signal, limitSeconds }).finally(() => {
        ended.abort();
      }),
      watching,
    ]);
    if (seen.status === "rejected") throw seen.reason;
    if (watched.status === "rejected") throw watched.reason;
    const state = seen.value;
    if (state.status === "pending") throw await tooLong(stack, `The end of job ${job.inferenceId}`, limitSeconds);
    return { state, peak };
  }

  async function announcementOf(job: Job): Promise<Notification> {
    assert.ok(watch !== undefined);
    live.show(`waiting for the notification of ${job.inferenceId}`, "new step");
    const notification = await watch.of(job.inferenceId, { signal, limitSeconds: limits.notification });
    if (notification === undefined) {
      throw await tooLong(stack, `The notification of job ${job.inferenceId}`, limits.notification);
    }
    return notification;
  }
});
