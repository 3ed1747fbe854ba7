import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { Sandbox } from "./testing/steps.ts";

const githubSha = "d".repeat(40);

describe("the instructions after a failed smoke test", () => {
  it("state that the promotion stops, and the remedy, in the log and on the run's page", async () => {
    await using sandbox = await Sandbox.create();
    const { status, stdout } = await sandbox.step(["advice", "--stack", "dev", "--promotes", "prod"], {
      GITHUB_SHA: githubSha,
    });
    assert.equal(status, 0);
    assert.match(stdout, /dev failed its smoke test[^]*\*\*prod remains unchanged\.\*\*/);
    assert.ok(stdout.includes(`git revert ${githubSha}`));
    assert.equal(await readFile(join(sandbox.folder, "summary.md"), "utf8"), stdout);
  });

  it("state that the last stack serves the commit", async () => {
    await using sandbox = await Sandbox.create();
    const { stdout } = await sandbox.step(["advice", "--stack", "prod"], {
      GITHUB_SHA: githubSha,
      GITHUB_STEP_SUMMARY: "",
    });
    assert.match(stdout, /\*\*prod serves this commit now\*\*/);
  });
});

describe("the steps of the workflows", () => {
  it("print their help, and refuse unknown steps", async () => {
    await using sandbox = await Sandbox.create();
    assert.match((await sandbox.step(["--help"])).stdout, /^Usage: pipeline \[options\] \[command\]/);
    for (const [args, message] of [
      [[], /^error: A command is missing\./],
      [["deploy"], /Unknown command 'deploy'; --help lists the options/],
    ] as const) {
      const { status, stderr } = await sandbox.step([...args]);
      assert.equal(status, 2);
      assert.match(stderr, message);
    }
  });
});
