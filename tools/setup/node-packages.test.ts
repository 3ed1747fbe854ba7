import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { Machine } from "../testing/machine.ts";
import { nodePackages, requireNode } from "./node-packages.mjs";

const lock = {
  packages: {
    "": { name: "project" },
    "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
    "node_modules/a/node_modules/b": { version: "2.0.0", integrity: "sha512-b", dev: true },
    "node_modules/elsewhere": { version: "3.0.0", integrity: "sha512-c", optional: true },
  },
};

/** Creates a clone with a lock file, and an `npm` that installs its packages except the one for another platform. */
async function clone(machine: Machine) {
  const root = join(machine.folder, "clone");
  await mkdir(root);
  await writeFile(join(root, "package-lock.json"), JSON.stringify(lock));
  const installed = { packages: { ...lock.packages, "": undefined, "node_modules/elsewhere": undefined } };
  await writeFile(join(machine.folder, "list.json"), JSON.stringify(installed));
  await machine.realCommands("rm", "mkdir", "cp");
  await machine.command(
    "npm",
    `echo "$*" >> ${machine.folder}/npm.log
rm -rf node_modules && mkdir -p node_modules/a/node_modules/b || exit 1
: > node_modules/a/package.json
: > node_modules/a/node_modules/b/package.json
cp ${machine.folder}/list.json node_modules/.package-lock.json`,
  );
  const step = nodePackages(root, join(machine.folder, "state"));
  const calls = async () => {
    const log = join(machine.folder, "npm.log");
    return existsSync(log) ? (await readFile(log, "utf8")).trim().split("\n") : [];
  };
  return { root, step, calls };
}

describe("the Node packages of a clone", () => {
  it("are installed from the lock file, without scripts, once", async () => {
    await using machine = await Machine.create();
    const { step, calls } = await clone(machine);
    assert.equal(step.isReady(), false);
    await step.install(machine.context);
    assert.equal(step.isReady(), true);
    await step.install(machine.context);
    const log = await calls();
    assert.equal(log.length, 1);
    assert.match(log[0] ?? "", /^ci --ignore-scripts/);
  });

  it("are counted while npm installs them", async () => {
    await using machine = await Machine.create();
    const { root, step } = await clone(machine);
    await machine.realCommands("sleep");
    const script = await readFile(join(machine.bin, "npm"), "utf8");
    await writeFile(join(machine.bin, "npm"), script.replace(/^: > .*b\/package\.json$/m, "sleep 3\n$&"));
    await step.install(machine.context);
    assert.ok(existsSync(join(root, "node_modules", "a", "package.json")));
    assert.ok(machine.reports.includes("npm ci, 1 of 2 packages"), machine.reports.join("\n"));
  });

  it("are kept if the user has installed them with npm", async () => {
    await using machine = await Machine.create();
    const { root, step, calls } = await clone(machine);
    await step.install(machine.context);
    await rm(join(root, "node_modules", ".installed"));
    assert.equal(step.isReady(), true);
    assert.equal((await calls()).length, 1);
  });

  for (const { damage, harm } of [
    { damage: "a package is missing", harm: (root: string) => rm(join(root, "node_modules", "a", "package.json")) },
    {
      damage: "the lock file has another version",
      harm: (root: string) =>
        writeFile(join(root, "package-lock.json"), JSON.stringify(lock).replace("2.0.0", "2.0.1")),
    },
    {
      damage: "an installation was interrupted",
      harm: async (root: string) => {
        await rm(join(root, "node_modules", ".installed"));
        await rm(join(root, "node_modules", ".package-lock.json"));
      },
    },
  ]) {
    it(`are not ready if ${damage}`, async () => {
      await using machine = await Machine.create();
      const { root, step } = await clone(machine);
      await step.install(machine.context);
      await harm(root);
      assert.equal(step.isReady(), false);
    });
  }

  it("are installed again after an installation that was interrupted", async () => {
    await using machine = await Machine.create();
    const { root, step, calls } = await clone(machine);
    await mkdir(join(root, "node_modules", "a"), { recursive: true });
    assert.equal(step.isReady(), false);
    await step.install(machine.context);
    assert.equal(step.isReady(), true);
    assert.equal((await calls()).length, 1);
  });

  it("cause an error if they do not match the lock file after npm ci", async () => {
    await using machine = await Machine.create();
    const { root, step } = await clone(machine);
    await writeFile(join(root, "package-lock.json"), JSON.stringify(lock).replace("sha512-a", "sha512-z"));
    await assert.rejects(step.install(machine.context), /npm ci succeeded, but .*node_modules does not match/);
  });

  it("require npm on the PATH, or fail with its name", async () => {
    await using machine = await Machine.create();
    const { step } = await clone(machine);
    await rm(join(machine.bin, "npm"));
    await assert.rejects(step.install(machine.context), /npm is not on the PATH\. Install Node 20 or newer/);
  });
});

describe("the Node of npm's scripts", () => {
  it("is the machine's Node 24 or newer, or the one in the packages", async () => {
    await using machine = await Machine.create();
    requireNode(machine.folder, "24.0.0");
    assert.throws(() => {
      requireNode(machine.folder, "20.19.2");
    }, /Node 20\.19\.2 is too old\. Install Node 24 or newer/);
    await mkdir(join(machine.folder, "node_modules", ".bin"), { recursive: true });
    await writeFile(join(machine.folder, "node_modules", ".bin", "node"), "");
    requireNode(machine.folder, "20.19.2");
  });
});
