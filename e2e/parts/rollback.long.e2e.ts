/** Tests with the real engine an update of the endpoint that SageMaker rolls back because new instances do not start. */
import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { after, before, describe, it } from "mocha";
import { HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker";
import { repoRoot } from "../../tools/paths.mjs";
import { checkOutputs, connect, invoke, uploadVideo, waitForInstances, waitForJob } from "../../client/src/index.ts";
import { writeBrokenArtifact } from "../../ops/rehearsal/broken-artifact.ts";
import { awsEnvironment, Deployment, pulumiEnvironment, pulumiPath } from "../../ops/deployment/deployment.ts";
import { DeploymentError } from "../../ops/deployment/deployment-errors.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import { run } from "../../ops/testing/commands.ts";
import { startTestEnvironment } from "../testing/environment.ts";
import type { TestEnvironment } from "../testing/environment.ts";

const { signal } = new AbortController();
const step = { detail: () => undefined };

describe("an update that SageMaker rolls back", () => {
  let environment: TestEnvironment;
  let aws: RunningEmulator;
  let sagemaker: SageMakerClient;
  let s3: S3Client;
  let configFile: string;
  let outputs: Record<string, unknown>;

  before(async () => {
    environment = await startTestEnvironment(960);
    ({ aws } = environment);
    const config = { endpoint: aws.url, region: aws.region, credentials: aws.credentials };
    sagemaker = new SageMakerClient(config);
    s3 = new S3Client({ ...config, forcePathStyle: true });
    configFile = join(environment.folder, "Pulumi.local.yaml");
    ({ outputs } = await up());
  });

  after(async () => {
    sagemaker.destroy();
    s3.destroy();
    await environment[Symbol.asyncDispose]();
  });

  /** Deploys with changed settings. */
  async function up(...settings: string[]) {
    await changeSettings(join(repoRoot, "Pulumi.local.yaml"), configFile, settings.map(parseSetting));
    const deployment = await Deployment.open(aws, environment.paths, configFile);
    return await deployment.up(step, signal);
  }

  const endpoint = () => sagemaker.send(new DescribeEndpointCommand({ EndpointName: String(outputs["endpointName"]) }));

  /** Asserts that the endpoint's configuration, model and artifact exist. */
  async function assertComplete(): Promise<void> {
    const { EndpointConfigName } = await endpoint();
    const { ProductionVariants: variants } = await sagemaker.send(
      new DescribeEndpointConfigCommand({ EndpointConfigName }),
    );
    const { PrimaryContainer } = await sagemaker.send(
      new DescribeModelCommand({ ModelName: variants?.[0]?.ModelName }),
    );
    const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(PrimaryContainer?.ModelDataUrl ?? "") ?? [];
    await s3.send(new HeadObjectCommand({ Bucket, Key }));
  }

  it("fails, also when repeated, and deletes nothing that the endpoint still uses", async () => {
    const before = await endpoint();
    const setting = `modelArtifact=${await writeBrokenArtifact(environment.folder)}`;
    for (const attempt of ["first attempt", "second attempt"]) {
      await assert.rejects(up(setting), (error: unknown) => {
        assert.ok(error instanceof DeploymentError, String(error));
        assert.match(error.message, /SageMaker rolled the update of endpoint \S+ back: .*no such weights/s, attempt);
        return true;
      });
      assert.equal((await endpoint()).EndpointConfigName, before.EndpointConfigName);
      assert.equal((await endpoint()).EndpointStatus, "InService");
      await assertComplete();
    }
  });

  it("leaves an endpoint that scales to zero and back, and processes a video", async () => {
    using stack = connect(checkOutputs(outputs, "The stack's outputs"), aws.credentials);
    const limitSeconds = 120;
    assert.equal((await waitForInstances(stack, 0, { signal, limitSeconds })).current, 0);
    const video = await uploadVideo(stack, join(repoRoot, "model", "samples", "street.mp4"), { signal });
    const job = await invoke(stack, { ...video, inferenceId: "after-rollback", signal });
    assert.equal((await waitForJob(stack, job, { signal, limitSeconds })).status, "completed");
  });

  it("is over once a good artifact is deployed", async () => {
    await up("sampleFps=2");
    await assertComplete();
  });

  it("leaves an artifact in use, which the clean-up of artifacts keeps", async () => {
    const { status, stdout, stderr } = await run(["ops/main.ts", "pipeline", "artifacts", "--stack", "local"], {
      ...awsEnvironment(aws),
      ...pulumiEnvironment(aws, environment.paths),
      PATH: [...pulumiPath, process.env["PATH"] ?? ""].join(delimiter),
    }).finished;
    assert.equal(status, 0, stderr);
    // The good one and the broken one.
    assert.match(stdout, /Kept 2 of 2 artifacts/);
    await assertComplete();
  });
});
