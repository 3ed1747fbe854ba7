/** Tests a video that is sent in parts on the emulator with the real handler, and the loss of a worker during a part. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import {
  checkJob,
  checkOutputs,
  connect,
  fetchResult,
  invoke,
  readJournal,
  uploadVideo,
  waitForJob,
} from "../../client/src/index.ts";
import type { Stack, VideoResult } from "../../client/src/index.ts";
import { readRecord } from "../../client/src/record-store.ts";
import { parseResult } from "../../client/src/result.ts";
import { descendantsOf, eventually } from "../../lib/testing/processes.ts";
import { Deployment } from "../../ops/deployment/deployment.ts";
import { run } from "../../ops/testing/commands.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { startTestEnvironment } from "../testing/environment.ts";
import type { TestEnvironment } from "../testing/environment.ts";

/** Twelve seconds with a keyframe every two. */
const sample = join(repoRoot, "model", "samples", "street.mp4");
const limitSeconds = 300;

/** Frames per second, all of the sample's: a part takes so long that a worker can be killed before the last one has ended. */
const fps = 25;

describe("a video in parts", function () {
  this.timeout(15 * 60_000);
  const { signal } = new AbortController();
  let environment: TestEnvironment;
  let stack: Stack;
  let outputs: string;
  let whole: VideoResult;

  before(async () => {
    environment = await startTestEnvironment(240);
    const { aws, folder, paths } = environment;
    const deployment = await Deployment.open(aws, paths, join(repoRoot, "Pulumi.local.yaml"));
    const deployed = (await deployment.up({ detail: () => undefined }, signal)).outputs;
    stack = connect(checkOutputs(deployed, "The stack's outputs"), aws.credentials);
    // The client expects the key pair in the same folder.
    ({ outputs } = paths);
    await writeFile(outputs, JSON.stringify(deployed));
    const job = await invoke(stack, {
      ...(await uploadVideo(stack, sample)),
      inferenceId: "whole",
      customAttributes: `fps=${fps}`,
    });
    assert.equal((await waitForJob(stack, job, { signal, limitSeconds })).status, "completed", folder);
    whole = await fetchResult(stack, job);
  });

  after(async () => {
    stack.close();
    await environment[Symbol.asyncDispose]();
  });

  const client = async (...args: readonly string[]) =>
    await run(["ops/main.ts", ...args, "--outputs", outputs]).finished;

  /** Submits the sample in parts of three seconds; returns the path of the journal and the job id. */
  async function submitParts(name: string): Promise<{ journal: string; id: string }> {
    const journal = join(environment.folder, `${name}.jsonl`);
    const { status, stderr } = await client(
      "submit",
      sample,
      "--part",
      "0.05",
      "--fps",
      String(fps),
      "--journal",
      journal,
    );
    assert.equal(status, 0, stderr);
    const [first] = (await readJournal(journal)).values();
    return { journal, id: first?.planned.part?.job ?? assert.fail(stderr) };
  }

  /** Returns the requests for each part of a job, in order of time. */
  const requestsOf = async (id: string): Promise<readonly number[]> =>
    ((await readRecord(stack, id))?.record.parts ?? []).map(({ invocations }) => invocations.length);

  /** Waits until each part has ended. */
  async function untilEnded(journal: string): Promise<void> {
    for (const { job } of (await readJournal(journal)).values()) {
      if (job !== undefined) await waitForJob(stack, job, { signal, limitSeconds });
    }
  }

  /** Fetches the merged result, and compares it with the whole video's. */
  async function checkMerged({ journal, id }: { journal: string; id: string }): Promise<void> {
    const to = join(environment.folder, `${id}-results`);
    const { status, stdout, stderr } = await client("fetch", journal, "--to", to);
    assert.equal(status, 0, stdout + stderr);
    const merged = parseResult(await readFile(join(to, `${id}.json`), "utf8"), id);
    const places = ({ frames }: VideoResult) =>
      frames.map(({ k, pts, index, timestamp, sampled }) => ({ k, pts, index, timestamp, sampled }));
    assert.deepEqual(places(merged), places(whole));
    assert.deepEqual({ ...merged, frames: [], timing: null }, { ...whole, frames: [], timing: null });
    for (const [number, { detections }] of merged.frames.entries()) {
      const expected = whole.frames[number]?.detections ?? [];
      // Batches of other frames round differently.
      assert.deepEqual(
        detections.map(({ label }) => label),
        expected.map(({ label }) => label),
      );
      for (const [index, { score, box }] of detections.entries()) {
        const other = expected[index];
        assert.ok(Math.abs(score - (other?.score ?? 0)) < 0.01);
        assert.ok(box.every((value, side) => Math.abs(value - (other?.box[side] ?? Infinity)) < 1));
      }
    }
  }

  it("has the result of the whole video", async () => {
    const job = await submitParts("equal");
    assert.deepEqual(await requestsOf(job.id), [1, 1, 1, 1]);
    await untilEnded(job.journal);
    const { stdout } = await client("status", job.journal);
    assert.match(stdout, /completed, 100 %: 4 of 4 parts completed/);
    await checkMerged(job);
  });

  it("repeats only the part that a worker was killed in", async () => {
    const job = await submitParts("killed");
    const jobs = [...(await readJournal(job.journal)).values()].flatMap(({ job: accepted }) => accepted ?? []);
    const hasEnded = async () => {
      const states = await Promise.all(jobs.map((each) => checkJob(stack, each)));
      return states.some(({ status }) => status === "completed");
    };
    await eventually("a part has ended", hasEnded, limitSeconds * 1000);
    const workers = await workersOf(process.pid);
    for (const pid of workers) process.kill(pid, "SIGKILL");
    assert.ok(workers.length > 0);
    await untilEnded(job.journal);
    const { stdout } = await client("status", job.journal);
    const completed = Number(/(\d) of 4 parts completed/.exec(stdout)?.[1]);
    assert.ok(completed >= 1 && completed < 4, stdout);
    assert.equal((await client("redrive", job.journal)).status, 0);
    const requests = await requestsOf(job.id);
    assert.equal(requests.filter((count) => count === 1).length, completed);
    assert.equal(requests.filter((count) => count === 2).length, 4 - completed);
    await untilEnded(job.journal);
    await checkMerged(job);
  });
});

/** Returns the process IDs of the model servers' workers. */
async function workersOf(pid: number): Promise<readonly number[]> {
  const matches = await Promise.all(
    (await descendantsOf(pid)).map(async (each) => {
      const command = await readFile(`/proc/${each}/cmdline`, "utf8").catch(() => "");
      return command.includes("model_service_worker") ? [each] : [];
    }),
  );
  return matches.flat();
}
