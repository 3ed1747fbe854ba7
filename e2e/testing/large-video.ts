/** For tests: a large video from the command line to its result, with the memory of the client and of the handler. */
import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { freemem } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { checkOutputs, connect, fetchResult, jobSchema, waitForInstances } from "../../client/src/index.ts";
import type { Stack, VideoResult } from "../../client/src/index.ts";
import { descendantsOf } from "../../lib/testing/processes.ts";
import { Deployment } from "../../ops/deployment/deployment.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import { run } from "../../ops/testing/commands.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { startTestEnvironment } from "./environment.ts";
import type { TestEnvironment } from "./environment.ts";
import { writePaddedVideo } from "./padded-video.ts";

const mebibyte = 1024 ** 2;
/** Size of the video that the large one is compared with, MiB. */
const smallSize = 150;
/** Limit of the client's memory, MiB. */
const clientLimit = 300;
/** Milliseconds between two readings of the memory of processes. */
const pause = 50;
const limitSeconds = 600;

/** Figures of one video, memory in MiB. */
interface Run {
  readonly frames: VideoResult["frames"];
  readonly clientPeak: number;
  readonly handlerPeak: number;
}

/** Returns the maximum memory of a process so far, MiB; 0 if it has ended. */
async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}

/** Returns the workers of the model servers below a process. */
async function workersOf(pid: number): Promise<number[]> {
  const commands = (await descendantsOf(pid)).map(async (child) => {
    const command = await readFile(`/proc/${child}/cmdline`, "utf8").catch(() => "");
    return command.includes("model_service_worker") ? [child] : [];
  });
  return (await Promise.all(commands)).flat();
}

/**
 * Declares the tests of a video of a given size.
 * @param size MiB, less than 4096
 * @param neededGib free memory that the emulator, which keeps objects in memory, and the model server need, GiB
 */
export function largeVideoTests(size: number, neededGib: number): void {
  describe(`a video of ${size} MiB`, function () {
    this.timeout(30 * 60_000);
    const { signal } = new AbortController();
    let environment: TestEnvironment | undefined;
    let stack: Stack | undefined;

    before(async function () {
      const freeGib = freemem() / 1024 ** 3;
      if (freeGib < neededGib) {
        console.log(`skipped: ${neededGib} GiB of free memory are needed, and this machine has ${freeGib.toFixed(1)}`);
        this.skip();
      }
      environment = await startTestEnvironment(240);
      const { aws, folder, paths } = environment;
      const file = join(folder, "Pulumi.local.yaml");
      await changeSettings(join(repoRoot, "Pulumi.local.yaml"), file, [parseSetting("maxCapacity=1")]);
      const deployment = await Deployment.open(aws, paths, file);
      const { outputs } = await deployment.up({ detail: () => undefined }, signal);
      await writeFile(paths.outputs, JSON.stringify(outputs));
      stack = connect(checkOutputs(outputs, "The stack's outputs"), aws.credentials);
    });

    after(async () => {
      stack?.close();
      await environment?.[Symbol.asyncDispose]();
    });

    /** Submits a video of a size on a new instance. */
    async function process({ aws, folder, paths }: TestEnvironment, target: Stack, mebibytes: number): Promise<Run> {
      await waitForInstances(target, 0, { signal, limitSeconds });
      const file = join(folder, `${mebibytes}.mp4`);
      await writePaddedVideo(file, mebibytes * mebibyte);
      const submit = ["submit", file, "--wait", "--json", "--journal", `${file}.jsonl`, "--outputs", paths.outputs];
      const client = run(["ops/main.ts", ...submit]);
      let [clientPeak, handlerPeak] = [0, 0];
      const observe = async (): Promise<void> => {
        for (;;) {
          clientPeak = Math.max(clientPeak, await peakOf(client.child.pid ?? 0));
          for (const worker of await workersOf(aws.pid)) handlerPeak = Math.max(handlerPeak, await peakOf(worker));
          await new Promise((resolve) => setTimeout(resolve, pause));
          if (client.child.exitCode !== null || client.child.signalCode !== null) return;
        }
      };
      const [{ status, stdout, stderr }] = await Promise.all([client.finished, observe()]);
      assert.equal(status, 0, stderr);
      const job = jobSchema.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
      assert.ok(job.requestLocation !== undefined);
      await rm(file);
      return { frames: (await fetchResult(target, job)).frames, clientPeak, handlerPeak };
    }

    it(`gives the result of one of ${smallSize} MiB, with a client below ${clientLimit} MiB and a handler that needs no more memory`, async () => {
      assert.ok(environment !== undefined && stack !== undefined);
      const small = await process(environment, stack, smallSize);
      const large = await process(environment, stack, size);
      const figures = JSON.stringify(
        [small, large].map(({ clientPeak, handlerPeak }) => ({ clientPeak, handlerPeak })),
      );
      console.log(`memory: ${figures}`);
      assert.deepEqual(large.frames, small.frames);
      assert.ok(small.frames.length > 0);
      assert.ok(large.clientPeak > 0 && large.clientPeak < clientLimit, figures);
      assert.ok(small.handlerPeak > 0 && large.handlerPeak <= 1.1 * small.handlerPeak, figures);
    });
  });
}
