import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { bodyOf } from "./comment.ts";
import { writeReport } from "./report.ts";
import { costsTable } from "./costs.ts";
import type { StackCosts } from "./costs.ts";
import type { Report } from "./report.ts";
import { FakeGitHub, Sandbox } from "./testing/steps.ts";

const commit = "c0ffee0".padEnd(40, "0");
const passed: Report = { stack: "dev", outcome: "passed", text: "+ 58 to create" };
const refused: Report = { stack: "prod", outcome: "refused", text: "[mandatory] min-capacity-zero" };

const costs: StackCosts = { stack: "dev", rest: 5.8, limit: 1080.94, scenarios: [] };
const commented = (report: Report) => ({ ...report, costs: costsTable(costs, costs) });

async function commentStep(github: FakeGitHub, reports: readonly Report[]) {
  await using sandbox = await Sandbox.create();
  const folder = join(sandbox.folder, "reports");
  await mkdir(folder);
  for (const report of reports) await writeReport(join(folder, `${report.stack}.json`), report);
  const before = join(sandbox.folder, "costs");
  await mkdir(before);
  await writeFile(join(before, "dev.costs.json"), JSON.stringify(costs));
  await writeFile(join(folder, "dev.costs.json"), JSON.stringify({ ...costs, limit: 2156.07 }));
  const environment = { ...(await github.environment()), PULL_REQUEST: "5", HEAD_SHA: commit };
  return await sandbox.step(
    ["comment", "--reports", folder, "--costs-before", before, "--stacks", "dev,prod"],
    environment,
  );
}

const ownComment = {
  id: 3,
  body: bodyOf([commented(passed)], commit, "https://run"),
  user: { login: "github-actions[bot]" },
};
const bodySchema = z.object({ body: z.string() });

describe("the comment on a pull request", () => {
  it("contains both stacks, the policies' messages, and the link to the log", async () => {
    await using github = new FakeGitHub();
    github.content.set("/issues/5/comments", []);
    const { status, stderr } = await commentStep(github, [refused, passed]);
    assert.equal(status, 0, stderr);
    const [change, ...others] = github.changes;
    assert.deepEqual(others, []);
    assert.equal(change?.method, "POST");
    assert.equal(change.path, "/issues/5/comments");
    const { body } = bodySchema.parse(change.body);
    assert.match(body, /c0ffee0 .*https:\/\/github\.example\/team\/videos\/actions\/runs\/77/);
    assert.match(body, /### dev passes[^]*58 to create[^]*### prod \*\*is refused[^]*min-capacity-zero/);
  });

  it("shows the costs before and after the change, or that they are unknown", async () => {
    await using github = new FakeGitHub();
    github.content.set("/issues/5/comments", []);
    assert.equal((await commentStep(github, [passed, refused])).status, 0);
    const { body } = bodySchema.parse(github.changes[0]?.body);
    const [dev, prod] = body.split("### prod");
    assert.match(dev ?? "", /```text\n +before +after\n[^]*a month at the limit +1080\.94 USD +2156\.07 USD\n/);
    assert.match(
      prod ?? "",
      /before: the costs are unknown: the costs were not computed\nafter: the costs are unknown/,
    );
  });

  it("is edited if it exists, also on a later page", async () => {
    await using github = new FakeGitHub();
    const others = Array.from({ length: 130 }, (_, id) => ({
      id: 1000 + id,
      body: "Nice.",
      user: { login: "someone" },
    }));
    github.content.set("/issues/5/comments", [...others, ownComment]);
    assert.equal((await commentStep(github, [passed, refused])).status, 0);
    assert.deepEqual(
      github.changes.map(({ method, path: at }) => `${method} ${at}`),
      ["PATCH /issues/comments/3"],
    );
  });

  it("is not a similar comment of someone else", async () => {
    await using github = new FakeGitHub();
    github.content.set("/issues/5/comments", [{ ...ownComment, user: { login: "someone" } }]);
    assert.equal((await commentStep(github, [passed, refused])).status, 0);
    assert.equal(github.changes[0]?.method, "POST");
  });

  it("reports that a stack has no preview if its job ended early", async () => {
    await using github = new FakeGitHub();
    github.content.set("/issues/5/comments", []);
    assert.equal((await commentStep(github, [passed])).status, 0);
    assert.match(bodySchema.parse(github.changes[0]?.body).body, /### prod \*\*could not be previewed/);
  });

  it("fits into GitHub's 65,536 characters, and its code blocks contain any output of Pulumi", () => {
    const long = { ...passed, text: "`````\n".repeat(20_000), costs: "`````\n".repeat(1_000) };
    const body = bodyOf([long, { ...long, stack: "prod" }], commit, "https://run");
    assert.ok(body.length < 65_536, String(body.length));
    assert.match(body, /\n``````text\n/);
    assert.match(body, /characters more in the job's log/);
  });

  it("fails with GitHub's message if the token may not comment", async () => {
    await using github = new FakeGitHub();
    const { status, stderr } = await commentStep(github, [passed]);
    assert.equal(status, 1);
    assert.match(stderr, /GitHub refuses GET \/issues\/5\/comments with 404: .*permissions/);
  });
});
