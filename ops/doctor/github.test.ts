/** Tests the doctor's checks of GitHub's environments and the protection of main. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { FakeGitHub } from "../pipeline/testing/steps.ts";
import type { Finding } from "./finding.ts";
import { checkGitHub } from "./github.ts";
import { stackFile } from "./testing/stack.ts";

const reviewers = { type: "required_reviewers", prevent_self_review: true, reviewers: [{ type: "Team" }] };
const custom = { protected_branches: false, custom_branch_policies: true };

describe("the doctor's checks of GitHub", () => {
  let github: FakeGitHub;
  let root: string;

  /** Sets an environment; `branches` are those that may use it. */
  function environment(name: string, rules: readonly object[], branches: readonly string[] | null): void {
    github.content.set(`/environments/${name}`, {
      protection_rules: rules,
      deployment_branch_policy: branches === null ? null : custom,
    });
    if (branches === null) return;
    github.content.set(`/environments/${name}/deployment-branch-policies`, {
      branch_policies: branches.map((each) => ({ name: each })),
    });
  }

  beforeEach(async () => {
    github = new FakeGitHub();
    root = await mkdtemp(join(tmpdir(), "doctor-github-"));
    await mkdir(join(root, ".github"));
    await writeFile(join(root, ".github", "CODEOWNERS"), "# Owners\n/.github/ @team/pipeline\n");
    environment("dev", [], ["main"]);
    environment("preview", [], null);
    environment("production", [{ type: "branch_policy" }], ["main"]);
    environment("production-approval", [reviewers], null);
    environment("ephemeral", [reviewers], null);
    environment("ephemeral-destroy", [], ["main"]);
    github.content.set("/rules/branches/main", [
      { type: "pull_request", parameters: { required_approving_review_count: 1, require_code_owner_review: true } },
      { type: "non_fast_forward" },
    ]);
  });

  afterEach(async () => {
    await github[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });

  async function found(name: string, changes: NodeJS.ProcessEnv = {}): Promise<Finding[]> {
    return await checkGitHub(stackFile({ name, root }), { ...(await github.environment()), ...changes });
  }

  /** Returns the findings that are not ok, one per line. */
  const faults = (findings: readonly Finding[]): string =>
    findings
      .flatMap(({ status, what, remedy }) => (status === "ok" ? [] : [`${status}: ${what} -> ${remedy}`]))
      .join("\n");

  it("find no problem if everything matches infra/bootstrap/README.md", async () => {
    for (const [name, count] of [
      ["dev", 3],
      ["prod", 4],
      ["pr", 3],
    ] as const) {
      const findings = await found(name);
      assert.equal(faults(findings), "", name);
      assert.equal(findings.length, count, name);
    }
    assert.deepEqual(github.changes, []);
  });

  it("report that nothing was checked without a token, and nothing for other stacks", async () => {
    const [finding, ...others] = await checkGitHub(stackFile({ name: "dev", root }), {});
    assert.deepEqual([finding?.status, others], ["warning", []]);
    assert.match(finding?.what ?? "", /could not be checked: neither GITHUB_TOKEN nor GH_TOKEN is set/);
    assert.deepEqual(await checkGitHub(stackFile({ name: "local", root }), {}), []);
  });

  it("need a repository of GitHub", async () => {
    const [finding] = await checkGitHub(stackFile({ name: "dev", root }), { GITHUB_TOKEN: "token" });
    assert.match(finding?.remedy ?? "", /Set GITHUB_REPOSITORY to OWNER\/REPOSITORY/);
  });

  const wrong: readonly (readonly [string, string, () => unknown, RegExp])[] = [
    [
      "a missing environment",
      "prod",
      () => github.content.delete("/environments/production"),
      /problem: the environment production does not exist/,
    ],
    [
      "an approval without reviewers",
      "prod",
      () => {
        environment("production-approval", [], null);
      },
      /problem: the environment production-approval has no required reviewers.*GitHub Enterprise/,
    ],
    [
      "reviewers of production",
      "prod",
      () => {
        environment("production", [reviewers], ["main"]);
      },
      /problem: the environment production has required reviewers, so waiting jobs would block/,
    ],
    [
      "production for any branch",
      "prod",
      () => {
        environment("production", [], null);
      },
      /problem: the environment production accepts any branch -> Limit it to the branch main/,
    ],
    [
      "production for other branches",
      "prod",
      () => {
        environment("production", [], ["main", "release/*"]);
      },
      /problem: the environment production accepts the branches main, release\/\* ->/,
    ],
    [
      "pull requests that their authors approve",
      "pr",
      () => {
        environment("ephemeral", [{ ...reviewers, prevent_self_review: false }], null);
      },
      /problem: in the environment ephemeral people may approve their own/,
    ],
    [
      "removals by any branch",
      "pr",
      () => {
        environment("ephemeral-destroy", [], null);
      },
      /problem: the environment ephemeral-destroy accepts any branch ->/,
    ],
    [
      "main without review",
      "dev",
      () => github.content.set("/rules/branches/main", []),
      /problem: changes of main need no review, and any job on main may deploy to production/,
    ],
    [
      "workflows without owners",
      "dev",
      async () => {
        await writeFile(join(root, ".github", "CODEOWNERS"), "/model/ @team\n");
      },
      /warning: changes of the workflows on main need no review by their owners/,
    ],
    [
      "code owners who need not review",
      "dev",
      () =>
        github.content.set("/rules/branches/main", [
          { type: "pull_request", parameters: { required_approving_review_count: 1 } },
        ]),
      /warning: changes of the workflows/,
    ],
    [
      "a token that may not read",
      "dev",
      () => github.content.delete("/rules/branches/main"),
      /warning: could not be checked: .*404.*-> Give the token of an administrator/,
    ],
  ];
  for (const [what, stack, change, words] of wrong) {
    it(`finds ${what}`, async () => {
      await change();
      assert.match(faults(await found(stack)), new RegExp(`^${words.source}.*$`));
    });
  }

  it("accept branch protection as a review, too", async () => {
    github.content.set("/rules/branches/main", []);
    github.content.set("/branches/main/protection", {
      required_pull_request_reviews: { required_approving_review_count: 2, require_code_owner_reviews: true },
    });
    assert.equal(faults(await found("dev")), "");
  });
});
