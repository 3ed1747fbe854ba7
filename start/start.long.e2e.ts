/** Late ends of `npm start`: each run deploys the stack first. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assertNothingLeft } from "./testing/assert-nothing-left.ts";
import { freePort, run } from "./testing/commands.ts";
import { takeDownLeftover } from "./testing/leftover-stack.ts";

const start = (...args: string[]) => run(["start/main.ts", ...args]);

before(() => takeDownLeftover());

describe("npm start once it has deployed", () => {
  let port: string;

  beforeEach(async () => {
    port = String(await freePort());
  });

  afterEach(assertNothingLeft);

  it("ends with the handler's reason for a file that only begins as a video", async () => {
    const folder = await mkdtemp(join(tmpdir(), "start-"));
    try {
      const video = join(folder, "notes.mp4");
      await writeFile(video, `\0\0\0\x20ftypisom${"These are notes, not a video.\n".repeat(100)}`);
      const { status, stderr } = await start("--video", video, "--port", port).finished;
      assert.equal(status, 1, stderr);
      assert.match(stderr.trim().split("\n").at(-1)!, /not a video/i);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('leaves nothing when Ctrl-C comes at "… Waiting for zero", after a run that was killed', async () => {
    const killed = start("--port", String(await freePort()));
    await killed.said(/✓ Starting AWS/);
    killed.child.kill("SIGKILL");
    await killed.finished;
    await interruptedAt(/… Waiting for zero/);
  });

  it('leaves nothing when Ctrl-C comes at "… Waiting for the result"', async () => {
    await interruptedAt(/… Waiting for the result/);
  });

  async function interruptedAt(words: RegExp): Promise<void> {
    const running = start("--port", port);
    await running.said(words);
    running.child.kill("SIGINT");
    const { status, stderr } = await running.finished;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /Stopped by SIGINT/);
  }
});
