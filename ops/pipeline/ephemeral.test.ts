import assert from "node:assert/strict";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { parse } from "yaml";
import { parseConfig } from "../../infra/config.ts";
import { configOf } from "./ephemeral.ts";
import { Sandbox } from "./testing/steps.ts";

const root = join(import.meta.dirname, "..", "..");
const template = await readFile(join(root, "Pulumi.pr.yaml"), "utf8");

interface StackFile {
  readonly config: Readonly<Record<string, unknown>>;
  readonly secretsprovider?: string;
}

describe("a pull request's stack", () => {
  it("is the template, tagged with the stack's name", () => {
    const { config, secretsprovider } = parse(configOf("pr-7", template, undefined)) as StackFile;
    assert.equal(secretsprovider, undefined);
    assert.deepEqual(config["aws:defaultTags"], { tags: { project: "async-video-inference", stack: "pr-7" } });
    const rest = (from: StackFile) => Object.entries(from.config).filter(([key]) => key !== "aws:defaultTags");
    assert.deepEqual(rest({ config }), rest(parse(template) as StackFile));
  });

  it("uses the repository's secrets provider", () => {
    const provider = "awskms:///arn:aws:kms:us-east-1:123456789012:key/1a2b?region=us-east-1";
    assert.equal((parse(configOf("pr-7", template, provider)) as StackFile).secretsprovider, provider);
  });

  it("is accepted by the program, small, and deleted together with its content", () => {
    const { config } = parse(template) as StackFile;
    const values = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]));
    values["async-video-inference:modelArtifact"] = "package.json";
    const sandbox = { namespace: "async-video-inference", stack: "pr-7", projectRoot: root };
    const { minCapacity, maxCapacity, forceDestroy, protectData } = parseConfig(values, sandbox);
    assert.deepEqual(
      { minCapacity, maxCapacity, forceDestroy, protectData },
      { minCapacity: 0, maxCapacity: 1, forceDestroy: true, protectData: false },
    );
  });

  it("is written and created by the step, for the job that deploys it", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("");
    const file = join(root, "Pulumi.pr-999999999.yaml");
    try {
      const { status, stderr } = await sandbox.step(["ephemeral", "--pull-request", "999999999", "--create"]);
      assert.equal(status, 0, stderr);
      assert.match(await readFile(file, "utf8"), /stack: pr-999999999/);
      const environment = { PULUMI_SECRETS_PROVIDER: "awskms://alias/state" };
      assert.equal(
        (await sandbox.step(["ephemeral", "--pull-request", "999999999", "--create"], environment)).status,
        0,
      );
      assert.match(await readFile(file, "utf8"), /secretsprovider: awskms:\/\/alias\/state/);
      const select = "--non-interactive --color never stack select pr-999999999 --create";
      assert.deepEqual(await sandbox.calls(), [select, `${select} --secrets-provider awskms://alias/state`]);
    } finally {
      await rm(file, { force: true });
    }
  });
});
