/** Tests what is measured of an instance's processes and its folder. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import { UsageMeter } from "./usage.ts";

/** A process whose only child does the given work; it prints a line when the work is under way. */
async function familyThat(work: string): Promise<ChildProcess> {
  const child = `${work}; console.log("started"); setInterval(() => {}, 1000)`;
  const script = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" })`;
  const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"], detached: true });
  await once(parent.stdout, "data");
  return parent;
}

describe("the use of an instance", () => {
  let folder: string;
  let family: ChildProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "usage-"));
  });

  afterEach(() => {
    if (family?.pid !== undefined) process.kill(-family.pid, "SIGKILL");
    family = undefined;
    rmSync(folder, { recursive: true });
  });

  it("counts the processor time of all descendants since the previous reading", async () => {
    family = await familyThat("setImmediate(function again() { setImmediate(again); })");
    const meter = new UsageMeter({ pid: family.pid ?? 0, folder });
    await sleep(1_000);
    const { cpu = NaN } = meter.read();
    // The child keeps one core busy, as far as the machine lets it.
    assert.ok(cpu > 2 && cpu < 250, `${cpu} % is not the use of one core`);
  });

  it("is measured once per second at most", () => {
    const meter = new UsageMeter({ pid: process.pid, folder });
    const first = meter.read();
    writeFileSync(join(folder, "model.bin"), "x");
    assert.deepEqual(meter.read(), first);
  });

  it("counts the memory of all descendants as a share of the machine's", async () => {
    const bytes = 100_000_000;
    family = await familyThat(`globalThis.kept = Buffer.alloc(${bytes}, 1)`);
    const { memory = NaN } = new UsageMeter({ pid: family.pid ?? 0, folder }).read();
    const share = (100 * bytes) / totalmem();
    assert.ok(memory > share && memory < 100, `${memory} is not above ${share}`);
  });

  it("counts the files of the instance's folder as a share of the file system", () => {
    writeFileSync(join(folder, "model.bin"), Buffer.alloc(5_000_000));
    const { blocks, bsize } = statfsSync(folder);
    const { disk } = new UsageMeter({ pid: process.pid, folder }).read();
    assert.equal(disk, (100 * 5_000_000) / (blocks * bsize));
  });

  for (const [what, path] of [
    ["is gone", "missing"],
    ["is no folder any more", "file"],
  ] as const) {
    it(`has no share of the file system if the folder ${what}`, () => {
      writeFileSync(join(folder, "file"), "x");
      const { disk } = new UsageMeter({ pid: process.pid, folder: join(folder, path) }).read();
      assert.equal(disk, undefined);
    });
  }
});
