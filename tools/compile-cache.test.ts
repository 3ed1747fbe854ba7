import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { localFolder, repoRoot } from "./paths.mjs";

const cache = join(localFolder, "compile-cache");

/** Prints the cache folder of a process, and then that of a child in another folder. */
const program = `
console.log(require("node:module").getCompileCacheDir());
if (process.argv[1] === "parent") {
  const options = { cwd: ${JSON.stringify(tmpdir())}, stdio: "inherit" };
  require("node:child_process").execFileSync(process.execPath, ["-e", process.env.PROGRAM, "child"], options);
}`;

/** Runs the program; returns the cache folders of the parent and the child. */
function cacheFolders(env: NodeJS.ProcessEnv): string[] {
  const args = ["--import", join(repoRoot, "tools", "compile-cache.mjs"), "-e", program, "parent"];
  const variables = { NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: undefined, PROGRAM: program };
  const options = { env: { ...process.env, ...variables, ...env }, encoding: "utf8" } as const;
  return execFileSync(process.execPath, args, options).trim().split("\n");
}

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(repoRoot, "package.json"), "utf8")));

describe("the compile cache", () => {
  it("is in this clone for a process and its children, in any working folder", () => {
    const [parent = "", child = ""] = cacheFolders({});
    assert.ok(parent.startsWith(cache), parent);
    assert.equal(child, parent);
  });

  it("is off for both with NODE_DISABLE_COMPILE_CACHE, which coverage needs", () => {
    assert.deepEqual(cacheFolders({ NODE_DISABLE_COMPILE_CACHE: "1" }), ["undefined", "undefined"]);
  });
});

describe("an npm script that sets up and then runs Node", () => {
  it("clears the shell's command cache, so that the installed Node replaces the machine's", () => {
    const programs = Object.entries(scripts).filter(([, script]) => /setup\.mjs[^&]*&& /.test(script));
    assert.ok(programs.length >= 3);
    for (const [name, script] of programs) assert.match(script, /setup\.mjs[^&]*&& hash -r && /, name);
  });
});
