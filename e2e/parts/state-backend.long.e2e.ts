/** Deploys the bootstrap on the emulator and uses it: the real engine keeps a stack's state in its bucket, with secrets encrypted by its key. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { z } from "zod";
import { recordCalls } from "../../emulator/testing/aws-calls.ts";
import type { Call } from "../../emulator/testing/aws-calls.ts";
import { configOf } from "../../ops/pipeline/ephemeral.ts";
import { awsEnvironment, Deployment, pulumiPath } from "../../ops/deployment/deployment.ts";
import { spawnEmulator } from "../../ops/local/emulator.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import { statePaths } from "../../ops/local/local-folder.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { bootstrapPolicies, bootstrapStack, copyBootstrap } from "../../ops/rehearsal/account.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

const byName = z.record(z.string(), z.string());
const outputsSchema = z.object({
  repositoryVariables: byName,
  secretsProviders: byName,
  permissionsBoundaries: byName,
  encryptionKeyArns: byName,
});

/** A program with a secret, which needs no provider. */
const program = `import { Config, Stash } from "@pulumi/pulumi";
new Stash("word", { input: new Config().requireSecret("word") });
`;

describe("the bootstrap on the emulator", () => {
  let folder: string;
  let paths: StatePaths;
  let aws: RunningEmulator;
  let bootstrapOutputs: z.infer<typeof outputsSchema>;
  let secretsProvider: string;
  let tiny: string;

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "bootstrap-")));
    paths = statePaths(folder);
    await mkdir(paths.aws, { recursive: true });
    aws = await spawnEmulator({ paths, port: 0, speed: 1, signal });
    tiny = join(folder, "tiny");
    await mkdir(tiny);
    await writeFile(
      join(tiny, "Pulumi.yaml"),
      "name: tiny\nruntime: { name: nodejs, options: { typescript: false } }\nmain: index.mjs\n",
    );
    await writeFile(join(tiny, "package.json"), '{"type":"module"}');
    await symlink(join(repoRoot, "node_modules"), join(tiny, "node_modules"));
    await writeFile(join(tiny, "index.mjs"), program);
  });

  after(async () => {
    await aws.stop();
    await rm(folder, { recursive: true });
  });

  it("is deployed by one update that passes the policy pack, and unchanged by the next", async () => {
    const deployment = await Deployment.openAt({
      stackName: bootstrapStack,
      projectFolder: await copyBootstrap(folder),
      policyConfigFile: bootstrapPolicies,
      paths,
      providerPort: aws.providerPort,
      environment: awsEnvironment(aws),
    });
    bootstrapOutputs = outputsSchema.parse((await deployment.up(step, signal)).outputs);
    const { changes } = await deployment.up(step, signal);
    assert.deepEqual(Object.keys(changes), ["same"]);
    for (const output of [
      bootstrapOutputs.secretsProviders,
      bootstrapOutputs.permissionsBoundaries,
      bootstrapOutputs.encryptionKeyArns,
    ]) {
      assert.deepEqual(Object.keys(output).sort(), ["dev", "ephemeral", "production"]);
      assert.equal(new Set(Object.values(output)).size, 3);
    }
    secretsProvider = bootstrapOutputs.secretsProviders["dev"] ?? "";
  });

  /** Runs the Pulumi CLI with the backend of the environment dev; returns its standard output and its calls to S3 and KMS. */
  async function pulumi(...args: string[]): Promise<{ stdout: string; calls: Call[] }> {
    const recorder = await recordCalls(aws);
    try {
      const { stdout } = await promisify(execFile)("pulumi", ["--non-interactive", ...args], {
        cwd: tiny,
        env: {
          ...process.env,
          ...awsEnvironment(aws),
          AWS_ENDPOINT_URL: recorder.url,
          PATH: [...pulumiPath, process.env["PATH"] ?? ""].join(delimiter),
          PULUMI_HOME: join(folder, "home"),
          PULUMI_SKIP_UPDATE_CHECK: "true",
          // The emulator's buckets have no host names.
          PULUMI_BACKEND_URL: `${bootstrapOutputs.repositoryVariables["DEV_BACKEND_URL"] ?? ""}&use_path_style=true`,
        },
      });
      return { stdout, calls: [...recorder.calls] };
    } finally {
      recorder.stop();
    }
  }

  const writes = (calls: readonly Call[]) =>
    calls.filter(({ action }) => /^s3:(Put|Delete)|^kms:(Encrypt|Generate)/.test(action));

  it("stores a stack in the environment's folder, under a lock, with secrets encrypted by its key", async () => {
    const init = await pulumi("stack", "init", "dev", "--secrets-provider", secretsProvider);
    assert.ok(init.calls.some(({ action }) => action === "kms:Encrypt"));
    await pulumi("config", "set", "--secret", "word", "hush", "--stack", "dev");
    const { calls } = await pulumi("up", "--yes", "--stack", "dev");
    const objects = writes(calls).map(({ resource }) => resource);
    assert.ok(objects.some((resource) => resource.includes("/dev/.pulumi/locks/")));
    for (const resource of objects) assert.match(resource, /^arn:aws:s3:::async-video-dev-state-\w+\/dev\/|^\*$|:kms:/);
    const { stdout } = await pulumi("stack", "export", "--stack", "dev");
    assert.doesNotMatch(stdout, /hush/);
  });

  it("keeps a pull request's stack, although every job writes its config again", async () => {
    const config = async () => {
      const template = "config:\n  tiny:word: open\n";
      await writeFile(join(tiny, "Pulumi.pr-7.yaml"), configOf("pr-7", template, secretsProvider));
    };
    await config();
    await pulumi("stack", "select", "pr-7", "--create", "--secrets-provider", secretsProvider);
    await pulumi("up", "--yes", "--stack", "pr-7");
    await config();
    await pulumi("stack", "select", "pr-7", "--create", "--secrets-provider", secretsProvider);
    await pulumi("up", "--yes", "--stack", "pr-7");
    await config();
    await pulumi("destroy", "--yes", "--remove", "--stack", "pr-7");
    const { stdout } = await pulumi("stack", "ls", "--json");
    assert.doesNotMatch(stdout, /pr-7/);
  });

  it("is only read by previews and drift checks, which take no lock", async () => {
    for (const command of [["preview"], ["refresh", "--preview-only"]]) {
      const { calls } = await pulumi(...command, "--stack", "dev");
      assert.ok(calls.some(({ action }) => action === "s3:GetObject"));
      assert.ok(calls.some(({ action }) => action === "kms:Decrypt"));
      assert.deepEqual(writes(calls), []);
    }
  });
});
