/** Tests the end of `npm start` after the deployment: Ctrl-C and videos that cannot be decoded. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, before, beforeEach, describe, it } from "mocha";
import { repoRoot } from "../../tools/paths.mjs";
import { assertNothingLeft } from "../testing/assert-nothing-left.ts";
import { run } from "../../ops/testing/commands.ts";
import { freePort } from "../../lib/ports.ts";
import { takeDownLeftover } from "../testing/leftover-stack.ts";

const sample = join(repoRoot, "model", "samples", "street.mp4");
const start = (...args: string[]) => run(["ops/main.ts", "start", ...args]);

before(() => takeDownLeftover());

describe("npm start after the deployment", () => {
  let folder: string;
  let port: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "start-"));
    port = String(await freePort());
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
    await assertNothingLeft();
  });

  it("prints the result before it takes the stack down, and its folder after Ctrl-C", async () => {
    const video = join(folder, "my street.mp4");
    await copyFile(sample, video);
    const running = start("--video", video, "--weights", "small", "--port", port);
    await running.said(/… Destroying the stack/);
    running.child.kill("SIGINT");
    const { status, stdout, stderr } = await running.finished;
    assert.equal(status, 130, stderr);
    assert.ok(stdout.includes(`video         ${video}\n`), stdout);
    const [, annotated = ""] = /^annotated +(out\/run-\d+\/annotated\.mp4)$/m.exec(stdout) ?? [];
    assert.ok(existsSync(join(repoRoot, annotated)), stdout);
    assert.ok(
      stderr.endsWith(`Stopped by SIGINT. The stack is removed. The result is in ${dirname(annotated)}.\n`),
      stderr,
    );
    assert.match(
      stderr,
      /^The small weights know generated scenes only: .*my street\.mp4 mean nothing\.[^]*… Starting AWS/,
    );
    assert.match(stderr, /\nExpected: about 2 minutes\. 12 frames, .*measured on .*[^]*… Starting AWS/);
  });

  it("ends with the handler's reason if no frame of the video can be decoded", async () => {
    const video = join(folder, "damaged.mp4");
    const body = await readFile(sample);
    const data = body.indexOf("mdat") + 4;
    // Keeps the boxes after the data: the four bytes before the name "mdat" are the length of its box.
    await writeFile(video, body.fill(0xff, data, data - 8 + body.readUInt32BE(data - 8)));
    const { status, stderr } = await start("--video", video, "--weights", "small", "--port", port).finished;
    assert.equal(status, 1, stderr);
    assert.match(stderr.trim().split("\n").at(-1)!, /No frame of the video can be decoded/);
  });

  it('leaves nothing after Ctrl-C at "… Waiting for zero", after a run that was killed', async () => {
    const killed = start("--port", String(await freePort()));
    await killed.said(/✓ Starting AWS/);
    killed.child.kill("SIGKILL");
    await killed.finished;
    await assertInterruptibleAt(/… Waiting for zero/);
  });

  it('leaves nothing after Ctrl-C at "… Waiting for the result"', async () => {
    await assertInterruptibleAt(/… Waiting for the result/);
  });

  async function assertInterruptibleAt(progress: RegExp): Promise<void> {
    const running = start("--port", port);
    await running.said(progress);
    running.child.kill("SIGINT");
    const { status, stderr } = await running.finished;
    assert.equal(status, 130, stderr);
    assert.match(stderr, /Stopped by SIGINT/);
  }
});
