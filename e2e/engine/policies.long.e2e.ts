/** Tests the effect of a stack's policy config on the engine's preview, and how the policy pack recognizes fixed names. */
import assert from "node:assert/strict";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { repoRoot } from "../../tools/paths.mjs";
import { awsEnvironment, Deployment } from "../../ops/deployment/deployment.ts";
import { PolicyRefusal } from "../../ops/deployment/deployment-errors.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { forSuite } from "../../lib/testing/fixtures.ts";
import { assertNothingCreated, localConfigWith, startPreviews } from "../testing/previews.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

describe("the engine's preview with a stack's policy config", () => {
  let folder: string;
  let paths: StatePaths;
  let aws: RunningEmulator;

  forSuite(startPreviews, (started) => ({ aws, folder, paths } = started));

  /** Writes a policy config; returns its path. */
  async function policyConfig(config: object): Promise<string> {
    const file = join(folder, "policies.json");
    await writeFile(file, JSON.stringify(config));
    return file;
  }

  it("only advises if the stack's policy config makes a policy advisory, and counts the policies that it cannot evaluate yet", async () => {
    const lenient = await policyConfig({
      "min-capacity-zero": "advisory",
      "hourly-cost-limit": "disabled",
      // As in the stack's config.
      "gpu-required": "disabled",
    });
    const deployment = await Deployment.open(aws, paths, await localConfigWith(folder, "minCapacity", "1"), lenient);
    const { advisories, notEvaluated } = await deployment.preview(step, signal);
    assert.ok(
      advisories.some((advisory) => /^min-capacity-zero .*Set its minCapacity to 0/s.test(advisory)),
      advisories.join("\n"),
    );
    assert.ok(notEvaluated > 0);
    await assertNothingCreated(aws);
  });

  it("takes a limit from the stack's policy config", async () => {
    const strict = await policyConfig({ "max-capacity-limit": { limit: 1 } });
    const deployment = await Deployment.open(aws, paths, undefined, strict);
    await assert.rejects(deployment.preview(step, signal), /max-capacity-limit .*Set its maxCapacity to at most 1/s);
  });

  it("refuses a fixed name, but not a name that Pulumi generated", async () => {
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
new Model("generated", args);
new Model("fixed", { ...args, name: "detector" });
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
      assert.match(error.message, /no-fixed-name .*'fixed' has the fixed name detector\. Remove name/s);
      assert.doesNotMatch(error.message, /'generated'/);
      return true;
    });
  });
});
