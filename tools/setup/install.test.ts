import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "mocha";
import { Machine } from "../testing/machine.ts";
import { installOnce, isComplete } from "./install.mjs";

/** Returns an installation with one file, its build function, and a count of its builds. */
function toolIn(machine: Machine) {
  const installation = { root: join(machine.folder, "tools", "one"), files: ["tool"] };
  let builds = 0;
  const build = async (folder: string) => {
    builds += 1;
    assert.ok(!existsSync(join(installation.root, "half")));
    await writeFile(join(folder, "tool"), `build ${builds}`);
  };
  return { installation, build, builds: () => builds };
}

describe("an installed folder", () => {
  it("is built once", async () => {
    await using machine = await Machine.create();
    const { installation, build, builds } = toolIn(machine);
    assert.equal(isComplete(installation), false);
    await installOnce(installation, machine.context, build);
    assert.equal(isComplete(installation), true);
    await installOnce(installation, machine.context, build);
    assert.equal(builds(), 1);
    assert.deepEqual(await readdir(dirname(installation.root)), ["one"]);
  });

  it("is built once for two steps that need it at the same time", async () => {
    await using machine = await Machine.create();
    const { installation, build, builds } = toolIn(machine);
    await Promise.all([1, 2].map(() => installOnce(installation, machine.context, build)));
    assert.equal(builds(), 1);
    assert.deepEqual(machine.reports, ["waiting for another step"]);
  });

  it("does not exist after a failed build, and is built by the next try", async () => {
    await using machine = await Machine.create();
    const { installation, build } = toolIn(machine);
    const fail = async (folder: string) => {
      await writeFile(join(folder, "tool"), "half");
      throw new Error("no space left on device");
    };
    await assert.rejects(installOnce(installation, machine.context, fail), /no space left/);
    assert.deepEqual(await readdir(dirname(installation.root)), []);
    await installOnce(installation, machine.context, build);
    assert.equal(isComplete(installation), true);
  });

  for (const { damage, harm } of [
    { damage: "lost a file", harm: (root: string) => rm(join(root, "tool")) },
    { damage: "has a truncated file", harm: (root: string) => writeFile(join(root, "tool"), "b") },
    { damage: "lost its marker", harm: (root: string) => rm(join(root, ".complete")) },
    { damage: "has an empty marker", harm: (root: string) => writeFile(join(root, ".complete"), "") },
  ]) {
    it(`is built again if it ${damage}`, async () => {
      await using machine = await Machine.create();
      const { installation, build, builds } = toolIn(machine);
      await installOnce(installation, machine.context, build);
      await harm(installation.root);
      assert.equal(isComplete(installation), false);
      await installOnce(installation, machine.context, build);
      assert.equal(isComplete(installation), true);
      assert.equal(builds(), 2);
      assert.equal(await readFile(join(installation.root, "tool"), "utf8"), "build 2");
    });
  }

  it("replaces only the temporary folders of killed setups", async () => {
    await using machine = await Machine.create();
    const { installation, build } = toolIn(machine);
    await mkdir(join(`${installation.root}.tmp-99999`, "half"), { recursive: true });
    await mkdir(`${installation.root}-other`);
    await installOnce(installation, machine.context, build);
    assert.deepEqual((await readdir(dirname(installation.root))).sort(), ["one", "one-other"]);
  });
});
