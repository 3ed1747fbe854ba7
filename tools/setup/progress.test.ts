import assert from "node:assert/strict";
import { Progress } from "./progress.mjs";

/** A progress whose time the test tells, and what it wrote. */
function shown(live: boolean, columns = 60) {
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
  it("says what starts and ends, and at each tick what runs and since when, in plain lines", () => {
    const { progress, pass, take } = shown(false);
    progress.start("a");
    progress.start("b");
    assert.equal(take(), "set-up: a: starting\nset-up: b: starting\n");
    progress.report("a", "reading");
    pass(4);
    progress.tick();
    assert.equal(take(), "set-up: a 4 s, reading | b 4 s, starting\n");
    progress.end("a", "done");
    progress.report("a", "too late");
    pass(4);
    progress.tick();
    assert.equal(take(), "set-up: a: done after 4 s\nset-up: b 8 s, starting\n");
    progress.end("b", "failed");
    assert.equal(take(), "set-up: b: failed after 8 s\n");
  });
});

describe("an unchanged state in a log", () => {
  it("is said again after 15 seconds, a new one at the next tick", () => {
    const { progress, pass, take } = shown(false);
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
        "set-up: a 4 s, starting\n",
        "set-up: a 20 s, starting\n",
        "set-up: a 36 s, starting\n",
        "set-up: a 40 s, 12 MB\n",
        "set-up: a 56 s, 12 MB\n",
      ],
    );
  });
});

describe("progress on a terminal", () => {
  it("redraws a line per step in place, no wider than the terminal", () => {
    const { progress, pass, take } = shown(true, 20);
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

  it("shows nothing that a command wrote to move the cursor", () => {
    const { progress, take } = shown(true);
    progress.start("one");
    progress.report("one", "\u001b[2A\u001b[31mhel\u0007lo\r\n");
    progress.tick();
    assert.equal(take(), "\u001b[2Kone     0 s  hello\n");
    progress.end("one", "done");
  });
});
