/** Tests with the real engine that the fields that SageMaker adds to an endpoint's last deployment configuration cause no drift and no update. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { DescribeEndpointCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { parse, stringify } from "yaml";
import { createEmulator } from "../../emulator/aws.ts";
import type { Emulator } from "../../emulator/aws.ts";
import { FakeFleet } from "../../emulator/testing/fake-aws.ts";
import { awsEnvironment, Deployment } from "../../ops/deployment/deployment.ts";
import { statePaths } from "../../ops/local/state.ts";
import { ministackPython, repoRoot, servingPython } from "../../tools/paths.mjs";

const { signal } = new AbortController();
const step = { detail: () => undefined };

describe("a deployment configuration to which SageMaker adds fields", () => {
  let folder: string;
  let aws: Emulator;
  let client: SageMakerClient;
  let configFile: string;
  let deployment: Deployment;
  let endpointName: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "deployment-config-"));
    const paths = statePaths(folder);
    await mkdir(paths.aws, { recursive: true });
    await writeFile(join(folder, "model.tar.gz"), "weights");
    const fleet = new FakeFleet();
    aws = await createEmulator({
      port: 0,
      speed: 240,
      stateDir: paths.aws,
      ministackPython,
      servingPython,
      programDirectory: repoRoot,
      sageMaker: { launcherFor: (container) => fleet.launcherFor(container), lastDeploymentConfig: "filled" },
    });
    client = new SageMakerClient({ endpoint: aws.url, region: aws.region, credentials: aws.credentials });
    configFile = join(folder, "Pulumi.local.yaml");
    await configure({});
    deployment = await Deployment.openAt({
      stackName: "local",
      projectFolder: repoRoot,
      configFile,
      paths,
      providerPort: aws.providerPort,
      environment: awsEnvironment(aws),
    });
    endpointName = String((await deployment.up(step, signal)).outputs["endpointName"]);
  });

  after(async () => {
    client.destroy();
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  async function configure(settings: Readonly<Record<string, unknown>>): Promise<void> {
    const file = parse(await readFile(join(repoRoot, "Pulumi.local.yaml"), "utf8")) as {
      config: Record<string, unknown>;
    };
    const changes = { modelArtifact: join(folder, "model.tar.gz"), ...settings };
    for (const [key, value] of Object.entries(changes)) file.config[`async-video-inference:${key}`] = value;
    await writeFile(configFile, stringify(file));
  }

  const last = async () =>
    (await client.send(new DescribeEndpointCommand({ EndpointName: endpointName }))).LastDeploymentConfig;

  /** Asserts that neither a drift check, nor a refresh, nor a preview finds a change. */
  async function assertSettled(): Promise<void> {
    assert.equal((await last())?.BlueGreenUpdatePolicy?.MaximumExecutionTimeoutInSeconds, 28_800);
    assert.deepEqual(await deployment.drift(step, signal), []);
    assert.deepEqual((await deployment.preview(step, signal)).planned, []);
    assert.deepEqual(Object.keys(await deployment.refresh(step, signal)), ["same"]);
    assert.deepEqual((await deployment.preview(step, signal)).planned, []);
  }

  it("causes no drift after the endpoint is created, nor after an update", async () => {
    await assertSettled();
    await configure({ sampleFps: 2 });
    await deployment.up(step, signal);
    await assertSettled();
  });

  it("causes no drift with a bake time, nor after its removal", async () => {
    await configure({ bakeTime: 60 });
    await deployment.up(step, signal);
    assert.equal((await last())?.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.WaitIntervalInSeconds, 60);
    await assertSettled();
    await configure({});
    await deployment.up(step, signal);
    assert.equal((await last())?.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.WaitIntervalInSeconds, 0);
    await assertSettled();
  });
});
