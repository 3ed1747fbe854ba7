/** Tests the time limit for loading the model in an instance of the real serving stack. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { servingPython } from "../../tools/paths.mjs";
import { artifactOf } from "../../emulator/testing/artifact.ts";
import { FakeLogs, FakeObjects, testArtifact, testModelData, testRole } from "../../emulator/testing/fake-aws.ts";
import { ArtifactCache } from "../../emulator/model-server/artifact.ts";
import { ModelServerLauncher } from "../../emulator/model-server/launcher.ts";

const handler = `
import time

def model_fn(model_dir):
    time.sleep(12)
    return model_dir
`;

describe("An instance of the real serving stack whose model takes 12 seconds to load", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "startup-timeout-"));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  it("does not start if TS_DEFAULT_STARTUP_TIMEOUT is shorter, and starts if it is longer", async () => {
    const objects = new FakeObjects();
    objects.set(testArtifact, await artifactOf(folder, handler));
    const start = async (name: string, seconds: string) => {
      const stateDir = join(folder, name);
      const launcher = new ModelServerLauncher(
        {
          endpointName: "slow",
          variantName: "v",
          roleArn: testRole,
          modelData: testModelData,
          environment: { TS_DEFAULT_STARTUP_TIMEOUT: seconds },
        },
        {
          python: servingPython,
          region: "us-east-1",
          stateDir,
          objects,
          artifacts: new ArtifactCache(join(stateDir, "artifacts")),
          logs: new FakeLogs(),
          clock: { now: () => Date.now() },
        },
      );
      return await launcher.launch("v-1", AbortSignal.timeout(200_000));
    };
    const [short, long] = await Promise.allSettled([start("short", "3"), start("long", "600")]);
    assert.ok(long.status === "fulfilled", String(long.status === "rejected" && long.reason));
    await long.value.stop();
    assert.ok(short.status === "rejected");
    assert.match(String(short.reason), /The model cannot be loaded/);
  });
});
