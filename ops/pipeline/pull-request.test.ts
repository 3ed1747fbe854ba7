/** Tests the comparison of pull requests with their stacks. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { FakeGitHub, Sandbox } from "./testing/steps.ts";

const sha = "a".repeat(40);

/** A pull request as GitHub returns it. */
function pull(state: "open" | "closed", ...labels: readonly string[]): object {
  return { state, labels: labels.map((name) => ({ name })), head: { ref: "feature", sha } };
}

/** Runs `pipeline requested` for the pull request 7. */
async function requested(shown: object | undefined, ...args: readonly string[]) {
  await using github = new FakeGitHub();
  if (shown !== undefined) github.content.set("/pulls/7", shown);
  await using sandbox = await Sandbox.create();
  const result = await sandbox.step(["requested", "--pull-request", "7", ...args], await github.environment());
  return { ...result, outputs: await sandbox.outputs() };
}

describe("the step requested", () => {
  it("passes for an open pull request with the label, and its newest commit", async () => {
    for (const args of [[], ["--commit", sha]]) {
      const { status, stderr, outputs } = await requested(pull("open", "bug", "deploy"), ...args);
      assert.equal(status, 0, stderr);
      assert.equal(outputs, "requested=true\n");
    }
  });

  for (const [what, shown] of [
    ["that is closed", pull("closed", "deploy")],
    ["without the label", pull("open", "bug")],
    ["that does not exist", undefined],
  ] as const) {
    it(`fails for a pull request ${what}, and sets its output`, async () => {
      const { status, stderr, outputs } = await requested(shown);
      assert.equal(status, 1);
      assert.match(stderr, /7 is closed or has no label "deploy", so it gets no stack/);
      assert.equal(outputs, "requested=false\n");
    });
  }

  it("fails for an older commit", async () => {
    const { status, stderr } = await requested(pull("open", "deploy"), "--commit", "b".repeat(40));
    assert.equal(status, 1);
    assert.match(stderr, /has a newer commit, aaaaaaa\. Approve the run for that one/);
  });

  it("sets no output if GitHub does not answer, so that nothing is removed for it", async () => {
    await using sandbox = await Sandbox.create();
    await using github = new FakeGitHub();
    const environment = { ...(await github.environment()), GITHUB_TOKEN: "wrong" };
    const { status } = await sandbox.step(["requested", "--pull-request", "7"], environment);
    assert.equal(status, 1);
    assert.equal(await sandbox.outputs(), "");
  });
});

describe("the step abandoned", () => {
  async function abandoned(variables: NodeJS.ProcessEnv, stacks: readonly string[]) {
    await using github = new FakeGitHub();
    for (const [number, shown] of [
      [3, pull("open", "deploy")],
      [4, pull("closed", "deploy")],
      [5, pull("open")],
      [21, pull("closed")],
    ] as const) {
      github.content.set(`/pulls/${number}`, shown);
    }
    await using sandbox = await Sandbox.create();
    await sandbox.pulumiSays("");
    await sandbox.backendHas(stacks);
    const result = await sandbox.step(["abandoned"], { ...(await github.environment()), ...variables });
    return { ...result, outputs: await sandbox.outputs() };
  }

  it("finds the stacks of pull requests that are closed or no longer labelled, and no other stack", async () => {
    const { status, stderr, outputs } = await abandoned({}, [
      "prod",
      "pr-21",
      "pr-3",
      "team/pr-4",
      "pr-5",
      "pr-5x",
      "dev",
    ]);
    assert.equal(status, 0, stderr);
    assert.equal(outputs, "pull-requests=[4,5,21]\n");
  });

  it("keeps and reports a stack whose number is no pull request of this repository", async () => {
    const { status, stdout, outputs } = await abandoned({}, ["pr-9"]);
    assert.equal(status, 0);
    assert.match(stdout, /Kept pr-9: this repository has no pull request 9/);
    assert.equal(outputs, "pull-requests=[]\n");
  });

  it("finds the given one without asking GitHub", async () => {
    const { status, outputs } = await abandoned({ PULL_REQUEST: "3", GITHUB_TOKEN: "" }, []);
    assert.equal(status, 0);
    assert.equal(outputs, "pull-requests=[3]\n");
    assert.equal((await abandoned({ PULL_REQUEST: "prod" }, [])).status, 2);
  });
});
