/** Checks GitHub's environments and the protection of main against the workflows' requirements (infra/bootstrap/README.md). */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../lib/child-process.ts";
import { Repository } from "../pipeline/github.ts";
import { findingsOf } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { StackFile } from "./stack-file.ts";

const { ok, problem, unchecked, warning } = findingsOf("github");
const branch = "main";

/** Requirements on an environment. */
interface Needed {
  readonly name: string;
  /** True if each job needs an approval; false if no job may need one. */
  readonly reviewed: boolean;
  readonly preventsSelfReview?: boolean;
  /** True if it is only for jobs on main. */
  readonly mainOnly: boolean;
}

const preview: Needed = { name: "preview", reviewed: false, mainOnly: false };
/** The environments of the stacks, by the names of the stacks' files. */
const needed: Readonly<Record<string, readonly Needed[]>> = {
  dev: [{ name: "dev", reviewed: false, mainOnly: true }, preview],
  prod: [
    { name: "production", reviewed: false, mainOnly: true },
    { name: "production-approval", reviewed: true, mainOnly: false },
    preview,
  ],
  pr: [
    { name: "ephemeral", reviewed: true, preventsSelfReview: true, mainOnly: false },
    { name: "ephemeral-destroy", reviewed: false, mainOnly: true },
  ],
};

/** Asks GitHub if the shell has a token. Returns nothing for a stack that the workflows do not deploy. */
export async function checkGitHub({ name, root }: StackFile, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const environments = needed[name];
  if (environments === undefined) return [];
  const token = env["GITHUB_TOKEN"] ?? env["GH_TOKEN"];
  if (token === undefined) {
    return [
      unchecked(
        "neither GITHUB_TOKEN nor GH_TOKEN is set",
        `If the workflows deploy this stack: GITHUB_TOKEN=$(gh auth token) npm run doctor -- --stack ${name}`,
      ),
    ];
  }
  const repository = env["GITHUB_REPOSITORY"] ?? (await originOf(root));
  if (repository === undefined) {
    return [
      unchecked("the remote origin is not a repository of github.com", "Set GITHUB_REPOSITORY to OWNER/REPOSITORY."),
    ];
  }
  const github = new Repository({ ...env, GITHUB_TOKEN: token, GITHUB_REPOSITORY: repository });
  return await Promise.all([
    ...environments.map(
      async (one) => await asked(one.name, async () => environmentFinding(one, await github.environment(one.name))),
    ),
    asked(branch, async () => await mainFinding(github, root)),
  ]);
}

/** Runs a check; a missing answer becomes a finding. */
async function asked(what: string, find: () => Promise<Finding>): Promise<Finding> {
  try {
    return await find();
  } catch (error) {
    return unchecked(error, `Give the token of an administrator of the repository, or check ${what} in its settings.`);
  }
}

/** Returns OWNER/REPOSITORY of the remote origin, if it is on github.com. */
async function originOf(root: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(["git", "remote", "get-url", "origin"], { cwd: root, limit: 10_000 });
    return /github\.com[:/]([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(stdout.trim())?.[1];
  } catch {
    return undefined;
  }
}

function environmentFinding(one: Needed, rules: Awaited<ReturnType<Repository["environment"]>>): Finding {
  const { name } = one;
  const settings = "in the repository's settings, under Environments (infra/bootstrap/README.md)";
  if (rules === undefined) {
    return problem(
      `the environment ${name} does not exist: GitHub would create it without protection`,
      `Create it ${settings}.`,
    );
  }
  if (one.reviewed && rules.reviewers === 0) {
    return problem(
      `the environment ${name} has no required reviewers`,
      `Add them ${settings}. A private repository needs GitHub Enterprise for this.`,
    );
  }
  if (!one.reviewed && rules.reviewers > 0) {
    return problem(
      `the environment ${name} has required reviewers, so waiting jobs would block a stack's queue`,
      `Remove them ${settings}.`,
    );
  }
  if (one.preventsSelfReview === true && !rules.preventsSelfReview) {
    return problem(
      `in the environment ${name} people may approve their own deployments`,
      `Select "Prevent self-review" ${settings}.`,
    );
  }
  if (one.mainOnly && (typeof rules.branches === "string" || rules.branches.some((each) => each !== branch))) {
    const open =
      rules.branches === "any"
        ? "any branch"
        : rules.branches === "protected"
          ? "all protected branches"
          : `the branches ${rules.branches.join(", ")}`;
    return problem(`the environment ${name} accepts ${open}`, `Limit it to the branch ${branch} ${settings}.`);
  }
  return ok(`the environment ${name} is protected as the workflows require`);
}

/** Any job on main may name the environment production, so a change of main needs a review by an owner of the workflows. */
async function mainFinding(github: Repository, root: string): Promise<Finding> {
  const { approvals, codeOwners } = await github.reviewRules(branch);
  if (approvals === 0) {
    return problem(
      `changes of ${branch} need no review, and any job on ${branch} may deploy to production`,
      `Add a ruleset for ${branch} that requires a pull request with an approval and a review from code owners.`,
    );
  }
  if (!codeOwners || !(await ownsWorkflows(root))) {
    return warning(
      `changes of the workflows on ${branch} need no review by their owners`,
      'Put "/.github/ @OWNER" into .github/CODEOWNERS, and require a review from code owners in the ruleset.',
    );
  }
  return ok(`changes of ${branch} need a review, and changes of the workflows one by their owners`);
}

/** Checks that CODEOWNERS, in the places that GitHub reads, names owners of the workflows. */
async function ownsWorkflows(root: string): Promise<boolean> {
  for (const folder of [".github", ".", "docs"]) {
    const text = await readFile(join(root, folder, "CODEOWNERS"), "utf8").catch(() => undefined);
    if (text !== undefined) return /^(?:\*|\/?\.github(?:\/|\/\*\*|\/workflows\/?(?:\*\*)?)?)[ \t]+\S*@/m.test(text);
  }
  return false;
}
