import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, it } from "mocha";
import { z } from "zod";
import { repoRoot } from "../../tools/paths.mjs";
import { commands } from "../commands.ts";

const bin = join(repoRoot, "ops", "bin", "async-video.mjs");

/** Runs the program with a Node and its flags; returns its output and its exit status. */
async function run([node, ...flags]: readonly [string, ...string[]], ...args: readonly string[]) {
  const options = { env: { ...process.env, NODE_COMPILE_CACHE: undefined } };
  return await promisify(execFile)(node, [...flags, bin, ...args], options).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: unknown) => error as { stdout: string; stderr: string; code: number },
  );
}

describe("the program async-video", () => {
  it("is the only program that the npm scripts of its commands run", () => {
    const { scripts } = z
      .object({ scripts: z.record(z.string(), z.string()) })
      .parse(JSON.parse(readFileSync(join(repoRoot, "package.json"), "utf8")));
    const prefix = "node ops/bin/async-video.mjs ";
    const aliases = Object.values(scripts).filter((script) => script.startsWith(prefix));
    const names = new Set(aliases.map((script) => script.slice(prefix.length).split(" ")[0]));
    assert.deepEqual([...names].sort(), commands.map(({ name }) => name).sort());
    assert.ok(!Object.values(scripts).some((script) => script.includes("ops/main.ts")));
  });

  it("runs in the Node that starts it, if that is the one of the packages", async () => {
    const { stdout, stderr, code } = await run([process.execPath], "--help");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Usage: async-video <command> \[options\]\n/);
  });

  it("continues with the Node of the packages if another one starts it, and keeps its exit status", async () => {
    const folder = mkdtempSync(join(tmpdir(), "other-node-"));
    try {
      // Like an older Node, it cannot run TypeScript.
      const other = join(folder, "node");
      copyFileSync(process.execPath, other);
      const { stderr, code } = await run([other, "--no-experimental-strip-types"], "nosuch");
      assert.equal(stderr, "error: Unknown command 'nosuch'; --help lists the options.\n");
      assert.equal(code, 2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
