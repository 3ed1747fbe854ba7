import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { outcomeOf } from "./preview.ts";
import { Sandbox } from "./testing/steps.ts";

const plan = "Previewing update (prod):\nResources:\n    + 58 to create\n";
const logged = "| Previewing update (prod):\n| Resources:\n|     + 58 to create\n";

describe("the step preview", () => {
  it("evaluates the stack with the pack and the stack's config, keeps the plan and the report, and adds them to the run's page", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays(plan);
    const report = join(sandbox.folder, "reports", "prod.json");
    const args = ["preview", "--stack", "prod", "--refresh", "--plan", "plan.json", "--report", report];
    const { status, stdout, stderr } = await sandbox.step(args);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, logged);
    assert.deepEqual(await sandbox.calls(), [
      "--non-interactive --color never preview --suppress-progress --policy-pack policies " +
        "--policy-pack-config policies/config.prod.json --refresh --save-plan plan.json --stack prod",
    ]);
    assert.deepEqual(JSON.parse(await readFile(report, "utf8")), { stack: "prod", outcome: "passed", text: plan });
    assert.match(await readFile(join(sandbox.folder, "summary.md"), "utf8"), /^## prod: passed\n[^]*58 to create/);
  });

  it("creates the folder of the plan, which Pulumi does not", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays(plan);
    const folder = join(sandbox.folder, "plan", "of");
    const { status } = await sandbox.step(["preview", "--stack", "prod", "--plan", join(folder, "prod.json")]);
    assert.equal(status, 0);
    assert.ok((await stat(folder)).isDirectory());
  });

  it("redacts the account's number in the log, the report and the summary", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("arn:aws:iam::123456789012:role/video-dev\n");
    const report = join(sandbox.folder, "dev.json");
    const { stdout } = await sandbox.step(["preview", "--stack", "dev", "--report", report]);
    for (const shown of [
      stdout,
      await readFile(report, "utf8"),
      await readFile(join(sandbox.folder, "summary.md"), "utf8"),
    ]) {
      assert.match(shown, /arn:aws:iam::<account>:role\/video-dev/);
      assert.doesNotMatch(shown, /123456789012/);
    }
  });

  it("keeps the summary within GitHub's limit of 1 MiB", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("\u00e4".repeat(1_000_000));
    await sandbox.step(["preview", "--stack", "dev"]);
    assert.ok((await stat(join(sandbox.folder, "summary.md"))).size < 1024 * 1024);
  });

  it("fails if a policy refuses, and reports that", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("Policies:\n  - [mandatory]  min-capacity-zero\n", 1);
    const report = join(sandbox.folder, "dev.json");
    const { status, stderr } = await sandbox.step(["preview", "--stack", "dev", "--report", report]);
    assert.equal(status, 1);
    assert.match(stderr, /The policy pack refuses the stack dev/);
    assert.match(await readFile(report, "utf8"), /"outcome":"refused"/);
  });

  it("quotes Pulumi's output so that it neither acts as a workflow command nor controls a terminal", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("error: no role\n  ::stop-commands::x\n##[add-mask]a\u001b[2J\u202e", 1);
    const report = join(sandbox.folder, "dev.json");
    const { stdout } = await sandbox.step(["preview", "--stack", "dev", "--report", report]);
    const lines = ["error: no role", String.raw`  \x3a:stop-commands::x`, String.raw`#\x23[add-mask]a\x1b[2J\u202e`];
    assert.equal(stdout, lines.map((line) => `| ${line}\n`).join(""));
    const { text } = JSON.parse(await readFile(report, "utf8")) as { text: string };
    assert.equal(text, lines.map((line) => `${line}\n`).join(""));
  });

  it("shows foreign text in an error as escapes", async () => {
    await using sandbox = await Sandbox.create();
    const { status, stderr } = await sandbox.step(["::add-mask::x\u001b[2J"]);
    assert.equal(status, 2);
    assert.match(stderr, /^error: Unknown command '::add-mask::x\\x1b\[2J'; /);
  });

  it("refuses a step named like an object's member", async () => {
    await using sandbox = await Sandbox.create();
    const { status, stderr } = await sandbox.step(["constructor"]);
    assert.equal(status, 2);
    assert.match(stderr, /Unknown command 'constructor'/);
  });

  it("fails if Pulumi fails", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("error: no stack named 'dev' found\n", 1);
    const { status, stderr } = await sandbox.step(["preview", "--stack", "dev"]);
    assert.equal(status, 1);
    assert.match(stderr, /The preview of the stack dev failed/);
  });

  it("names the variable that a repository lacks, which GitHub passes as empty", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays(plan);
    const { status, stderr } = await sandbox.step(["preview", "--stack", "dev"], { PULUMI_BACKEND_URL: "" });
    assert.equal(status, 2);
    assert.match(stderr, /PULUMI_BACKEND_URL is not set\. Set the repository variable/);
  });

  it("reports a missing Pulumi CLI", async () => {
    await using sandbox = await Sandbox.create();
    const { status, stderr } = await sandbox.step(["preview", "--stack", "dev"], { PATH: sandbox.folder });
    assert.equal(status, 1);
    assert.match(stderr, /The Pulumi CLI did not start/);
  });
});

describe("the step drift-check", () => {
  it("compares with AWS without the program, and changes nothing", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("Resources:\n    58 unchanged\n");
    assert.equal((await sandbox.step(["drift-check", "--stack", "prod"])).status, 0);
    assert.deepEqual(await sandbox.calls(), [
      "--non-interactive --color never refresh --preview-only --expect-no-changes --suppress-progress --stack prod",
    ]);
  });

  it("fails if something was changed, with the remedy", async () => {
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("error: no changes were expected for refresh but changes occurred\n", 7);
    const { status, stderr } = await sandbox.step(["drift-check", "--stack", "prod"]);
    assert.equal(status, 1);
    assert.match(stderr, /prod has drifted.*run the workflow deploy on main/s);
  });

  it("distinguishes drift from a check that failed", () => {
    assert.equal(outcomeOf({ status: 1, text: "error: AccessDenied" }), "failed");
  });
});
