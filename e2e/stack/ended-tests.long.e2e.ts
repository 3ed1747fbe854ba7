/** Ends a test run while the local stack is up, and tests that the run or the next run takes the stack down. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, before, describe, it } from "mocha";
import { repoRoot } from "../../tools/paths.mjs";
import { runGroups } from "../../tools/parallel/run-groups.mjs";
import { localState } from "../../ops/local/local-stack.ts";
import { stackOwner } from "../../ops/local/local-folder.ts";
import { assertNothingLeft } from "../testing/assert-nothing-left.ts";
import { takeDownLeftover } from "../testing/leftover-stack.ts";

const mocha = [join(repoRoot, "node_modules", "mocha", "bin", "mocha.js"), "--config", ".mocharc.e2e.json"];
const suite = [process.execPath, ...mocha, "e2e/testing/kept-up-suite.ts"];

before(() => takeDownLeftover());

describe("a test run that ends while the local stack is up", () => {
  afterEach(assertNothingLeft);

  it("takes it down when a script of another group fails", async () => {
    // Fails with status 9 once the emulator owns the stack.
    const failing = `
      import { setTimeout as sleep } from "node:timers/promises";
      import { readReady } from "./ops/local/emulator.ts";
      import { localState } from "./ops/local/local-stack.ts";
      import { stackOwner } from "./ops/local/local-folder.ts";
      const end = performance.now() + 240_000;
      for (;;) {
        const ready = await readReady(localState);
        if (ready !== undefined && ready.pid === stackOwner(localState)?.pid) process.exit(9);
        if (performance.now() > end) process.exit(0);
        await sleep(100);
      }`;
    let text = "";
    const passed = await runGroups([["suite"], ["failing"]], {
      command: (name) => (name === "suite" ? suite : [process.execPath, "--input-type=module", "-e", failing]),
      out: (chunk) => (text += chunk),
      signal: new AbortController().signal,
    });
    assert.equal(passed, false, text);
    assert.match(text, /── failing: failed \(9\)/);
    assert.doesNotMatch(text, /── suite/);
  });

  it("leaves it, if the run is killed, to the next run, which takes it down with a message", async () => {
    const [program = "", ...args] = suite;
    const child = spawn(program, args, { cwd: repoRoot, stdio: ["ignore", "pipe", "inherit"], detached: true });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
    while (!text.includes("the stack is up")) await once(child.stdout, "data");
    assert.ok(child.pid !== undefined);
    process.kill(-child.pid, "SIGKILL");
    await once(child, "close");
    const owner = stackOwner(localState);
    assert.ok(owner !== undefined, "the stack is not up");
    const messages: string[] = [];
    await takeDownLeftover(localState, (message) => messages.push(message));
    assert.equal(messages.length, 1);
    assert.match(messages[0]!, new RegExp(`has left the local stack up \\(process ${owner.pid}\\)`));
  });
});
