import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { link, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { ownerRecord } from "./lock.mjs";
import { repoRoot } from "./paths.mjs";
import { Machine } from "./testing/machine.ts";

const clean = join(repoRoot, "tools", "clean.mjs");

/** Fills the cache with one environment, and one CLI with two names. */
async function fillCache(machine: Machine): Promise<void> {
  const environment = join(machine.cache, "python", "serving-1");
  const cli = join(machine.cache, "pulumi", "3.0.0", "cli");
  const root = join(machine.cache, "pulumi", "3.0.0", "root");
  for (const folder of [environment, cli, root]) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, ".complete"), "");
  }
  await writeFile(join(environment, "lib"), Buffer.alloc(3_000_000));
  await writeFile(join(cli, "pulumi"), Buffer.alloc(2_000_000));
  await link(join(cli, "pulumi"), join(root, "pulumi"));
}

describe("the command tools/clean.mjs", () => {
  it("removes what setup cached, and prints the size of each folder and the freed space", async () => {
    await using machine = await Machine.create();
    await fillCache(machine);
    const { status, stdout } = await machine.run(clean, "--yes");
    assert.equal(status, 0);
    assert.match(stdout, /^python\/serving-1: 0\.00 GB$/m);
    assert.match(stdout, /^Freed 0\.01 GB\.$/m);
    assert.ok(!existsSync(machine.cache));
  });

  it("counts a file with two names once, and does not count it as freed if another folder has a link to it", async () => {
    await using machine = await Machine.create();
    await fillCache(machine);
    await link(join(machine.cache, "python", "serving-1", "lib"), join(machine.folder, "uv-cache"));
    const { stdout } = await machine.run(clean, "--yes", "--json");
    const report: unknown = JSON.parse(stdout);
    assert.ok(typeof report === "object" && report !== null && "freed" in report && "items" in report);
    assert.ok(Number(report.freed) >= 2_000_000 && Number(report.freed) < 2_500_000, stdout);
    assert.ok(Array.isArray(report.items));
    const paths = report.items.map((item: { path: string }) => item.path).sort();
    assert.deepEqual(paths, ["pulumi/3.0.0/cli", "pulumi/3.0.0/root", "python/serving-1"]);
  });

  it("keeps files that setup did not create", async () => {
    await using machine = await Machine.create();
    await fillCache(machine);
    const foreign = ["mine", "python/mine", "pulumi/mine/deep"].map((path) => join(machine.cache, path));
    for (const folder of foreign) await mkdir(folder, { recursive: true });
    await machine.run(clean, "--yes");
    assert.ok(!existsSync(join(machine.cache, "python", "serving-1")));
    for (const folder of foreign.slice(0, 2)) assert.ok(existsSync(folder), folder);
    assert.ok(existsSync(join(machine.cache, "pulumi", "mine", "deep")));
  });

  it("removes files of killed setups", async () => {
    await using machine = await Machine.create();
    const leftover = join(machine.cache, "python", "serving-1.tmp-99999");
    await mkdir(leftover, { recursive: true });
    await writeFile(
      join(machine.cache, "python", "serving-1.lock"),
      JSON.stringify({ ...ownerRecord(), pid: 999_999_999 }),
    );
    const { status } = await machine.run(clean, "--yes");
    assert.equal(status, 0);
    assert.ok(!existsSync(machine.cache));
  });

  it("does not follow links out of the cache", async () => {
    await using machine = await Machine.create();
    await fillCache(machine);
    const outside = join(machine.folder, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "file"), "");
    await symlink(outside, join(machine.cache, "python", "serving-1", "link"));
    await machine.run(clean, "--yes");
    assert.ok(existsSync(join(outside, "file")));
  });

  it("refuses while setup is running", async () => {
    await using machine = await Machine.create();
    await fillCache(machine);
    await writeFile(join(machine.cache, "python", "serving-2.lock"), JSON.stringify(ownerRecord()));
    const { status, stderr } = await machine.run(clean, "--yes");
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`Setup is running .*process ${process.pid}`));
    assert.ok(existsSync(join(machine.cache, "python", "serving-1")));
  });

  it("refuses while a process of any clone uses the cache", async () => {
    await using machine = await Machine.create();
    await fillCache(machine);
    const user = spawn("sh", ["-c", 'sleep 60; echo "$0"', join(machine.cache, "python", "serving-1", "lib")]);
    try {
      await once(user, "spawn");
      const { status, stderr } = await machine.run(clean, "--yes");
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`Process ${user.pid ?? 0} uses .*all clones`));
      assert.ok(existsSync(join(machine.cache, "python", "serving-1")));
    } finally {
      user.kill("SIGKILL");
    }
  });

  it("removes nothing without --yes if there is no terminal to ask", async () => {
    await using machine = await Machine.create();
    await fillCache(machine);
    const { status, stderr } = await machine.run(clean);
    assert.equal(status, 2);
    assert.match(stderr, /All clones of this user share .* Add --yes/);
    assert.ok(existsSync(join(machine.cache, "python", "serving-1")));
  });

  it("prints that the cache is empty", async () => {
    await using machine = await Machine.create();
    const { status, stdout } = await machine.run(clean, "--yes");
    assert.equal(status, 0);
    assert.match(stdout, /^Freed 0\.00 GB: .* is empty\.$/m);
  });

  it("prints its usage, and refuses an unknown option", async () => {
    await using machine = await Machine.create();
    assert.match((await machine.run(clean, "--help")).stdout, /usage: npm run clean/);
    assert.equal((await machine.run(clean, "--everything")).status, 2);
  });
});
