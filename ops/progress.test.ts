import assert from "node:assert/strict";
import { mock } from "node:test";
import { Progress } from "./progress.ts";

describe("progress", () => {
  let lines: string[];
  const recorder = (isTTY: boolean) => ({ isTTY, columns: 40, write: (text: string) => lines.push(text) });

  beforeEach(() => {
    lines = [];
    mock.timers.enable({ apis: ["setInterval"] });
  });

  afterEach(() => {
    mock.timers.reset();
  });

  it("says in a log when a step begins and ends", async () => {
    const { result } = await new Progress(recorder(false)).step("Deploying", () => Promise.resolve(7));
    assert.equal(result, 7);
    assert.match(lines[0]!, /^… Deploying\n$/);
    assert.match(lines.at(-1)!, /^✓ Deploying \(\d+\.\d s\)\n$/);
  });

  it("shows foreign names and details as escapes", async () => {
    const progress = new Progress(recorder(false));
    progress.say("one\n::error::x\u001b[2J");
    await progress.step("Deploying", (step) => {
      step.detail("create a\n\u009b2J");
      mock.timers.tick(5_000);
      return Promise.resolve();
    });
    assert.equal(lines[0], `one\n${String.raw`\x3a:error::x\x1b[2J`}\n`);
    assert.equal(lines[2], `… Deploying 0 s · create a${String.raw`\n\x9b2J`}\n`);
  });

  it("says in a log what it is at when that changes, and every 15 seconds", async () => {
    const clock = mock.method(performance, "now", () => now);
    let now = 0;
    try {
      await new Progress(recorder(false)).step("Deploying", (step) => {
        for (let tick = 1; tick <= 12; tick++) {
          step.detail(tick < 8 ? "create Bucket" : "create Endpoint");
          now += 5_000;
          mock.timers.tick(5_000);
        }
        return Promise.resolve();
      });
    } finally {
      clock.mock.restore();
    }
    const said = lines.slice(1, -1).map((line) => line.trim().replace("… Deploying ", ""));
    assert.deepEqual(said, [
      "5 s · create Bucket",
      "20 s · create Bucket",
      "35 s · create Bucket",
      "40 s · create Endpoint",
      "55 s · create Endpoint",
    ]);
  });

  it("keeps one live line on a terminal, no wider than it", async () => {
    await new Progress(recorder(true)).step("Deploying", (step) => {
      step.detail("x".repeat(100));
      mock.timers.tick(400);
      return Promise.resolve();
    });
    const live = lines.filter((line) => line.startsWith("\r"));
    assert.equal(live.length, 3);
    assert.ok(live.slice(0, -1).every((line) => !line.includes("\n") && line.replace("\r\u001b[2K", "").length <= 40));
  });

  it("marks a step that failed and throws on what it threw", async () => {
    await assert.rejects(
      new Progress(recorder(false)).step("Deploying", () => Promise.reject(new Error("no"))),
      /^Error: no$/,
    );
    assert.match(lines.at(-1)!, /^✗ Deploying/);
  });
});
