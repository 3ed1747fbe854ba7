import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { handOver, ownerRecord } from "../../lib/lock.ts";
import { release, StackInUse, stackOwner, statePaths, takeOver } from "./local-folder.ts";
import type { StatePaths } from "./local-folder.ts";

describe("the local stack's folder", () => {
  let paths: StatePaths;

  beforeEach(async () => {
    paths = statePaths(join(await mkdtemp(join(tmpdir(), "state-")), ".local"));
  });

  afterEach(async () => {
    await rm(join(paths.root, ".."), { recursive: true });
  });

  it("belongs to the process that took it over", async () => {
    await takeOver(paths);
    assert.equal(stackOwner(paths)?.pid, process.pid);
  });

  it("is refused to a second command while the first runs", async () => {
    await takeOver(paths);
    await assert.rejects(
      takeOver(paths),
      (error: Error) => error instanceof StackInUse && error.message.includes("Wait for it to end"),
    );
  });

  it("is refused to a command while a stack is kept up, with what to do", async () => {
    await takeOver(paths);
    await writeFile(paths.ready, JSON.stringify({ pid: process.pid }));
    await assert.rejects(
      takeOver(paths),
      (error: Error) => error instanceof StackInUse && error.message.includes("npm run local:down"),
    );
  });

  it("has no lock if it cannot be written", () => {
    const script = `
      import { statePaths, takeOver } from ${JSON.stringify(new URL("local-folder.ts", import.meta.url).href)};
      await takeOver(statePaths(${JSON.stringify(paths.root)})).catch((error) => console.log(error.message));`;
    const node = [process.execPath, "--input-type=module", "--eval", script];
    // No file may grow: Node gets EFBIG, as it gets ENOSPC on a full disk.
    const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -f 0; exec "$0" "$@"', ...node], { encoding: "utf8" });
    assert.match(stdout, /^Cannot write .*\/\.local\/lock: EFBIG\n$/, stderr);
    assert.equal(existsSync(paths.lock), false);
  });

  it("is free again once released", async () => {
    await takeOver(paths);
    await release(paths);
    assert.equal(stackOwner(paths), undefined);
    await takeOver(paths);
  });

  it("loses Pulumi's state and the emulators' data together after a crash, and keeps the log", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    await mkdir(paths.root, { recursive: true });
    handOver(paths.lock, child.pid!);
    await mkdir(join(paths.backend, "stacks"), { recursive: true });
    await mkdir(join(paths.aws, "s3"), { recursive: true });
    await writeFile(paths.log, "last words");
    child.kill("SIGKILL");
    await once(child, "close");

    await takeOver(paths);

    assert.equal(existsSync(paths.backend), false);
    assert.equal(existsSync(paths.aws), false);
    assert.equal(await readFile(paths.log, "utf8"), "last words");
  });

  it("is taken over from a lock that was cut off while it was written", async () => {
    await mkdir(paths.root, { recursive: true });
    await writeFile(paths.lock, '{"pid": 1');
    await takeOver(paths);
    assert.equal(stackOwner(paths)?.pid, process.pid);
  });

  it("is taken over from a process whose number another process has now", async function () {
    if (process.platform !== "linux") {
      this.skip();
    }
    await mkdir(paths.root, { recursive: true });
    await writeFile(paths.lock, JSON.stringify({ ...ownerRecord(), started: "1" }));
    assert.equal(stackOwner(paths), undefined);
  });

  it("is left to the process that it was handed over to", async () => {
    await takeOver(paths);
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    handOver(paths.lock, child.pid!);
    assert.equal(stackOwner(paths)?.pid, child.pid);
    child.kill("SIGKILL");
    await once(child, "close");
    assert.equal(stackOwner(paths), undefined);
  });
});
