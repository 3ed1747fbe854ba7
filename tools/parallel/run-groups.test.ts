import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import { runGroups } from "./run-groups.mjs";

describe("groups of commands", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "groups-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  const file = (name: string) => JSON.stringify(join(folder, name));

  /** JavaScript that waits up to ten seconds for a file in the test's folder. */
  const awaiting = (name: string) => `
    const { existsSync } = require("node:fs");
    const end = Date.now() + 10_000;
    while (!existsSync(${file(name)})) if (Date.now() > end) process.exit(3);`;
  const writing = (name: string) => `require("node:fs").writeFileSync(${file(name)}, String(process.pid));`;

  /** Runs groups of scripts, by name. */
  async function run(
    groups: string[][],
    scripts: Record<string, string>,
    { signal = new AbortController().signal, grace = 60_000 } = {},
  ) {
    let text = "";
    const passed = await runGroups(groups, {
      command: (name) => [
        process.execPath,
        "--input-type=commonjs",
        "-e",
        scripts[name] ?? "throw new Error('unknown')",
      ],
      out: (words) => (text += words),
      signal,
      grace,
    });
    return { passed, text };
  }

  /** Waits until a process has ended: if its parent was killed, another process reaps it. */
  async function waitForEnd(pid: number): Promise<void> {
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

  it("run in parallel, and within a group one after the other", async () => {
    // Each of the first two waits for the other: one after the other, they would fail.
    const { passed, text } = await run([["a", "c"], ["b"]], {
      a: `${writing("a")}${awaiting("b")}console.log("a is done")`,
      b: `${writing("b")}${awaiting("a")}console.log("b is done")`,
      c: `if (!require("node:fs").existsSync(${file("b")})) process.exit(1); console.log("  7 passing (2s)")`,
    });
    assert.equal(passed, true, text);
    assert.match(text, /passed +\d+ s {2}c: 7 passing \(2s\)/);
  });

  it("print the output of each command as a whole", async () => {
    const { text } = await run([["a"], ["b"]], {
      a: `console.log("a1"); ${writing("a")}${awaiting("b")}console.error("a2")`,
      b: `${awaiting("a")}console.log("b1"); console.log("b2"); ${writing("b")}`,
    });
    assert.match(text, /── a: passed in \d+ s\na1\na2\n/);
    assert.match(text, /── b: passed in \d+ s\nb1\nb2\n/);
  });

  it("end at the first failure, print its output, and leave no process", async () => {
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

  it("let the others clean up after a failure", async () => {
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

  it("kill the others that do not end in time after a failure", async () => {
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
      await waitForEnd(pid);
    }
  });

  it("end when the signal aborts", async () => {
    const stop = new AbortController();
    const running = run([["a"]], { a: `${writing("a")}setInterval(() => {}, 1000)` }, { signal: stop.signal });
    while (!existsSync(join(folder, "a"))) await sleep(20);
    stop.abort();
    assert.equal((await running).passed, false);
  });

  it("report a missing program", async () => {
    let text = "";
    const options = { command: () => [join(folder, "none")], signal: new AbortController().signal };
    assert.equal(await runGroups([["a"]], { ...options, out: (words) => (text += words) }), false);
    assert.match(text, /a: failed \(spawn .*none ENOENT\)/);
  });
});
