import assert from "node:assert/strict";
import { mock } from "node:test";
import { LiveLine } from "./live-line.ts";

describe("the live line", () => {
  const sink = (isTTY: boolean) => ({
    isTTY,
    columns: 20,
    text: "",
    write(text: string) {
      this.text += text;
    },
  });

  it("is a plain line for each step in a log, at once", () => {
    const log = sink(false);
    using line = new LiveLine(log);
    line.show("a.mp4: reading", "new step");
    line.show("a.mp4: uploading 10 %");
    line.show("b.mp4: reading", "new step");
    assert.equal(log.text, "… a.mp4: reading (0 s)\n… b.mp4: reading (0 s)\n");
  });

  it("is repeated in a log after 15 seconds, and drawn again sooner if it has changed", () => {
    mock.timers.enable({ apis: ["setInterval"] });
    let now = 0;
    const clock = mock.method(performance, "now", () => now);
    try {
      const log = sink(false);
      using line = new LiveLine(log);
      line.show("waiting", "new step");
      for (let tick = 1; tick <= 8; tick++) {
        if (tick === 7) line.show("working");
        now += 4_000;
        mock.timers.tick(4_000);
      }
      assert.equal(log.text, "… waiting (0 s)\n… waiting (16 s)\n… working (28 s)\n");
    } finally {
      clock.mock.restore();
      mock.timers.reset();
    }
  });

  it("is drawn over itself on a terminal, no wider than it, and leaves no trace", () => {
    const terminal = sink(true);
    {
      using line = new LiveLine(terminal);
      line.show("a.mp4: uploading 10 % of 71.0 MB");
    }
    assert.equal(terminal.text, "\r\u001b[2K… a.mp4: uplo (0 s)\r\u001b[2K");
  });

  it("shows foreign text as escapes, on one line", () => {
    const log = sink(false);
    using line = new LiveLine(log);
    line.show("a\u001b[2J\n::error::x", "new step");
    line.say("b\u202e\r\n");
    assert.equal(log.text, `… a${String.raw`\x1b[2J\n::error::x`} (0 s)\nb${String.raw`\u202e\r\n`}\n`);
  });

  it("makes way for a permanent line", () => {
    const terminal = sink(true);
    using line = new LiveLine(terminal);
    line.say("done");
    assert.equal(terminal.text, "\r\u001b[2Kdone\n");
  });
});
