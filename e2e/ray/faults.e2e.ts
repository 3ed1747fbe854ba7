/** Tests with the real Ray Serve how a worker that fails, dies or cannot load the model affects callers and SageMaker. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { RayServe } from "../../emulator/testing/ray-serve.ts";
import { repoRoot, servingPython } from "../../tools/paths.mjs";
import {
  assertAnswered,
  assertRefused,
  Caller,
  faults,
  faultyHandler,
  testFailures,
} from "../../model/testing/failures.ts";

const run = promisify(execFile);

async function pack(folder: string): Promise<string> {
  const artifact = join(folder, "model.tar.gz");
  await run(servingPython, [join(repoRoot, "model", "package.py"), "--weights", "small", "--out", artifact]);
  return artifact;
}

describe("The handler under Ray Serve with faults", function () {
  this.timeout(600_000);
  let folder: string;
  let started: RayServe | undefined;
  let server: RayServe;
  let caller: Caller;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ray-"));
    started = await RayServe.start({
      folder,
      artifact: await pack(folder),
      environment: { SAGEMAKER_MODEL_SERVER_WORKERS: "2", RAY_DEDUP_LOGS: "0" },
      standIn: faultyHandler,
    });
    server = started;
    await server.untilHealthy();
    caller = await Caller.of(server);
  });
  after(async () => {
    await started?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("logs the device of the model", async () => {
    assertAnswered(await caller.ask(""));
    assert.match(await server.log(), /Model .* is ready on .*, precision .*, batch \d+\./);
  });

  testFailures(
    () => server,
    () => caller,
  );

  it("answers two requests at a time after workers were replaced", async () => {
    // Each takes 3 frames of 4 s.
    const slow = `fps=0.25;max_side=${faults.slow}`;
    await server.until("both workers answer", async () => {
      const from = performance.now();
      for (const answer of await Promise.all([caller.ask(slow), caller.ask(slow)])) assertAnswered(answer, 3);
      return performance.now() - from < 20_000;
    });
  });

  it("refuses forms with a reason", async () => {
    assertRefused(await caller.sendForm("body"), 400, /^The body is a form: /);
  });
});

/** Containers in which the handler does not load. */
const unloadable = [
  {
    what: "a required GPU",
    options: { environment: { REQUIRE_GPU: "1" } },
    reason: "HardwareError: REQUIRE_GPU is 1, but CUDA cannot use ",
  },
  {
    what: "boto3",
    options: {
      environment: { ALLOWED_SOURCES: "s3://videos/input/", AWS_DEFAULT_REGION: "us-east-1" },
      standIn: join(repoRoot, "model", "testing", "no_boto3.py"),
    },
    reason: "Boto3Error: ALLOWED_SOURCES is set, but boto3 cannot be imported ",
  },
] as const;

for (const { what, options, reason } of unloadable) {
  describe(`The handler under Ray Serve without ${what}`, function () {
    this.timeout(600_000);
    let folder: string;
    let started: RayServe | undefined;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "ray-"));
    });
    after(async () => {
      await started?.stop();
      await rm(folder, { recursive: true, force: true });
    });

    it("serves nothing, logs the reason in one line, and is never healthy", async () => {
      const environment = { SAGEMAKER_MODEL_SERVER_WORKERS: "2", ...options.environment };
      const server = await RayServe.start({ folder, artifact: await pack(folder), ...options, environment });
      started = server;
      await server.until("the log has the reason", async () => {
        assert.equal(await server.isHealthy(), false);
        return (await server.log()).includes(`The model does not load, so nothing is served: ${reason}`);
      });
      // Long enough for Ray to retry a replica that fails to start several times.
      const end = performance.now() + 20_000;
      while (performance.now() < end) {
        assert.equal(await server.isHealthy(), false);
        await sleep(500);
      }
    });
  });
}
