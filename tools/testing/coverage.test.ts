import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, it } from "mocha";

const mocha = join(import.meta.dirname, "..", "..", "node_modules", "mocha", "bin", "mocha.js");

describe("the coverage of a worker that ends slowly", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "coverage-"));
    // Node writes the coverage after the listeners of "exit": the loop is a slow machine.
    const slow = 'process.on("exit", () => { const end = Date.now() + 2500; while (Date.now() < end); });';
    for (const name of ["a", "b"]) await writeFile(join(folder, `${name}.test.mjs`), `it("passes", () => {});${slow}`);
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("is written", async () => {
    const environment = { ...process.env, NODE_V8_COVERAGE: join(folder, "coverage") };
    const options = [
      "--no-config",
      "--parallel",
      "--jobs",
      "2",
      "--require",
      join(import.meta.dirname, "coverage.mjs"),
    ];
    await promisify(execFile)(process.execPath, [mocha, ...options, join(folder, "*.test.mjs")], {
      env: environment,
      timeout: 60_000,
    });
    assert.equal((await readdir(join(folder, "coverage"))).length, 3, "of mocha and its two workers");
  });
});
