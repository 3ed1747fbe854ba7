import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { ListEndpointsCommand, ListModelsCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { repoRoot } from "../tools/paths.mjs";
import { awsEnvironment, Deployment, PolicyRefusal } from "./deployment.ts";
import type { RunningLocalAws } from "./local-aws.ts";
import { statePaths, type StatePaths } from "./state.ts";
import { sharedTestGround } from "./testing/ground.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

describe("the engine's preview with the policy pack", () => {
  let folder: string;
  let paths: StatePaths;
  let aws: RunningLocalAws;

  before(async () => {
    ({ aws } = await sharedTestGround());
    folder = await mkdtemp(join(tmpdir(), "policies-"));
    paths = statePaths(folder);
  });

  after(() => rm(folder, { recursive: true }));

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
      credentials: aws.credentials,
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

  it("stops at an abort that comes before the engine runs", async () => {
    const deployment = await Deployment.open(aws, paths);
    const abort = new AbortController();
    const previewed = deployment.preview(step, abort.signal);
    abort.abort(new Error("stop"));
    await assert.rejects(previewed, { message: "stop" });
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

  /** A policy pack config that says one thing. */
  async function policyConfig(config: object): Promise<string> {
    const file = join(folder, "policies.json");
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  it("only advises where the stack's policy config says so, and says what it cannot check yet", async () => {
    const lenient = await policyConfig({
      "min-capacity-zero": "advisory",
      "hourly-cost-limit": "disabled",
      // As the stack's own config has it.
      "gpu-required": "disabled",
    });
    const deployment = await Deployment.open(aws, paths, await configWith("minCapacity", "1"), lenient);
    const { advisories, notYetCheckable } = await deployment.preview(step, signal);
    assert.ok(
      advisories.some((advisory) => /^min-capacity-zero .*Set its minCapacity to 0/s.test(advisory)),
      advisories.join("\n"),
    );
    assert.ok(notYetCheckable > 0);
    await assertNothingCreated();
  });

  it("takes a limit from the stack's policy config", async () => {
    const strict = await policyConfig({ "max-capacity-limit": { limit: 1 } });
    const deployment = await Deployment.open(aws, paths, undefined, strict);
    await assert.rejects(deployment.preview(step, signal), /max-capacity-limit .*Set its maxCapacity to at most 1/s);
  });

  it("tells names that Pulumi made from names that a program fixed", async () => {
    const project = join(folder, "fixed-name");
    await mkdir(project);
    await writeFile(join(project, "Pulumi.yaml"), "name: fixed-name\nruntime: nodejs\nmain: index.mjs\n");
    await writeFile(join(project, "package.json"), JSON.stringify({ type: "module", main: "index.mjs" }));
    await symlink(join(repoRoot, "node_modules"), join(project, "node_modules"));
    await writeFile(
      join(project, "index.mjs"),
      `import { Model } from "@pulumi/aws/sagemaker/model.js";
const args = {
  executionRoleArn: "arn:aws:iam::000000000000:role/execution",
  primaryContainer: { image: "000000000000.dkr.ecr.us-east-1.amazonaws.com/own:1" },
  tags: { project: "fixed-name", stack: "local" },
};
new Model("made", args);
new Model("given", { ...args, name: "detector" });
`,
    );
    const deployment = await Deployment.openAt({
      stackName: "local",
      projectFolder: project,
      paths,
      providerPort: aws.providerPort,
      environment: awsEnvironment(aws),
    });
    await assert.rejects(deployment.preview(step, signal), (error: Error) => {
      assert.ok(error instanceof PolicyRefusal, String(error));
      assert.match(error.message, /no-fixed-name .*'given' has the fixed name detector\. Remove name/s);
      assert.doesNotMatch(error.message, /'made'/);
      return true;
    });
  });
});
