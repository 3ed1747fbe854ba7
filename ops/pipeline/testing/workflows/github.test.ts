import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { GitHub } from "./github.ts";
import type { Permissions } from "./workflow.ts";

describe("the test's GitHub", () => {
  let github: GitHub;
  let number: number;

  beforeEach(async () => {
    github = await GitHub.start({
      ...{ repository: "team/videos", isPrivate: true, variables: {}, secrets: {} },
      environments: { open: { reviewers: [] }, guarded: { reviewers: ["grace"], refs: ["refs/heads/main"] } },
      compare: () => Promise.resolve("ahead"),
    });
    const pull = { branch: "change", base: "main", head: "a".repeat(40), merged: false };
    ({ number } = github.open("ada", "Change", "", pull));
  });

  afterEach(async () => {
    await github[Symbol.asyncDispose]();
  });

  async function ask(
    permissions: Permissions,
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${github.url}/repos/team/videos${path}`, {
      method,
      headers: { authorization: `Bearer ${github.tokenFor({ permissions })}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  it("allows a job the calls of its permissions, and records the calls that it refuses", async () => {
    const add = ["POST", `/issues/${number}/comments`, { body: "Hello" }] as const;
    assert.equal((await ask({ "pull-requests": "write" }, ...add)).status, 201);
    assert.deepEqual(github.refusals, []);
    for (const permissions of [{}, { contents: "write" }, { "pull-requests": "read" }] as const) {
      assert.equal((await ask(permissions, ...add)).status, 403);
    }
    assert.equal(github.comments.length, 1);
    assert.equal(github.refusals.length, 3);
  });

  it("does not accept a pull request's permission for an issue", async () => {
    const issue = github.open("ada", "Bug", "");
    const add = ["POST", `/issues/${issue.number}/comments`, { body: "Hello" }] as const;
    assert.equal((await ask({ "pull-requests": "write" }, ...add)).status, 403);
    assert.equal((await ask({ issues: "write" }, ...add)).status, 201);
  });

  it("answers in pages", async () => {
    for (let count = 0; count < 3; count += 1) github.open("ada", `Bug ${count}`, "");
    const titles = async (page: number) => {
      const { body } = await ask({ issues: "read" }, "GET", `/issues?per_page=2&page=${page}`);
      return (body as { title: string }[]).map(({ title }) => title);
    };
    assert.deepEqual(
      [await titles(1), await titles(2)],
      [
        ["Change", "Bug 0"],
        ["Bug 1", "Bug 2"],
      ],
    );
  });

  it("returns the reviewers and the branches of an environment, and 404 if it does not exist", async () => {
    const rules = async (name: string) => await ask({ actions: "read" }, "GET", `/environments/${name}`);
    const { body } = await rules("guarded");
    const { protection_rules: kinds } = body as { protection_rules: { type: string }[] };
    assert.deepEqual(
      kinds.map(({ type }) => type),
      ["required_reviewers", "branch_policy"],
    );
    const branches = await rules("guarded/deployment-branch-policies");
    assert.deepEqual(branches.body, { branch_policies: [{ name: "main" }] });
    assert.equal((await rules("missing")).status, 404);
  });

  it("refuses unknown calls", async () => {
    assert.equal((await ask({ contents: "write" }, "DELETE", "/git/refs/heads/main", {})).status, 404);
    assert.match(github.refusals[0] ?? "", /does not know DELETE/);
  });
});
