/** Commands side by side: what is shown, and that nothing runs on after a failure. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runLanes } from "./run-lanes.mjs";

describe("lanes of commands", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "lanes-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const file = (name: string) => JSON.stringify(join(folder, name));

  /** JavaScript that waits for a file of the test's folder, for at most ten seconds. */
  const awaiting = (name: string) => `
    const { existsSync } = require("node:fs");
    const end = Date.now() + 10_000;
    while (!existsSync(${file(name)})) if (Date.now() > end) process.exit(3);`;
  const writing = (name: string) => `require("node:fs").writeFileSync(${file(name)}, String(process.pid));`;

  /** Runs lanes of pieces of JavaScript by their names. */
  async function run(
    lanes: string[][],
    pieces: Record<string, string>,
    { signal = new AbortController().signal, grace = 60_000 } = {},
  ) {
    let text = "";
    const passed = await runLanes(lanes, {
      command: (name) => [
        process.execPath,
        "--input-type=commonjs",
        "-e",
        pieces[name] ?? "throw new Error('unknown')",
      ],
      out: (words) => (text += words),
      signal,
      grace,
    });
    return { passed, text };
  }

  /** Waits until a process is gone: a killed one whose parent has been killed, too, is reaped by another process. */
  async function eventuallyGone(pid: number): Promise<void> {
    const end = performance.now() + 10_000;
    for (;;) {
      try {
        process.kill(pid, 0);
      } catch {
        return;
      }
      assert.ok(performance.now() < end, `process ${pid} is left`);
      await sleep(20);
    }
  }

  it("run side by side, and within a lane one after the other", async () => {
    // Each of the two that run first waits for the other: alone, neither would end well.
    const { passed, text } = await run([["a", "c"], ["b"]], {
      a: `${writing("a")}${awaiting("b")}console.log("a is done")`,
      b: `${writing("b")}${awaiting("a")}console.log("b is done")`,
      c: `if (!require("node:fs").existsSync(${file("b")})) process.exit(1); console.log("  7 passing (2s)")`,
    });
    assert.equal(passed, true, text);
    assert.match(text, /passed +\d+ s {2}c: 7 passing \(2s\)/);
  });

  it("show what each command says as a whole", async () => {
    const { text } = await run([["a"], ["b"]], {
      a: `console.log("a1"); ${writing("a")}${awaiting("b")}console.error("a2")`,
      b: `${awaiting("a")}console.log("b1"); console.log("b2"); ${writing("b")}`,
    });
    assert.match(text, /── a: passed in \d+ s\na1\na2\n/);
    assert.match(text, /── b: passed in \d+ s\nb1\nb2\n/);
  });

  it("end with the first failure, its output, and nothing left running", async () => {
    const { passed, text } = await run([["a", "never"], ["b"]], {
      a: `${awaiting("b")}console.log("why"); process.exit(4)`,
      b: `${writing("b")}setInterval(() => {}, 1000)`,
      never: writing("never"),
    });
    assert.equal(passed, false);
    assert.match(text, /── a: failed \(4\) in \d+ s\nwhy\n/);
    assert.doesNotMatch(text, /── b/);
    assert.equal(existsSync(join(folder, "never")), false);
    const pid = Number(await readFile(join(folder, "b"), "utf8"));
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });

  it("wait, after a failure, for the others to clean up", async () => {
    const cleanUp = `process.on("SIGINT", () => setTimeout(() => { ${writing("cleaned")} process.exit(0); }, 300));`;
    const { passed } = await run([["a"], ["b", "never"]], {
      a: `${awaiting("b")}process.exit(4)`,
      b: `${cleanUp}${writing("b")}setInterval(() => {}, 1000)`,
      never: writing("never"),
    });
    assert.equal(passed, false);
    assert.ok(existsSync(join(folder, "cleaned")), "b was ended before it had cleaned up");
    assert.equal(existsSync(join(folder, "never")), false);
  });

  it("kill, after a failure, those that do not end in time", async () => {
    // The grandchild has no pipe to wait for.
    const grandchild = `require("node:child_process").spawn(process.execPath, ["-e", "process.on('SIGINT', () => {});" +
      "require('node:fs').writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)", ${file("grandchild")}], { stdio: "ignore" });`;
    const { passed, text } = await run(
      [["a"], ["b"]],
      {
        a: `${awaiting("grandchild")}process.exit(4)`,
        b: `process.on("SIGINT", () => {});${writing("b")}${grandchild}setInterval(() => {}, 1000)`,
      },
      { grace: 300 },
    );
    assert.equal(passed, false);
    assert.match(text, /── b: killed; it had not ended 0\.3 s after its interruption\n/);
    for (const name of ["b", "grandchild"]) {
      const pid = Number(await readFile(join(folder, name), "utf8"));
      await eventuallyGone(pid);
    }
  });

  it("end when they are told to", async () => {
    const stop = new AbortController();
    const running = run([["a"]], { a: `${writing("a")}setInterval(() => {}, 1000)` }, { signal: stop.signal });
    while (!existsSync(join(folder, "a"))) await sleep(20);
    stop.abort();
    assert.equal((await running).passed, false);
  });

  it("say that a program is not there", async () => {
    let text = "";
    const options = { command: () => [join(folder, "none")], signal: new AbortController().signal };
    assert.equal(await runLanes([["a"]], { ...options, out: (words) => (text += words) }), false);
    assert.match(text, /a: failed \(spawn .*none ENOENT\)/);
  });
});
