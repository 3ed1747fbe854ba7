/** Tests that each command that starts the emulator prints why MiniStack does not start, and leaves nothing. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, describe, it } from "mocha";
import { failing, failure, pythonThatFirst, untilThereIs } from "../../emulator/testing/delayed-ministack.ts";
import { cacheRoot, ministack } from "../../tools/paths.mjs";
import { localState } from "../../ops/local/local-stack.ts";
import { leftProcesses, run } from "../../ops/testing/commands.ts";
import { freePort } from "../../lib/ports.ts";
import { takeDownLeftover } from "../testing/leftover-stack.ts";

/** Links setup's cache into a folder, with a MiniStack that fails once the emulator listens. */
async function cacheWithoutMiniStack(folder: string): Promise<void> {
  const environments = join(folder, "python");
  const broken = join(environments, basename(ministack.root));
  await mkdir(join(broken, "bin"), { recursive: true });
  await pythonThatFirst(`${untilThereIs(localState.ready)}\n${failing}`, join(broken, "bin"));
  for (const [from, to] of [
    [cacheRoot, folder],
    [join(cacheRoot, "python"), environments],
  ] as const) {
    for (const name of await readdir(from)) {
      if (!existsSync(join(to, name))) await symlink(join(from, name), join(to, name));
    }
  }
}

before(() => takeDownLeftover());

describe("MiniStack's failure to start", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cache-"));
    await cacheWithoutMiniStack(folder);
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  for (const [command, args] of [
    ["npm start", ["ops/main.ts", "start"]],
    ["npm run local:up", ["ops/main.ts", "local", "up"]],
    ["npm run ci:rehearse", ["ops/main.ts", "rehearse"]],
  ] as const) {
    it(`ends ${command} with its reason`, async () => {
      const { status, stdout, stderr } = await run([...args, "--port", String(await freePort())], {
        ASYNC_VIDEO_INFERENCE_CACHE: folder,
      }).finished;
      assert.equal(status, 1, stderr);
      assert.equal(stdout, "");
      assert.match(stderr.trimEnd().split("\n").slice(-2).join("\n"), failure);
      assert.deepEqual(await leftProcesses(), []);
      assert.equal(existsSync(localState.lock), false, "the lock is left");
      assert.equal(existsSync(localState.backend), false, "Pulumi's state is left");
    });
  }
});
