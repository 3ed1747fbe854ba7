/** Tests with the real engine that the fields that SageMaker adds to an endpoint's last deployment configuration cause no drift and no update. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { DescribeEndpointCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { awsEnvironment, Deployment } from "../../ops/deployment/deployment.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { startEngineTestEnvironment } from "../testing/environment.ts";
import type { EngineTestEnvironment } from "../testing/environment.ts";

const { signal } = new AbortController();
const step = { detail: () => undefined };

describe("a deployment configuration to which SageMaker adds fields", () => {
  let environment: EngineTestEnvironment;
  let client: SageMakerClient;
  let configFile: string;
  let deployment: Deployment;
  let endpointName: string;

  before(async () => {
    environment = await startEngineTestEnvironment(240, { lastDeploymentConfig: "filled" });
    const { aws, folder, paths } = environment;
    client = new SageMakerClient({ endpoint: aws.url, region: aws.region, credentials: aws.credentials });
    configFile = join(folder, "Pulumi.local.yaml");
    await configure();
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
    await environment[Symbol.asyncDispose]();
  });

  async function configure(...settings: readonly string[]): Promise<void> {
    const changes = [`modelArtifact=${environment.artifact}`, ...settings].map(parseSetting);
    await changeSettings(join(repoRoot, "Pulumi.local.yaml"), configFile, changes);
  }

  const last = async () =>
    (await client.send(new DescribeEndpointCommand({ EndpointName: endpointName }))).LastDeploymentConfig;

  /** Asserts that neither a drift check nor a refresh finds a change. Every preview of this project is a drift check (Pulumi.yaml). */
  async function assertSettled(): Promise<void> {
    assert.equal((await last())?.BlueGreenUpdatePolicy?.MaximumExecutionTimeoutInSeconds, 28_800);
    assert.deepEqual(await deployment.drift(step, signal), []);
    assert.deepEqual(Object.keys(await deployment.refresh(step, signal)), ["same"]);
  }

  it("causes no drift after the endpoint is created, nor after an update", async () => {
    await assertSettled();
    await configure("sampleFps=2");
    await deployment.up(step, signal);
    await assertSettled();
  });

  it("causes no drift with a bake time, nor after its removal", async () => {
    await configure("bakeTime=60");
    await deployment.up(step, signal);
    assert.equal((await last())?.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.WaitIntervalInSeconds, 60);
    await assertSettled();
    await configure();
    await deployment.up(step, signal);
    assert.equal((await last())?.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.WaitIntervalInSeconds, 0);
    await assertSettled();
  });
});
