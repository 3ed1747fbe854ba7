/** Tests the search for stacks that share a stack's quota. */
import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { listStacks, quotaSharing } from "./quota-sharing.ts";
import type { ListStacks } from "./quota-sharing.ts";
import { readStackFile } from "./stack-file.ts";

const g4 = "ml.g4dn.xlarge";
const settings = (lines: Readonly<Record<string, string>>): string =>
  Object.entries({ "aws:region": "us-east-1", "async-video-inference:modelArtifact": "model.tar.gz", ...lines })
    .map(([key, value]) => `  ${key}: ${value}\n`)
    .join("");
const capacity = (value: number): Readonly<Record<string, string>> => ({
  "async-video-inference:maxCapacity": String(value),
});

describe("the stacks that share a quota", () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "sharing-"));
    await writeFile(join(root, "Pulumi.yaml"), "name: async-video-inference\nruntime: nodejs\n");
    await write("prod", capacity(5));
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  const write = (name: string, lines: Readonly<Record<string, string>>) =>
    writeFile(join(root, `Pulumi.${name}.yaml`), `config:\n${settings(lines)}`);
  const sharing = async (names: readonly string[] = []) =>
    await quotaSharing(await readStackFile(root, "prod"), g4, "us-east-1", {}, () => Promise.resolve(names));

  it("are those of the same type, region and account, by their files", async () => {
    await write("dev", capacity(2));
    await write("large", { ...capacity(3), "async-video-inference:instanceType": "ml.g5.xlarge" });
    await write("europe", { ...capacity(4), "aws:region": "eu-west-1" });
    await write("local", capacity(2));
    assert.deepEqual(await sharing(), { stacks: [{ name: "dev", maxCapacity: 2 }], unknown: [] });
  });

  it("exclude those that can only be in other accounts", async () => {
    await write("prod", { ...capacity(5), "aws:allowedAccountIds": '["111111111111"]' });
    await write("other", { ...capacity(2), "aws:allowedAccountIds": '["222222222222"]' });
    await write("same", { ...capacity(3), "aws:allowedAccountIds": '["222222222222", "111111111111"]' });
    await write("anywhere", capacity(1));
    assert.deepEqual(
      (await sharing()).stacks.map(({ name }) => name),
      ["anywhere", "same"],
    );
  });

  it("include pull requests' stacks in the backend, but not their template", async () => {
    await write("pr", capacity(1));
    assert.deepEqual((await sharing(["prod", "dev", "team/pr-12", "pr-7", "pr-x"])).stacks, [
      { name: "team/pr-12", maxCapacity: 1 },
      { name: "pr-7", maxCapacity: 1 },
    ]);
    assert.deepEqual((await sharing(["prod"])).stacks, []);
    await write("pr-7", capacity(1));
    assert.deepEqual((await sharing(["pr-7"])).stacks, [{ name: "pr-7", maxCapacity: 1 }]);
  });

  it("are unknown if a file is invalid or the backend does not answer", async () => {
    await write("pr", capacity(1));
    await write("dev", { "async-video-inference:maxCapacity": "none" });
    const list: ListStacks = () => Promise.reject(new Error("no backend"));
    const { stacks, unknown } = await quotaSharing(await readStackFile(root, "prod"), g4, "us-east-1", {}, list);
    assert.deepEqual(stacks, []);
    assert.deepEqual(unknown, ["dev (Pulumi.dev.yaml is not valid)", "pull requests' stacks (no backend)"]);
  });

  it("are listed by the Pulumi CLI", async () => {
    const cli = join(root, "pulumi");
    await writeFile(cli, `#!/bin/sh\ntest "$1 $2 $3" = "stack ls --json" && echo '[{"name":"dev"},{"name":"pr-7"}]'\n`);
    await chmod(cli, 0o755);
    assert.deepEqual(await listStacks(root, { PATH: `${root}:${process.env["PATH"] ?? ""}` }), ["dev", "pr-7"]);
  });
});
