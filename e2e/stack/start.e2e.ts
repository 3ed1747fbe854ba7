import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import { repoRoot } from "../../tools/paths.mjs";
import { localState } from "../../ops/local/local-stack.ts";
import { assertNothingLeft } from "../testing/assert-nothing-left.ts";
import { run } from "../../ops/testing/commands.ts";
import type { Running } from "../../ops/testing/commands.ts";
import { freePort } from "../../lib/ports.ts";
import { takeDownLeftover } from "../testing/leftover-stack.ts";

const start = (...args: string[]) => run(["ops/main.ts", "start", ...args]);

/** Reads the figures in the README's output of `npm start`; the sum of all classes for the detections. */
async function readmeFigures() {
  const readme = await readFile(join(repoRoot, "README.md"), "utf8");
  const [, frames] = /^frames +(\d+),/m.exec(readme) ?? [];
  const [, counts = ""] = /^detections +(.+)$/m.exec(readme) ?? [];
  const [, resources, policies] = /^stack +(\d+) resources, passed (\d+) policies,/m.exec(readme) ?? [];
  const detections = counts.split(", ").reduce((sum, count) => sum + Number.parseInt(count, 10), 0);
  return { frames, detections, resources, policies };
}

before(() => takeDownLeftover());

describe("npm start", () => {
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

  it("processes one video from zero instances to an annotated result and back to zero, and takes everything down", async () => {
    const { status, stdout, stderr } = await start("--json", "--port", port).finished;
    assert.equal(status, 0, stderr);
    assert.equal(stdout.trim().split("\n").length, 1, "more than the JSON object on standard output");
    const report = JSON.parse(stdout) as {
      weights: string;
      files: Record<string, string>;
      frames: number;
      detections: number;
      instances_peak: number;
      instances_after: number;
      resources: number;
      policies: number;
      seconds: Record<string, number>;
    };
    assert.ok(report.frames >= 5);
    assert.ok(report.detections > 0);
    assert.equal(report.instances_peak, 1);
    assert.equal(report.instances_after, 0);
    assert.deepEqual(
      {
        frames: String(report.frames),
        detections: report.detections,
        resources: String(report.resources),
        policies: String(report.policies),
      },
      await readmeFigures(),
    );
    for (const part of ["setup", "deploy", "from_zero", "backlog", "model", "total"]) {
      assert.equal(typeof report.seconds[part], "number", part);
    }
    assert.equal(report.weights, "small");
    assert.deepEqual(
      Object.values(report.files).map((file) => basename(file)),
      ["result.json", "annotated.mp4", "annotated.gif"],
    );
    for (const file of Object.values(report.files)) {
      assert.match(file, /\/out\/run-\d+\/[^/]+$/);
      assert.ok((await stat(file)).size > 1000, file);
    }
  });

  it("refuses a file that is missing, empty or not a video before it starts anything", async () => {
    const missing = await start("--video", join(folder, "none.mp4")).finished;
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /Cannot read .*none\.mp4 \(ENOENT\): give the path of a video file\./);
    const empty = join(folder, "empty.mp4");
    await writeFile(empty, "");
    const refused = await start("--video", empty).finished;
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /is empty/);
    const text = join(folder, "text.mp4");
    await writeFile(text, "These are notes, not a video.\n".repeat(100));
    const noVideo = await start("--video", text).finished;
    assert.equal(noVideo.status, 2);
    assert.match(noVideo.stderr, /text\.mp4 is not a video: its first bytes match none/);
    const notes = join(folder, "notes.mp4");
    await writeFile(notes, `\0\0\0\x20ftypisom${"These are notes, not a video.\n".repeat(100)}`);
    const unopened = await start("--video", notes).finished;
    assert.equal(unopened.status, 2);
    assert.match(unopened.stderr, /^error: \S+notes\.mp4: .*not a video.*\n$/);
  });

  it("names the option --port if the port is in use", async () => {
    const server = createServer().listen(Number(port), "127.0.0.1");
    await once(server, "listening");
    try {
      const { status, stderr } = await start("--port", port).finished;
      assert.equal(status, 2);
      assert.match(stderr, new RegExp(`${port}.*--port`, "s"));
    } finally {
      server.close();
    }
  });

  for (const progress of [/… Starting AWS/, /Deploying with Pulumi · create/]) {
    it(`leaves nothing after Ctrl-C at "${progress.source}"`, async () => {
      const running = start("--port", port);
      await running.said(progress);
      running.child.kill("SIGINT");
      const { status, stderr } = await running.finished;
      assert.equal(status, 130, stderr);
      assert.match(stderr, /Stopped by SIGINT/);
    });
  }

  it("refuses a second start while the first runs, and does not disturb the first", async () => {
    const first = start("--port", port);
    await first.said(/✓ Starting AWS/);
    const second = await start("--port", String(await freePort())).finished;
    assert.equal(second.status, 2);
    assert.match(second.stderr, /in use by process \d+/);
    assert.equal((await readFile(localState.lock, "utf8")).includes(String(first.child.pid)), true);
    first.child.kill("SIGTERM");
    assert.equal((await first.finished).status, 143);
  });
});

describe("npm start after a run that was killed", () => {
  let next: Running | undefined;

  after(async () => {
    next?.child.kill("SIGTERM");
    await next?.finished;
    await assertNothingLeft();
  });

  it("starts again", async () => {
    const killed = start("--port", String(await freePort()));
    await killed.said(/✓ Starting AWS/);
    killed.child.kill("SIGKILL");
    await killed.finished;
    next = start("--port", String(await freePort()));
    await next.said(/✓ Previewing/);
  });
});
