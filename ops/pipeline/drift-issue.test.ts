import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { bodyOf } from "./drift-issue.ts";
import { writeReport } from "./report.ts";
import type { Report } from "./report.ts";
import { FakeGitHub, Sandbox } from "./testing/steps.ts";

const well = (stack: string): Report => ({ stack, outcome: "passed", text: "58 unchanged" });
const drifted: Report = { stack: "prod", outcome: "drifted", text: "~ aws:s3:BucketLifecycleConfiguration" };

async function issueStep(github: FakeGitHub, reports: readonly Report[]) {
  await using sandbox = await Sandbox.create();
  const folder = join(sandbox.folder, "reports");
  await mkdir(folder);
  for (const report of reports) await writeReport(join(folder, `${report.stack}.json`), report);
  const { status, stderr } = await sandbox.step(
    ["drift-issue", "--reports", folder, "--stacks", "dev,prod"],
    await github.environment(),
  );
  assert.equal(status, 0, stderr);
  return github.changes.map(({ method, path: at }) => `${method} ${at}`);
}

const open = { number: 9, body: bodyOf([drifted], "https://run") };
const other = { number: 8, body: "Something else" };

describe("the issue about drift", () => {
  it("is opened for a stack that was changed, with the changes", async () => {
    await using github = new FakeGitHub();
    github.content.set("/issues", [other, { ...open, number: 7, pull_request: {} }]);
    assert.deepEqual(await issueStep(github, [well("dev"), drifted]), ["POST /issues"]);
    const { body } = z.object({ title: z.string(), body: z.string() }).parse(github.changes[0]?.body);
    assert.match(body, /### prod: changed outside Pulumi[^]*BucketLifecycleConfiguration/);
    assert.doesNotMatch(body, /### dev/);
  });

  it("is edited while it is open, so that there is only one", async () => {
    await using github = new FakeGitHub();
    github.content.set("/issues", [other, open]);
    assert.deepEqual(await issueStep(github, [well("dev"), drifted]), ["PATCH /issues/9"]);
  });

  it("distinguishes a failed check from drift, and counts a check that never ran as failed", async () => {
    await using github = new FakeGitHub();
    github.content.set("/issues", []);
    assert.deepEqual(await issueStep(github, [drifted]), ["POST /issues"]);
    const { body } = z.object({ body: z.string() }).parse(github.changes[0]?.body);
    assert.match(body, /### dev: could not be checked[^]*### prod: changed/);
  });

  it("is closed, with a comment, when no stack has drifted", async () => {
    await using github = new FakeGitHub();
    github.content.set("/issues", [open]);
    const changes = await issueStep(github, [well("dev"), well("prod")]);
    assert.deepEqual(changes, ["POST /issues/9/comments", "PATCH /issues/9"]);
    assert.deepEqual(github.changes[1]?.body, { state: "closed" });
  });

  it("is not opened without drift", async () => {
    await using github = new FakeGitHub();
    github.content.set("/issues", [other]);
    assert.deepEqual(await issueStep(github, [well("dev"), well("prod")]), []);
  });
});
