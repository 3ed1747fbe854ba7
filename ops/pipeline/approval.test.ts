/** Tests that `pipeline approval` refuses a deployment without a review. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { FakeGitHub, Sandbox } from "./testing/steps.ts";

const reviewers = {
  type: "required_reviewers",
  prevent_self_review: true,
  reviewers: [{ type: "Team", reviewer: { id: 1 } }],
};

/** Runs the step in a repository whose environment has these rules; without rules there is no environment. */
async function approve(rules: readonly object[] | undefined, accepted = "") {
  await using github = new FakeGitHub();
  if (rules !== undefined) {
    const content = { name: "production-approval", protection_rules: rules, deployment_branch_policy: null };
    github.content.set("/environments/production-approval", content);
  }
  await using sandbox = await Sandbox.create();
  return await sandbox.step(
    ["approval", "--environment", "production-approval", "--unless", "PRODUCTION_WITHOUT_APPROVAL"],
    { ...(await github.environment()), PRODUCTION_WITHOUT_APPROVAL: accepted },
  );
}

describe("the step approval", () => {
  it("passes if the environment has required reviewers", async () => {
    const { status, stdout, stderr } = await approve([{ type: "branch_policy" }, reviewers]);
    assert.equal(status, 0, stderr);
    assert.doesNotMatch(stdout, /^::/m);
  });

  for (const [what, rules] of [
    ["GitHub has created without reviewers", []],
    ["only limits branches and waits", [{ type: "branch_policy" }, { type: "wait_timer", wait_timer: 30 }]],
    ["has lost its reviewers", [{ ...reviewers, reviewers: [] }]],
    ["does not exist", undefined],
  ] as const) {
    it(`fails for an environment that ${what}, and names the plan and the variable`, async () => {
      const { status, stderr } = await approve(rules);
      assert.equal(status, 1);
      assert.match(stderr, /production-approval has no required reviewers/);
      assert.match(stderr, /private repository.*GitHub Enterprise only/);
      assert.match(stderr, /set the repository variable PRODUCTION_WITHOUT_APPROVAL to true/);
    });
  }

  it("passes with a notice if the variable accepts deployments without approval", async () => {
    const { status, stdout } = await approve([], "true");
    assert.equal(status, 0);
    assert.match(stdout, /^::notice::The environment production-approval has no required reviewers/m);
    for (const other of ["1", "TRUE", "false"]) assert.equal((await approve([], other)).status, 1, other);
  });

  it("fails if GitHub does not answer", async () => {
    await using github = new FakeGitHub();
    await using sandbox = await Sandbox.create();
    const { status, stderr } = await sandbox.step(["approval", "--environment", "ephemeral", "--unless", "X"], {
      ...(await github.environment()),
      GITHUB_TOKEN: "wrong",
      X: "true",
    });
    assert.equal(status, 1);
    assert.match(stderr, /GitHub refuses GET \/environments\/ephemeral with 401/);
  });
});
