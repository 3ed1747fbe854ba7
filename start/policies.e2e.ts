import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { ListEndpointsCommand, ListModelsCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { repoRoot } from "../tools/paths.mjs";
import { Deployment, PolicyRefusal } from "./deployment.ts";
import { startLocalAws, type RunningLocalAws } from "./local-aws.ts";
import { packageModel } from "./model.ts";
import { statePaths, type StatePaths } from "./state.ts";
import { freePort } from "./testing/commands.ts";
import { mkdir } from "node:fs/promises";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

describe("the engine's preview with the policy pack", () => {
  let folder: string;
  let paths: StatePaths;
  let aws: RunningLocalAws;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "policies-"));
    paths = statePaths(folder);
    await mkdir(paths.aws, { recursive: true });
    [aws] = await Promise.all([
      startLocalAws({ paths, port: await freePort(), speed: 1, detached: false, signal }),
      packageModel(signal),
    ]);
  });

  after(async () => {
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  /** Pulumi.local.yaml with one more value. */
  async function configWith(key: string, value: string): Promise<string> {
    const text = await readFile(join(repoRoot, "Pulumi.local.yaml"), "utf8");
    const line = `  async-video-inference:${key}: ${value}\n`;
    const file = join(folder, "Pulumi.local.yaml");
    await writeFile(file, text.replace(/^config:\n/m, `config:\n${line}`));
    assert.ok((await readFile(file, "utf8")).includes(line));
    return file;
  }

  async function assertNothingCreated(): Promise<void> {
    const config = {
      endpoint: aws.url,
      region: aws.region,
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    };
    const s3 = new S3Client({ ...config, forcePathStyle: true });
    const sagemaker = new SageMakerClient(config);
    assert.deepEqual((await s3.send(new ListBucketsCommand({}))).Buckets ?? [], []);
    assert.deepEqual((await sagemaker.send(new ListModelsCommand({}))).Models, []);
    assert.deepEqual((await sagemaker.send(new ListEndpointsCommand({}))).Endpoints, []);
    s3.destroy();
    sagemaker.destroy();
  }

  it("passes the stack local as it is", async () => {
    const deployment = await Deployment.open(aws, paths);
    const { policies } = await deployment.preview(step, signal);
    assert.ok(policies >= 2);
    await assertNothingCreated();
  });

  for (const [key, value, policy, remedy] of [
    ["minCapacity", "1", "min-capacity-zero", /minCapacity.*0/s],
    ["instanceType", "ml.m5.xlarge", "gpu-instance-type", /instanceType.*ml\.g/s],
  ] as const) {
    it(`refuses ${key} ${value} with the policy's remedy, and nothing is created`, async () => {
      const deployment = await Deployment.open(aws, paths, await configWith(key, value));
      await assert.rejects(deployment.preview(step, signal), (error: Error) => {
        assert.ok(error instanceof PolicyRefusal, String(error));
        assert.ok(error.message.includes(policy), error.message);
        assert.match(error.message, remedy);
        return true;
      });
      await assertNothingCreated();
    });
  }
});
