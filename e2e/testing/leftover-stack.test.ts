import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { handOver } from "../../lib/lock.ts";
import { statePaths } from "../../ops/local/local-folder.ts";
import type { StatePaths } from "../../ops/local/local-folder.ts";
import { testRunVariable } from "../../ops/testing/commands.ts";
import { takeDownLeftover } from "./leftover-stack.ts";

/** Returns the ID of a process that has ended. */
function endedProcess(): number {
  return spawnSync(process.execPath, ["--version"]).pid;
}

describe("a local stack that a test run has left", () => {
  let folder: string;
  let paths: StatePaths;
  let owner: ChildProcess;
  const messages: string[] = [];
  const takeDown = () => takeDownLeftover(paths, (message) => messages.push(message));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "leftover-"));
    paths = statePaths(folder);
    await mkdir(paths.backend);
    messages.length = 0;
  });
  afterEach(async () => {
    if (owner.exitCode === null && owner.signalCode === null) {
      owner.kill("SIGKILL");
      await once(owner, "close");
    }
    await rm(folder, { recursive: true });
  });

  /** Starts a process that owns the stack, with the environment of a command that a test run has started. */
  async function own(run: string | undefined): Promise<void> {
    const script = "process.stdout.write('up'); setInterval(() => {}, 1000)";
    owner = spawn(process.execPath, ["-e", script], {
      env: { ...process.env, [testRunVariable]: run },
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 50_000,
    });
    assert.ok(owner.stdout !== null && owner.pid !== undefined);
    await once(owner.stdout, "data");
    handOver(paths.lock, owner.pid);
  }

  it("is taken down if the test run has ended", async () => {
    await own(String(endedProcess()));
    const ended = once(owner, "close");
    await takeDown();
    await ended;
    assert.equal(owner.signalCode, "SIGTERM");
    assert.deepEqual(messages, [
      `A killed test run has left the local stack up (process ${owner.pid}). Taking it down.`,
    ]);
    assert.equal(existsSync(paths.lock), false);
    assert.equal(existsSync(paths.backend), false);
    await takeDown();
    assert.equal(messages.length, 1);
  });

  for (const [owned, run] of [
    ["a test run that is still active", String(process.pid)],
    ["a person", undefined],
  ] as const) {
    it(`is left up if its owner is ${owned}`, async () => {
      await own(run);
      await assert.rejects(takeDown(), { name: "StackInUse", message: new RegExp(`in use by process ${owner.pid}`) });
      assert.equal(owner.signalCode, null);
      assert.equal(existsSync(paths.lock), true);
      assert.deepEqual(messages, []);
    });
  }
});
