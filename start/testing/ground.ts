/** What an end-to-end test deploys to: an AWS on this machine, in a folder of the test's own, and the model's artifact. */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalAws, type RunningLocalAws } from "../local-aws.ts";
import { packageModel } from "../model.ts";
import { statePaths, type StatePaths } from "../state.ts";
import { freePort } from "./commands.ts";

/** A local AWS of a test's own; nothing is left of it once it is disposed of. */
export interface TestGround extends AsyncDisposable {
  /** For whatever else the test writes. */
  readonly folder: string;
  readonly paths: StatePaths;
  readonly aws: RunningLocalAws;
}

/** Starts a local AWS whose clock runs `speed` times as fast as real time while nothing starts and nothing works. */
export async function startTestGround(speed: number): Promise<TestGround> {
  const { signal } = new AbortController();
  const folder = await mkdtemp(join(tmpdir(), "ground-"));
  const paths = statePaths(folder);
  await Promise.all([mkdir(paths.aws, { recursive: true }), mkdir(paths.backend, { recursive: true })]);
  const [aws] = await Promise.all([
    startLocalAws({ paths, port: await freePort(), speed, detached: false, signal }),
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
