import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, it } from "mocha";
import { repoRoot } from "./paths.mjs";

/** Runs tools/parallel.mjs; without `read`, its reader closes the output at once. */
async function parallel(args: readonly string[], read = true) {
  const child = spawn(process.execPath, ["tools/parallel.mjs", ...args], {
    cwd: repoRoot,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (!read) child.stdout.destroy();
  const [stdout, stderr, [status]] = await Promise.all([
    read ? text(child.stdout) : "",
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { stdout, stderr, status };
}

describe("the command line for parallel scripts", () => {
  it("prints its help, also after the scripts of npm test", async () => {
    const { stdout, status } = await parallel(["check", "test:unit", "--help"]);
    assert.match(stdout, /^Runs groups of npm scripts in parallel/);
    assert.equal(status, 0);
  });

  for (const [what, args, words] of [
    ["no script", [], /^A script is missing/],
    ["an empty group", [" "], /^A script is missing/],
    ["an unknown option", ["check", "--grep"], /^Unknown option '--grep'/],
  ] as const) {
    it(`refuses ${what} with its usage`, async () => {
      const { stdout, stderr, status } = await parallel(args);
      assert.match(stderr, words);
      assert.match(stderr, /Usage: node tools\/parallel\.mjs/);
      assert.deepEqual([stdout, status], ["", 2]);
    });
  }

  it("runs the scripts to their end if the reader closes the output", async () => {
    const { stderr, status } = await parallel(["no-such-script"], false);
    assert.deepEqual([stderr, status], ["", 1]);
  });
});
