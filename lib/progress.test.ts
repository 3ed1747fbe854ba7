import assert from "node:assert/strict";
import { mock } from "node:test";
import { describe, it } from "mocha";
import { Progress } from "./progress.ts";

/** A sink that collects what is written. */
const sinkOf = (isTTY: boolean, columns: number) => ({
  isTTY,
  columns,
  text: "",
  write(text: string) {
    this.text += text;
  },
});

/** Runs work with a clock that `pass` moves, with the timers. */
async function withClock(work: (pass: (ms: number) => void) => Promise<void> | void): Promise<void> {
  mock.timers.enable({ apis: ["setInterval"] });
  let now = 0;
  const clock = mock.method(performance, "now", () => now);
  try {
    await work((ms) => {
      now += ms;
      mock.timers.tick(ms);
    });
  } finally {
    clock.mock.restore();
    mock.timers.reset();
  }
}

describe("the current activity", () => {
  it("is a plain line for each step in a log, at once", () => {
    const log = sinkOf(false, 20);
    using progress = new Progress(log);
    progress.show("a.mp4: reading", "new step");
    progress.show("a.mp4: uploading 10 %");
    progress.show("b.mp4: reading", "new step");
    assert.equal(log.text, "… a.mp4: reading\n… b.mp4: reading\n");
  });

  it("is repeated in a log after 15 seconds, and printed sooner if it has changed", () =>
    withClock((pass) => {
      const log = sinkOf(false, 20);
      using progress = new Progress(log);
      progress.show("waiting", "new step");
      for (let tick = 1; tick <= 7; tick++) {
        if (tick === 5) progress.show("working");
        pass(5_000);
      }
      assert.equal(log.text, "… waiting\n… waiting (15 s)\n… working (25 s)\n");
    }));

  it("is drawn over itself on a terminal, no wider than it, and leaves no trace", () =>
    withClock((pass) => {
      const terminal = sinkOf(true, 20);
      {
        using progress = new Progress(terminal);
        progress.show("a.mp4: uploading 10 % of 71.0 MB");
        pass(1_000);
      }
      const drawn = terminal.text.split("\r\u001b[2K");
      assert.equal(drawn[1], "… a.mp4: uploading ");
      assert.equal(drawn.at(-2), "… a.mp4: uplo (1 s)");
      assert.equal(drawn.at(-1), "");
    }));

  it("is shown with escapes for foreign text, on one line", () => {
    const log = sinkOf(false, 20);
    using progress = new Progress(log);
    progress.show("a\u001b[2J\n::error::x", "new step");
    progress.say("b\u202e\r\n");
    progress.say("one", "::error::x");
    assert.equal(
      log.text,
      `… a${String.raw`\x1b[2J\n::error::x`}\nb${String.raw`\u202e\r\n`}\none\n${String.raw`\x3a:error::x`}\n`,
    );
  });

  it("is cleared for a permanent line", () => {
    const terminal = sinkOf(true, 20);
    using progress = new Progress(terminal);
    progress.say("done");
    assert.equal(terminal.text, "\r\u001b[2Kdone\n");
  });
});

describe("a step", () => {
  it("is printed in a log when it starts and when it ends", async () => {
    const log = sinkOf(false, 40);
    const { result } = await new Progress(log).step("Deploying", () => Promise.resolve(7));
    assert.equal(result, 7);
    assert.match(log.text, /^… Deploying\n✓ Deploying \(\d+\.\d s\)\n$/);
  });

  it("shows foreign details as escapes", () =>
    withClock(async (pass) => {
      const log = sinkOf(false, 40);
      await new Progress(log).step("Deploying", (step) => {
        step.detail("create a\n\u009b2J");
        pass(5_000);
        return Promise.resolve();
      });
      assert.equal(log.text.split("\n")[1], `… Deploying · create a${String.raw`\n\x9b2J`} (5 s)`);
    }));

  it("prints its detail in a log when it changes, and every 15 seconds", () =>
    withClock(async (pass) => {
      const log = sinkOf(false, 40);
      await new Progress(log).step("Deploying", (step) => {
        for (let tick = 1; tick <= 12; tick++) {
          step.detail(tick < 8 ? "create Bucket" : "create Endpoint");
          pass(5_000);
        }
        return Promise.resolve();
      });
      assert.deepEqual(log.text.trimEnd().split("\n").slice(1, -1), [
        "… Deploying · create Bucket (5 s)",
        "… Deploying · create Bucket (20 s)",
        "… Deploying · create Bucket (35 s)",
        "… Deploying · create Endpoint (40 s)",
        "… Deploying · create Endpoint (55 s)",
      ]);
    }));

  it("keeps one live line on a terminal, no wider than it", () =>
    withClock(async (pass) => {
      const terminal = sinkOf(true, 40);
      await new Progress(terminal).step("Deploying", (step) => {
        step.detail("x".repeat(100));
        pass(400);
        return Promise.resolve();
      });
      const drawn = terminal.text.split("\r\u001b[2K").filter((text) => text.startsWith("…"));
      assert.equal(drawn.length, 3);
      assert.ok(drawn.every((line) => !line.includes("\n") && line.length <= 40));
    }));

  it("is marked if it fails, and throws its error", async () => {
    const log = sinkOf(false, 40);
    await assert.rejects(
      new Progress(log).step("Deploying", () => Promise.reject(new Error("no"))),
      /^Error: no$/,
    );
    assert.match(log.text, /\n✗ Deploying \(\d+\.\d s\)\n$/);
  });
});
