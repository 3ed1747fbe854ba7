/** The environment that an end-to-end test deploys to: an emulator with a separate folder, and the model's artifact. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "mocha";
import { spawnEmulator } from "../../ops/local/emulator.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { packageModel } from "../../ops/start/model.ts";
import { statePaths } from "../../ops/local/state.ts";
import type { StatePaths } from "../../ops/local/state.ts";
import { freePort } from "../../lib/ports.ts";

/** An emulator for tests. Disposing of it stops the emulator and deletes the folder. */
export interface TestEnvironment extends AsyncDisposable {
  /** Folder for the test's files. */
  readonly folder: string;
  readonly paths: StatePaths;
  readonly aws: RunningEmulator;
}

/** Starts an emulator whose clock runs `speed` times as fast as real time while it is idle. */
export async function startTestEnvironment(speed: number): Promise<TestEnvironment> {
  const { signal } = new AbortController();
  const folder = await mkdtemp(join(tmpdir(), "environment-"));
  const paths = statePaths(folder);
  await Promise.all([mkdir(paths.aws, { recursive: true }), mkdir(paths.backend, { recursive: true })]);
  const [aws] = await Promise.all([
    spawnEmulator({ paths, port: await freePort(), speed, signal }),
    packageModel(signal),
  ]);
  return {
    folder,
    paths,
    aws,
    async [Symbol.asyncDispose]() {
      await aws.stop();
      await rm(folder, { recursive: true });
    },
  };
}

let shared: Promise<TestEnvironment> | undefined;

/**
 * Returns the emulator that all test files of this mocha process share if they deploy nothing; starts it on the first call. Each file
 * must leave it without buckets, models and endpoints, and keep its Pulumi state in a separate folder. The clock runs in real time.
 */
export async function sharedTestEnvironment(): Promise<TestEnvironment> {
  shared ??= startTestEnvironment(1);
  return await shared;
}

// A root hook: this module is loaded at the top level of test files.
after(async () => {
  await (await shared)?.[Symbol.asyncDispose]();
});
