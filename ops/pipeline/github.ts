/** The calls of GitHub's REST API that the workflows' steps make. */
import { Octokit } from "@octokit/core";
import { paginateRest } from "@octokit/plugin-paginate-rest";
import { RequestError } from "@octokit/request-error";
import { z } from "zod";
import { UserError } from "../../lib/errors.ts";
import { readEnvironment } from "./options.ts";

const environment = z.object({
  GITHUB_API_URL: z.url().default("https://api.github.com"),
  GITHUB_REPOSITORY: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  GITHUB_TOKEN: z.string(),
});
const run = z.object({ GITHUB_SERVER_URL: z.url(), GITHUB_RUN_ID: z.string().regex(/^\d+$/) });

/** Login of a workflow's own token. */
export const workflowUser = "github-actions[bot]";

const PaginatingOctokit = Octokit.plugin(paginateRest);

/** One repository, with the token and the addresses that GitHub gives a job. */
export class Repository {
  readonly #variables: NodeJS.ProcessEnv;
  readonly #octokit: InstanceType<typeof PaginatingOctokit>;
  /** Parameters of every call. */
  readonly #at: { readonly owner: string; readonly repo: string };

  /**
   * @param limit timeout of one answer, milliseconds
   * @throws UsageError if the environment names no repository or has no token
   */
  constructor(variables: NodeJS.ProcessEnv, limit = 30_000) {
    const given = readEnvironment(environment, variables);
    const [owner = "", repo = ""] = given.GITHUB_REPOSITORY.split("/");
    this.#variables = variables;
    this.#at = { owner, repo };
    this.#octokit = new PaginatingOctokit({ baseUrl: given.GITHUB_API_URL, auth: given.GITHUB_TOKEN });
    this.#octokit.hook.before("request", (options) => {
      options.headers["x-github-api-version"] = "2022-11-28";
      options.request = { ...options.request, signal: AbortSignal.timeout(limit) };
    });
    const call = ({ method, url }: { readonly method: string; readonly url: string }): string =>
      `${method} ${new URL(url).pathname.replace(`/repos/${owner}/${repo}`, "")}`;
    this.#octokit.hook.after("request", ({ data, url }, { method }) => {
      // Octokit returns a body that is cut off as a text.
      if (typeof data === "object") return;
      throw new UserError(`GitHub's answer to ${call({ method, url })} is not complete. Run the job again.`);
    });
    this.#octokit.hook.error("request", (error) => {
      if (!(error instanceof RequestError)) throw error;
      const { message, status, request, response } = error;
      throw new UserError(
        response === undefined
          ? `GitHub did not answer ${call(request)}: ${message}. Run the job again.`
          : `GitHub refuses ${call(request)} with ${status}: ${message}. Check the job's permissions.`,
        { cause: error },
      );
    });
  }

  /**
   * Returns the address of the current run.
   * @throws UsageError outside of a workflow's job
   */
  get runUrl(): string {
    const { GITHUB_SERVER_URL: server, GITHUB_RUN_ID: id } = readEnvironment(run, this.#variables);
    return `${server}/${this.#variables["GITHUB_REPOSITORY"]}/actions/runs/${id}`;
  }

  /** Returns a pull request; undefined if it does not exist. Needs `pull-requests: read`. */
  async pullRequest(number: number) {
    return await ifFound(
      this.#octokit.request("GET /repos/{owner}/{repo}/pulls/{pull_number}", { ...this.#at, pull_number: number }),
    );
  }

  /** Returns the address of a workflow's run for a branch's pull requests that has started and not ended. Runs that wait for a review do not count. Needs `actions: read`. */
  async runInProgress(workflow: string, branch: string): Promise<string | undefined> {
    const { data } = await this.#octokit.request("GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs", {
      ...this.#at,
      workflow_id: workflow,
      branch,
      status: "in_progress",
      event: "pull_request",
      per_page: 100,
    });
    return data.workflow_runs.find(({ head_branch }) => head_branch === branch)?.html_url;
  }

  /** Returns the protection of an environment; undefined if it does not exist. Needs `actions: read`. */
  async environment(name: string) {
    const parameters = { ...this.#at, environment_name: name, per_page: 100 };
    const found = await ifFound(
      this.#octokit.request("GET /repos/{owner}/{repo}/environments/{environment_name}", parameters),
    );
    if (found === undefined) return undefined;
    const { protection_rules: rules = [], deployment_branch_policy: policy } = found;
    const reviews = rules.flatMap((rule) => ("reviewers" in rule ? [rule] : []));
    return {
      /** Number of people and teams in the list of reviewers, one of whom must approve. */
      reviewers: reviews.reduce((sum, { reviewers = [] }) => sum + reviewers.length, 0),
      preventsSelfReview: reviews.some(({ prevent_self_review: prevents }) => prevents === true),
      /** Patterns of the branches whose jobs may use it; all protected branches, or any branch. */
      branches:
        policy?.custom_branch_policies === true
          ? await this.#branchesOf(parameters)
          : policy?.protected_branches === true
            ? ("protected" as const)
            : ("any" as const),
    };
  }

  async #branchesOf(parameters: { owner: string; repo: string; environment_name: string }): Promise<string[]> {
    const path = "/repos/{owner}/{repo}/environments/{environment_name}/deployment-branch-policies";
    const { data } = await this.#octokit.request(`GET ${path}`, parameters);
    return data.branch_policies.flatMap(({ name }) => name ?? []);
  }

  /**
   * Returns the number of approvals that a branch's rulesets and its branch protection require together, and whether one
   * must come from an owner named in CODEOWNERS. GitHub shows the branch protection only to administrators.
   */
  async reviewRules(branch: string): Promise<{ approvals: number; codeOwners: boolean }> {
    const parameters = { ...this.#at, branch, per_page: 100 };
    const rules = await this.#octokit.paginate("GET /repos/{owner}/{repo}/rules/branches/{branch}", parameters);
    const protection = await ifFound(
      this.#octokit.request("GET /repos/{owner}/{repo}/branches/{branch}/protection", parameters),
    );
    const classic = protection?.required_pull_request_reviews;
    const required = rules.flatMap((rule) => (rule.type === "pull_request" ? (rule.parameters ?? []) : []));
    return {
      approvals: Math.max(
        classic?.required_approving_review_count ?? 0,
        ...required.map(({ required_approving_review_count: count }) => count),
      ),
      codeOwners:
        classic?.require_code_owner_reviews === true ||
        required.some(({ require_code_owner_review: needed }) => needed),
    };
  }

  /** Returns all comments of an issue or a pull request. */
  async comments(number: number) {
    return await this.#octokit.paginate("GET /repos/{owner}/{repo}/issues/{issue_number}/comments", {
      ...this.#at,
      issue_number: number,
      per_page: 100,
    });
  }

  async addComment(number: number, body: string): Promise<void> {
    const path = "/repos/{owner}/{repo}/issues/{issue_number}/comments";
    await this.#octokit.request(`POST ${path}`, { ...this.#at, issue_number: number, body });
  }

  async editComment(id: number, body: string): Promise<void> {
    const path = "/repos/{owner}/{repo}/issues/comments/{comment_id}";
    await this.#octokit.request(`PATCH ${path}`, { ...this.#at, comment_id: id, body });
  }

  /** Returns the open issues that workflows of this repository have opened. */
  async openIssuesOfWorkflows() {
    const found = await this.#octokit.paginate("GET /repos/{owner}/{repo}/issues", {
      ...this.#at,
      state: "open",
      creator: workflowUser,
      per_page: 100,
    });
    return found.filter(({ pull_request }) => pull_request === undefined);
  }

  async openIssue(title: string, body: string): Promise<void> {
    await this.#octokit.request("POST /repos/{owner}/{repo}/issues", { ...this.#at, title, body });
  }

  async editIssue(number: number, change: { body?: string; state?: "closed" }): Promise<void> {
    const path = "/repos/{owner}/{repo}/issues/{issue_number}";
    await this.#octokit.request(`PATCH ${path}`, { ...this.#at, issue_number: number, ...change });
  }

  /** Returns an environment's deployments, the newest first, each with its past and current states. */
  async *deployments(environmentName: string): AsyncGenerator<{ sha: string; states: string[] }> {
    const parameters = { ...this.#at, per_page: 100, environment: environmentName };
    const pages = this.#octokit.paginate.iterator("GET /repos/{owner}/{repo}/deployments", parameters);
    for await (const { data } of pages) {
      for (const { id, sha } of data) yield { sha, states: await this.#statesOf(Number(id)) };
    }
  }

  async #statesOf(deployment: number): Promise<string[]> {
    const statuses = await this.#octokit.paginate("GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses", {
      ...this.#at,
      deployment_id: deployment,
      per_page: 100,
    });
    return statuses.map(({ state }) => state);
  }

  /** Returns the relation of one commit to another: `ahead` if it contains all of the other and more. */
  async compare(base: string, head: string): Promise<"ahead" | "behind" | "diverged" | "identical"> {
    const { data } = await this.#octokit.request("GET /repos/{owner}/{repo}/compare/{basehead}", {
      ...this.#at,
      basehead: `${base}...${head}`,
      per_page: 1,
    });
    return data.status;
  }
}

/** Returns the data of an answer; undefined if the resource does not exist. */
async function ifFound<Data>(answer: Promise<{ readonly data: Data }>): Promise<Data | undefined> {
  try {
    return (await answer).data;
  } catch (error) {
    if (error instanceof UserError && error.cause instanceof RequestError && error.cause.status === 404)
      return undefined;
    throw error;
  }
}
