/** The environment that an end-to-end test deploys to: an emulator with a separate folder, and the model's artifact. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "mocha";
import { createEmulator } from "../../emulator/emulator.ts";
import type { Emulator, EmulatorOptions } from "../../emulator/emulator.ts";
import { FakeFleet } from "../../emulator/testing/fake-aws.ts";
import { spawnEmulator } from "../../ops/local/emulator.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { packageModel } from "../../ops/start/model.ts";
import { statePaths } from "../../ops/local/local-folder.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { ministackPython, repoRoot, servingPython } from "../../tools/paths.mjs";

/** An emulator for tests. Disposing of it stops the emulator and deletes the folder. */
export interface TestEnvironment extends AsyncDisposable {
  /** Folder for the test's files. */
  readonly folder: string;
  readonly paths: StatePaths;
  readonly aws: RunningEmulator;
}

/** Starts an emulator whose clock runs `speed` times as fast as real time while it is idle, and packs the model's artifact. */
export async function startTestEnvironment(speed: number): Promise<TestEnvironment> {
  const [environment] = await Promise.all([startBareEnvironment(speed), packageModel(new AbortController().signal)]);
  return environment;
}

/** Starts an emulator whose clock runs `speed` times as fast as real time while it is idle, without the model's artifact. */
export async function startBareEnvironment(speed: number): Promise<TestEnvironment> {
  const { signal } = new AbortController();
  const folder = await mkdtemp(join(tmpdir(), "environment-"));
  const paths = statePaths(folder);
  await Promise.all([mkdir(paths.aws, { recursive: true }), mkdir(paths.backend, { recursive: true })]);
  const aws = await spawnEmulator({ paths, port: 0, speed, signal });
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

/** An emulator in this process whose instances start at once and run no container. Disposing of it stops the emulator and deletes the folder. */
export interface EngineTestEnvironment extends AsyncDisposable {
  /** Folder for the test's files. */
  readonly folder: string;
  readonly paths: StatePaths;
  readonly aws: Emulator;
  /** Path of a model artifact, which no instance loads. */
  readonly artifact: string;
}

/**
 * Starts an emulator without model servers, for tests of deployments that send no video. Its clock runs `speed` times as fast as real
 * time while it is idle.
 */
export async function startEngineTestEnvironment(
  speed: number,
  sageMaker: EmulatorOptions["sageMaker"] = {},
): Promise<EngineTestEnvironment> {
  const folder = await mkdtemp(join(tmpdir(), "engine-"));
  const paths = statePaths(folder);
  const artifact = join(folder, "model.tar.gz");
  const fleet = new FakeFleet();
  await Promise.all([mkdir(paths.aws, { recursive: true }), writeFile(artifact, "weights")]);
  const aws = await createEmulator({
    port: 0,
    speed,
    stateDir: paths.aws,
    ministackPython,
    servingPython,
    programDirectory: repoRoot,
    sageMaker: { launcherFor: (container) => fleet.launcherFor(container), ...sageMaker },
  });
  return {
    folder,
    paths,
    aws,
    artifact,
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
