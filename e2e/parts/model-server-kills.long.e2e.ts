/** Kills model servers and workers under load, and tests that only requests in a killed worker fail. */

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import { AsyncEndpoint } from "../../emulator/core/endpoint.ts";
import type { Settlement } from "../../emulator/core/endpoint-api.ts";
import { MetricStore } from "../../emulator/core/metrics.ts";
import { RealClock } from "../../emulator/core/real-clock.ts";
import { servingPython } from "../../tools/paths.mjs";
import type { Invocation } from "../../emulator/services/sagemaker/invocation.ts";
import { artifactOf } from "../../emulator/testing/artifact.ts";
import { FakeLogs, FakeObjects, testArtifact, testModelData, testRole } from "../../emulator/testing/fake-aws.ts";
import { descendantsOf, eventually, isAlive } from "../../lib/testing/processes.ts";
import { ArtifactCache } from "../../emulator/model-server/artifact.ts";
import { ModelServerLauncher } from "../../emulator/model-server/launcher.ts";

const requests = 200;
const concurrency = 2;

const handler = `
import time

def model_fn(model_dir):
    return model_dir

def transform_fn(model, body, content_type, accept, context=None):
    time.sleep(0.2)
    return body, accept
`;

/** Returns the process IDs of the model servers (Java) or of their workers. */
async function running(kind: "java" | "worker"): Promise<number[]> {
  const pids = await descendantsOf(process.pid);
  const matches = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      const isWorker = command.includes("model_service_worker");
      return (kind === "worker" ? isWorker : !isWorker && /^[^\0]*java\0/.test(command)) ? [pid] : [];
    }),
  );
  return matches.flat();
}

describe("An endpoint whose model servers and workers are killed", function () {
  this.timeout(300_000);
  let folder: string;
  let endpoint: AsyncEndpoint<Invocation>;

  afterEach(async () => {
    await endpoint.delete();
    assert.deepEqual((await descendantsOf(process.pid)).filter(isAlive), []);
    await rm(folder, { recursive: true });
  });

  it("answers every request except those in a killed worker, even if two servers are killed in a row", async () => {
    folder = await mkdtemp(join(tmpdir(), "kills-"));
    const objects = new FakeObjects();
    objects.set(testArtifact, await artifactOf(folder, handler));
    const clock = new RealClock();
    const settled = new Map<string, Settlement>();
    endpoint = new AsyncEndpoint<Invocation>({
      name: "echo",
      arn: "arn:aws:sagemaker:us-east-1:000000000000:endpoint/echo",
      variant: "v",
      clock,
      metrics: new MetricStore(clock),
      assumptions: { launchBackoff: 100 },
      listener: {
        onSettled: ({ inferenceId }, settlement) => {
          assert.ok(!settled.has(inferenceId), `${inferenceId} settled twice`);
          settled.set(inferenceId, settlement);
        },
      },
    });
    const launcher = new ModelServerLauncher(
      {
        endpointName: "echo",
        variantName: "v",
        roleArn: testRole,
        modelData: testModelData,
        environment: { SAGEMAKER_MODEL_SERVER_WORKERS: String(concurrency) },
      },
      {
        python: servingPython,
        region: "us-east-1",
        stateDir: folder,
        objects,
        artifacts: new ArtifactCache(join(folder, "artifacts")),
        logs: new FakeLogs(),
        clock,
      },
    );
    await endpoint.deploy({ launcher, concurrency, initialCount: 1 });
    for (let job = 0; job < requests; job += 1) {
      const name = `job-${job}`;
      objects.set(`s3://in/${name}`, name);
      endpoint.enqueue({
        inferenceId: name,
        receivedAt: clock.now(),
        ttl: 600_000,
        timeout: 60_000,
        input: { bucket: "in", key: name },
        inputLocation: `s3://in/${name}`,
        output: { bucket: "out", key: name, kmsKeyId: undefined },
        failure: undefined,
        contentType: "text/plain",
        accept: "text/plain",
        customAttributes: undefined,
        answer: undefined,
      });
    }
    const untilSettled = (count: number): Promise<void> =>
      eventually(`${count} requests have ended`, () => settled.size >= count, 120_000);
    const kill = async (kind: "java" | "worker"): Promise<void> => {
      await eventually(`there is a ${kind}`, async () => (await running(kind)).length > 0, 60_000);
      const [pid = 0] = await running(kind);
      process.kill(pid, "SIGKILL");
      await eventually(`${kind} ${pid} has ended`, () => !isAlive(pid));
    };

    await untilSettled(20);
    await kill("java");
    // Kill the next server while it starts.
    await kill("java");
    await untilSettled(60);
    await kill("worker");
    await untilSettled(100);
    await kill("java");
    await untilSettled(140);
    await kill("worker");
    await untilSettled(requests);

    const failed = [...settled.values()].flatMap((each) => (each.status === "failed" ? [each] : []));
    for (const { reason, modelStatus } of failed) {
      // TorchServe's answer for a request whose worker has ended.
      assert.ok((modelStatus ?? 0) >= 500, reason);
      assert.doesNotMatch(reason, /\n/);
    }
    assert.ok(failed.length <= 2 * concurrency, `${failed.length} requests failed`);
  });
});
