/** Tests that an interrupted run of end-to-end tests cleans up. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, it } from "mocha";
import { repoRoot } from "../paths.mjs";

/** Two suites. The first writes `running` in its first test, and removes `up` in its clean-up hook. */
const suites = `
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const folder = import.meta.dirname;
const write = (name) => writeFileSync(join(folder, name), "");
describe("interrupted", () => {
  before(() => write("up"));
  after(async () => {
    await sleep(50);
    rmSync(join(folder, "up"));
    write("down");
  });
  it("runs", async () => {
    write("running");
    await sleep(500);
    write("ended");
  });
  it("comes next", () => write("next-test"));
});
describe("the next suite", () => {
  before(() => write("next-suite"));
  it("passes", () => undefined);
});
`;

describe("an interrupted run of end-to-end tests", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "interrupted-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`ends its test after ${signal}, runs the hooks that clean up, and starts no other test`, async () => {
      const tests = join(folder, "suites.mjs");
      await writeFile(tests, suites);
      const mocha = join(repoRoot, "node_modules", "mocha", "bin", "mocha.js");
      const config = join(repoRoot, ".mocharc.e2e.json");
      const child = spawn(process.execPath, [mocha, "--config", config, tests], {
        cwd: repoRoot,
        stdio: ["ignore", "pipe", "pipe"],
        timeout: 50_000,
        killSignal: "SIGKILL",
      });
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding("utf8").on("data", (text: string) => (output += text));
      while (!existsSync(join(folder, "running")) && child.exitCode === null) await sleep(20);
      child.kill(signal);
      await once(child, "close");
      assert.notEqual(child.exitCode, 0, output);
      assert.deepEqual((await readdir(folder)).sort(), ["down", "ended", "running", "suites.mjs"], output);
      assert.match(output, new RegExp(`Stopping after ${signal}`));
    });
  }
});
