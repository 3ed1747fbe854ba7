/** Tests with the real handler and serving stack that an endpoint fails, with the reason, if its container cannot load the model. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { create, extract } from "tar";
import { describe, it } from "mocha";
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DescribeEndpointCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker";
import { repoRoot, servingPython } from "../../tools/paths.mjs";
import { ArtifactCache } from "../../emulator/model-server/artifact.ts";
import { ModelServerLauncher } from "../../emulator/model-server/launcher.ts";
import { fakeAws, testArtifact } from "../../emulator/testing/fake-aws.ts";
import { mentioning } from "../../lib/testing/processes.ts";
import { goodConfig, goodModel } from "../../emulator/testing/sagemaker-fixture.ts";
import { sdkConfig, startTestGateway, testRegion } from "../../emulator/testing/test-gateway.ts";
import { SageMaker } from "../../emulator/services/sagemaker/service.ts";

/** Containers that cannot load the model. */
const containers = [
  {
    what: "without the GPU that it requires",
    // Hides the GPU of a machine that has one.
    environment: { REQUIRE_GPU: "1", CUDA_VISIBLE_DEVICES: "-1" },
    reason: /HardwareError: REQUIRE_GPU is 1, but CUDA cannot use GPU 0 .* inferenceAmi/,
  },
  {
    what: "without boto3, although requests may refer to videos",
    environment: { ALLOWED_SOURCES: "s3://videos/input/", SAGEMAKER_PROGRAM: "no_boto3.py" },
    reason: /Boto3Error: ALLOWED_SOURCES is set, but boto3 cannot be imported \(.*\): use an image with boto3/,
  },
] as const;

/** Packs the small model, with the handler that hides boto3. */
async function pack(folder: string): Promise<string> {
  const packed = join(folder, "packed.tar.gz");
  const program = join(repoRoot, "model", "package.py");
  await promisify(execFile)(servingPython, [program, "--weights", "small", "--out", packed]);
  const content = join(folder, "content");
  await mkdir(content);
  await extract({ file: packed, cwd: content, strict: true });
  await copyFile(join(repoRoot, "model", "testing", "no_boto3.py"), join(content, "code", "no_boto3.py"));
  const file = join(folder, "model.tar.gz");
  await create({ file, cwd: content, gzip: true }, await readdir(content));
  return file;
}

describe("An endpoint whose container is", function () {
  this.timeout(300_000);

  for (const { what, environment, reason } of containers) {
    it(`${what} fails with the handler's reason, and leaves no process`, () => failsWith(environment, reason));
  }
});

async function failsWith(Environment: Readonly<Record<string, string>>, expected: RegExp): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "unloadable-"));
  const artifact = await pack(folder);
  const aws = fakeAws();
  aws.objects.set(testArtifact, await readFile(artifact));
  const stateDir = join(folder, "state");
  const sagemaker = new SageMaker({
    ...aws.dependencies,
    launcherFor: (container) =>
      new ModelServerLauncher(container, {
        python: servingPython,
        region: testRegion,
        stateDir,
        objects: aws.objects,
        artifacts: new ArtifactCache(join(stateDir, "artifacts")),
        logs: aws.logs,
        clock: aws.clock,
      }),
  });
  const gateway = await startTestGateway([sagemaker.control], aws.clock);
  const client = new SageMakerClient(sdkConfig(gateway));
  try {
    const PrimaryContainer = { ...goodModel.PrimaryContainer, Environment };
    await client.send(new CreateModelCommand({ ...goodModel, PrimaryContainer }));
    await client.send(new CreateEndpointConfigCommand(goodConfig));
    await client.send(new CreateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "config" }));
    const deadline = AbortSignal.timeout(240_000);
    let endpoint = await client.send(new DescribeEndpointCommand({ EndpointName: "endpoint" }));
    while (endpoint.EndpointStatus === "Creating") {
      await sleep(500, undefined, { signal: deadline });
      endpoint = await client.send(new DescribeEndpointCommand({ EndpointName: "endpoint" }));
    }
    assert.equal(endpoint.EndpointStatus, "Failed");
    const reason = endpoint.FailureReason ?? "";
    assert.match(reason, /^The primary container for production variant video did not pass the ping health check\./);
    assert.match(reason, expected);
    assert.deepEqual(await readdir(join(stateDir, "instances")), []);
    assert.deepEqual(await mentioning(stateDir), []);
    const logs = join(stateDir, "logs", "endpoints", "endpoint");
    assert.deepEqual(await readdir(logs), ["video-1.log"]);
  } finally {
    await sagemaker.stop();
    await gateway.stop();
    client.destroy();
    aws.clock.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
