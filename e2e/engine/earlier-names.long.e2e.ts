/** Updates a stack that an earlier version deployed, whose resource names do not contain the stack's name. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { DescribeEndpointConfigCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { repoRoot } from "../../tools/paths.mjs";
import { awsEnvironment, Deployment } from "../../ops/deployment/deployment.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import { earlierProgram } from "../testing/earlier-program.ts";
import { startEngineTestEnvironment } from "../testing/environment.ts";
import type { EngineTestEnvironment } from "../testing/environment.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

describe("a stack with resource names of an earlier version", () => {
  let environment: EngineTestEnvironment;
  let deployment: Deployment;
  let earlier: Record<string, unknown>;

  before(async () => {
    environment = await startEngineTestEnvironment(60);
    const { aws, paths, folder, artifact } = environment;
    const configFile = join(folder, "Pulumi.local.yaml");
    await changeSettings(join(repoRoot, "Pulumi.local.yaml"), configFile, [parseSetting(`modelArtifact=${artifact}`)]);
    const { providerPort } = aws;
    const stack = { stackName: "local", configFile, paths, providerPort, environment: awsEnvironment(aws) };
    // Every resource then has its earlier logical name.
    const withoutStack = { file: "stack-name.ts", current: "return `video-${stack}`;", previous: "return `video`;" };
    const earlierDeployment = await Deployment.openAt({
      ...stack,
      projectFolder: await earlierProgram(folder, [withoutStack]),
    });
    ({ outputs: earlier } = await earlierDeployment.up(step, signal));
    deployment = await Deployment.openAt({ ...stack, projectFolder: repoRoot });
  });

  after(() => environment[Symbol.asyncDispose]());

  it("keeps its data, gets a new endpoint, and passes the policies", async () => {
    const { planned } = await deployment.preview(step, signal);
    const replaced = planned
      .filter(({ operation }) => operation === "replace")
      .map(({ type }) => type.split(":").at(-1));
    assert.deepEqual(replaced.sort(), ["Dashboard", "Policy", "Policy", "Policy", "Policy", "Target"]);
    const isOfEndpoint = (type: string) =>
      /:(Endpoint|EndpointConfiguration|LogGroup|Model|Role|RolePolicy|Stash|AsyncEndpoint)$/.test(type);
    for (const operation of ["create", "delete"]) {
      const others = planned.filter((each) => each.operation === operation && !isOfEndpoint(each.type));
      assert.deepEqual(others, []);
    }

    const { outputs } = await deployment.up(step, signal);
    for (const name of ["inputBucket", "outputLocation", "successTopicArn", "errorQueueUrl", "callerPolicyArn"]) {
      assert.equal(outputs[name], earlier[name]);
    }
    assert.match(String(earlier["endpointName"]), /^video-endpoint-/);
    assert.match(String(outputs["endpointName"]), /^video-local-endpoint-/);
  });

  it("has no further changes, and new names of its model and endpoint configuration", async () => {
    const { changes, outputs } = await deployment.up(step, signal);
    assert.deepEqual(Object.keys(changes), ["same"]);
    const { url: endpoint, region, credentials } = environment.aws;
    const sagemaker = new SageMakerClient({ endpoint, region, credentials });
    const EndpointConfigName = String(outputs["endpointConfigName"]);
    const { ProductionVariants: variants } = await sagemaker.send(
      new DescribeEndpointConfigCommand({ EndpointConfigName }),
    );
    sagemaker.destroy();
    assert.match(EndpointConfigName, /^video-local-config-/);
    assert.match(String(variants?.[0]?.ModelName), /^video-local-model-/);
  });

  it("is destroyed completely", async () => {
    await deployment.destroy(step, signal);
    assert.deepEqual((await deployment.preview(step, signal)).changes.same, undefined);
  });
});
