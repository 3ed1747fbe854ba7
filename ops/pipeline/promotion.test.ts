import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { FakeGitHub, Sandbox } from "./testing/steps.ts";

const commit = "c".repeat(40);
const older = "a".repeat(40);
const newer = "b".repeat(40);

/** A GitHub whose production has had these deployments, the newest first, and that returns these relations of commits. */
function production(deployments: readonly { sha: string; states: readonly string[] }[], status = "ahead"): FakeGitHub {
  const github = new FakeGitHub();
  github.content.set(
    "/deployments",
    deployments.map(({ sha }, id) => ({ id, sha })),
  );
  for (const [id, { sha, states }] of deployments.entries()) {
    github.content.set(
      `/deployments/${id}/statuses`,
      states.map((state) => ({ state })),
    );
    github.content.set(`/compare/${sha}...${commit}`, { status: sha === newer ? "behind" : status });
  }
  return github;
}

async function promote(github: FakeGitHub) {
  await using sandbox = await Sandbox.create();
  const environment = { ...(await github.environment()), GITHUB_SHA: commit };
  return await sandbox.step(["promotion", "--environment", "production"], environment);
}

const own = { sha: commit, states: ["in_progress", "waiting"] };
const done = { sha: older, states: ["inactive", "success", "in_progress", "queued", "waiting"] };

describe("a promotion", () => {
  it("passes if this commit contains the last deployed one", async () => {
    await using github = production([own, done]);
    const { status, stderr } = await promote(github);
    assert.equal(status, 0, stderr);
  });

  it("passes if nothing has been deployed yet", async () => {
    await using github = production([own]);
    assert.equal((await promote(github)).status, 0);
  });

  it("passes if a newer commit only waits for approval", async () => {
    await using github = production([{ sha: newer, states: ["waiting", "queued"] }, own, done]);
    assert.equal((await promote(github)).status, 0);
  });

  for (const state of ["success", "failure", "in_progress", "error"]) {
    it(`is refused after a newer commit whose deployment was ${state}`, async () => {
      await using github = production([{ sha: newer, states: [state] }, own, done]);
      const { status, stderr } = await promote(github);
      assert.equal(status, 1);
      assert.match(stderr, /production has had the commit bbbbbbb, which ccccccc does not contain/);
    });
  }

  it("is refused if the history has diverged", async () => {
    await using github = production([own, done], "diverged");
    assert.equal((await promote(github)).status, 1);
  });
});
