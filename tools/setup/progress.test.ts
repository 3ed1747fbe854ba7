import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Progress } from "./progress.mjs";

/** Returns a progress, a function that advances its clock, and a function that takes its output. */
function createProgress(live: boolean, columns = 60) {
  let text = "";
  let now = 0;
  const out = { columns, write: (more: string) => (text += more) };
  const progress = new Progress(out, { live, now: () => now });
  return {
    progress,
    pass: (seconds: number) => (now += seconds * 1000),
    take: () => {
      const taken = text;
      text = "";
      return taken;
    },
  };
}

describe("progress in a log", () => {
  it("has a line for each start and end, and at each tick the state and duration of running steps", () => {
    const { progress, pass, take } = createProgress(false);
    progress.start("a");
    progress.start("b");
    assert.equal(take(), "setup: a: starting\nsetup: b: starting\n");
    progress.report("a", "reading");
    pass(4);
    progress.tick();
    assert.equal(take(), "setup: a 4 s, reading | b 4 s, starting\n");
    progress.end("a", "done");
    progress.report("a", "too late");
    pass(4);
    progress.tick();
    assert.equal(take(), "setup: a: done after 4 s\nsetup: b 8 s, starting\n");
    progress.end("b", "failed");
    assert.equal(take(), "setup: b: failed after 8 s\n");
  });
});

describe("an unchanged state in a log", () => {
  it("is printed again after 15 seconds, and a changed state at the next tick", () => {
    const { progress, pass, take } = createProgress(false);
    progress.start("a");
    take();
    const lines: string[] = [];
    for (let tick = 0; tick < 15; tick++) {
      pass(4);
      if (tick === 9) progress.report("a", "12 MB");
      progress.tick();
      lines.push(take());
    }
    progress.end("a", "done");
    assert.deepEqual(
      lines.filter((line) => line !== ""),
      [
        "setup: a 4 s, starting\n",
        "setup: a 20 s, starting\n",
        "setup: a 36 s, starting\n",
        "setup: a 40 s, 12 MB\n",
        "setup: a 56 s, 12 MB\n",
      ],
    );
  });
});

describe("progress on a terminal", () => {
  it("redraws a line per step in place, no wider than the terminal", () => {
    const { progress, pass, take } = createProgress(true, 20);
    progress.start("one");
    progress.start("three");
    progress.tick();
    assert.equal(take(), "\u001b[2Kone       0 s  star\n\u001b[2Kthree     0 s  star\n");
    pass(61);
    progress.report("one", "x".repeat(100));
    progress.tick();
    assert.equal(take(), "\u001b[2A\u001b[2Kone      61 s  xxxx\n\u001b[2Kthree    61 s  star\n");
    progress.end("one", "done");
    progress.end("three", "done");
    assert.equal(take(), "\u001b[2A\u001b[2Kone      61 s  done\n\u001b[2Kthree    61 s  done\n");
  });

  it("shows no control characters of a command's output", () => {
    const { progress, take } = createProgress(true);
    progress.start("one");
    progress.report("one", "\u001b[2A\u001b[31mhel\u0007lo\r\n");
    progress.tick();
    assert.equal(take(), "\u001b[2Kone     0 s  hello\n");
    progress.end("one", "done");
  });
});
