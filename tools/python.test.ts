import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { describe, it } from "mocha";
import { cacheRoot, repoRoot, servingPython } from "./paths.mjs";
import { Machine } from "./testing/machine.ts";

const python = join(repoRoot, "tools", "python.mjs");

describe("the command tools/python.mjs", () => {
  it("runs the serving environment's Python with its tools first on the PATH, and has its exit status", async () => {
    await using machine = await Machine.create();
    const interpreter = join(machine.cache, relative(cacheRoot, servingPython));
    await mkdir(dirname(interpreter), { recursive: true });
    await writeFile(interpreter, '#!/bin/sh\necho "$*"\necho "${PATH%%:*}"\nexit 7\n');
    await chmod(interpreter, 0o755);
    const { status, stdout } = await machine.run(python, "-m", "pytest");
    assert.equal(status, 7);
    assert.equal(stdout, `-m pytest\n${dirname(interpreter)}\n`);
  });

  it("tells the user to run setup if there is no environment", async () => {
    await using machine = await Machine.create();
    const { status, stderr } = await machine.run(python, "-m", "pytest");
    assert.equal(status, 1);
    assert.match(stderr, /Run "node tools\/setup\.mjs" first/);
  });
});
