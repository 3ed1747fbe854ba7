/** A client for the parts of GitHub's REST API that the workflows' steps use. */
import { z } from "zod";
import { UserError } from "../../lib/errors.ts";
import { readEnvironment } from "./options.ts";

const environment = z.object({
  GITHUB_API_URL: z.url().default("https://api.github.com"),
  GITHUB_REPOSITORY: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  GITHUB_TOKEN: z.string(),
});
const run = z.object({ GITHUB_SERVER_URL: z.url(), GITHUB_RUN_ID: z.string().regex(/^\d+$/) });

/** The fields of a comment, an issue, a deployment and its statuses that the steps read. */
const comment = z.object({ id: z.int(), body: z.string().nullish(), user: z.object({ login: z.string() }).nullish() });
const issue = z.object({ number: z.int(), body: z.string().nullish(), pull_request: z.unknown().optional() });
const deployment = z.object({ id: z.int(), sha: z.string() });
const deploymentStatus = z.object({ state: z.string() });
const pullRequest = z.object({
  state: z.enum(["open", "closed"]),
  labels: z.array(z.object({ name: z.string() })),
  head: z.object({ ref: z.string(), sha: z.string() }),
});
const runs = z.object({
  workflow_runs: z.array(z.object({ head_branch: z.string().nullable(), html_url: z.string() })),
});
const environmentRules = z.object({
  protection_rules: z
    .array(
      z.object({
        type: z.string(),
        reviewers: z.array(z.unknown()).optional(),
        prevent_self_review: z.boolean().optional(),
      }),
    )
    .default([]),
  deployment_branch_policy: z
    .object({ protected_branches: z.boolean(), custom_branch_policies: z.boolean() })
    .nullish(),
});
const branchPolicies = z.object({ branch_policies: z.array(z.object({ name: z.string() })) });
const branchRule = z.object({
  type: z.string(),
  parameters: z
    .object({ required_approving_review_count: z.int().optional(), require_code_owner_review: z.boolean().optional() })
    .optional(),
});
const branchProtection = z.object({
  required_pull_request_reviews: z
    .object({
      required_approving_review_count: z.int().default(0),
      require_code_owner_reviews: z.boolean().default(false),
    })
    .optional(),
});
const comparison = z.object({ status: z.enum(["ahead", "behind", "diverged", "identical"]) });

/** A comment on an issue or a pull request. */
export type Comment = z.infer<typeof comment>;
/** An issue. */
export type Issue = z.infer<typeof issue>;

/** The properties of a pull request that determine its stack. */
export interface PullRequest {
  readonly isOpen: boolean;
  readonly labels: readonly string[];
  readonly headBranch: string;
  readonly headSha: string;
}

/** The protection of an environment. */
export interface EnvironmentRules {
  /** Number of people and teams in the list of reviewers, one of whom must approve. */
  readonly reviewers: number;
  readonly preventsSelfReview: boolean;
  /** Patterns of the branches whose jobs may use it; all protected branches, or any branch. */
  readonly branches: readonly string[] | "protected" | "any";
}

/** The review that a change of a branch needs. */
export interface ReviewRules {
  /** Number of approvals. */
  readonly approvals: number;
  /** True if one must come from an owner named in CODEOWNERS. */
  readonly codeOwners: boolean;
}

/** Login of a workflow's own token. */
export const workflowUser = "github-actions[bot]";
const perPage = 100;

/** One repository, with the token and the addresses that GitHub gives a job. */
export class Repository {
  readonly #variables: NodeJS.ProcessEnv;
  readonly #base: string;
  readonly #token: string;
  readonly #limit: number;

  /**
   * @param limit timeout of one answer, milliseconds
   * @throws UsageError if the environment names no repository or has no token
   */
  constructor(variables: NodeJS.ProcessEnv, limit = 30_000) {
    const given = readEnvironment(environment, variables);
    this.#base = `${given.GITHUB_API_URL}/repos/${given.GITHUB_REPOSITORY}`;
    this.#token = given.GITHUB_TOKEN;
    this.#limit = limit;
    this.#variables = variables;
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
  async pullRequest(number: number): Promise<PullRequest | undefined> {
    const answer = await this.#askIfFound(`/pulls/${number}`);
    if (answer === undefined) return undefined;
    const { state, labels, head } = pullRequest.parse(answer);
    return {
      isOpen: state === "open",
      labels: labels.map(({ name }) => name),
      headBranch: head.ref,
      headSha: head.sha,
    };
  }

  /** Returns the address of a workflow's run for a branch's pull requests that has started and not ended. Runs that wait for a review do not count. Needs `actions: read`. */
  async runInProgress(workflow: string, branch: string): Promise<string | undefined> {
    const query = new URLSearchParams({ status: "in_progress", event: "pull_request", branch, per_page: "100" });
    const { workflow_runs: found } = runs.parse(
      await this.#ask("GET", `/actions/workflows/${workflow}/runs?${query.toString()}`),
    );
    return found.find(({ head_branch }) => head_branch === branch)?.html_url;
  }

  /** Returns the protection of an environment; undefined if it does not exist. Needs `actions: read`. */
  async environment(name: string): Promise<EnvironmentRules | undefined> {
    const answer = await this.#askIfFound(`/environments/${name}`);
    if (answer === undefined) return undefined;
    const { protection_rules: rules, deployment_branch_policy: branches } = environmentRules.parse(answer);
    const reviews = rules.filter(({ type }) => type === "required_reviewers");
    return {
      reviewers: reviews.reduce((sum, { reviewers = [] }) => sum + reviewers.length, 0),
      preventsSelfReview: reviews.some(({ prevent_self_review }) => prevent_self_review === true),
      branches:
        branches?.custom_branch_policies === true
          ? await this.#branchesOf(name)
          : branches?.protected_branches === true
            ? "protected"
            : "any",
    };
  }

  async #branchesOf(environmentName: string): Promise<string[]> {
    const answer = await this.#ask("GET", `/environments/${environmentName}/deployment-branch-policies?per_page=100`);
    return branchPolicies.parse(answer).branch_policies.map(({ name }) => name);
  }

  /**
   * Returns the review that a branch's rulesets and its branch protection require together. GitHub shows the branch protection only to administrators.
   */
  async reviewRules(branch: string): Promise<ReviewRules> {
    const rules = await this.#list(`/rules/branches/${branch}`, branchRule);
    const protection = await this.#askIfFound(`/branches/${branch}/protection`);
    const classic =
      protection === undefined ? undefined : branchProtection.parse(protection).required_pull_request_reviews;
    const parameters = rules.flatMap((rule) => (rule.type === "pull_request" ? [rule.parameters ?? {}] : []));
    return {
      approvals: Math.max(
        classic?.required_approving_review_count ?? 0,
        ...parameters.map(({ required_approving_review_count: count }) => count ?? 0),
      ),
      codeOwners:
        classic?.require_code_owner_reviews === true ||
        parameters.some(({ require_code_owner_review: needed }) => needed === true),
    };
  }

  /** Returns all comments of an issue or a pull request. */
  async comments(number: number): Promise<Comment[]> {
    return await this.#list(`/issues/${number}/comments`, comment);
  }

  async addComment(number: number, body: string): Promise<void> {
    await this.#ask("POST", `/issues/${number}/comments`, { body });
  }

  async editComment(id: number, body: string): Promise<void> {
    await this.#ask("PATCH", `/issues/comments/${id}`, { body });
  }

  /** Returns the open issues that workflows of this repository have opened. */
  async openIssuesOfWorkflows(): Promise<Issue[]> {
    const query = new URLSearchParams({ state: "open", creator: workflowUser });
    const found = await this.#list(`/issues?${query.toString()}`, issue);
    return found.filter(({ pull_request }) => pull_request === undefined);
  }

  async openIssue(title: string, body: string): Promise<void> {
    await this.#ask("POST", "/issues", { title, body });
  }

  async editIssue(number: number, change: { body?: string; state?: "closed" }): Promise<void> {
    await this.#ask("PATCH", `/issues/${number}`, change);
  }

  /** Returns an environment's deployments, the newest first, each with its past and current states. */
  async *deployments(environmentName: string): AsyncGenerator<{ sha: string; states: string[] }> {
    const query = new URLSearchParams({ environment: environmentName });
    for await (const { id, sha } of this.#each(`/deployments?${query.toString()}`, deployment)) {
      const statuses = await this.#list(`/deployments/${id}/statuses`, deploymentStatus);
      yield { sha, states: statuses.map(({ state }) => state) };
    }
  }

  /** Returns the relation of one commit to another: `ahead` if it contains all of the other and more. */
  async compare(base: string, head: string): Promise<z.infer<typeof comparison>["status"]> {
    return comparison.parse(await this.#ask("GET", `/compare/${base}...${head}?per_page=1`)).status;
  }

  async #list<T>(path: string, item: z.ZodType<T>): Promise<T[]> {
    const found: T[] = [];
    for await (const each of this.#each(path, item)) found.push(each);
    return found;
  }

  async *#each<T>(path: string, item: z.ZodType<T>): AsyncGenerator<T> {
    const mark = path.includes("?") ? "&" : "?";
    for (let page = 1; ; page += 1) {
      const found = z.array(item).parse(await this.#ask("GET", `${path}${mark}per_page=${perPage}&page=${page}`));
      yield* found;
      if (found.length < perPage) return;
    }
  }

  /** Sends a GET request; undefined if the resource does not exist. */
  async #askIfFound(path: string): Promise<unknown> {
    const response = await this.#send("GET", path);
    return response.status === 404 ? undefined : await this.#answer("GET", path, response);
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    return await this.#answer(method, path, await this.#send(method, path, body));
  }

  async #send(method: string, path: string, body?: object): Promise<Response> {
    return await fetch(`${this.#base}${path}`, {
      method,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${this.#token}`,
        "x-github-api-version": "2022-11-28",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(this.#limit),
    }).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new UserError(`GitHub did not answer ${method} ${path.split("?")[0] ?? path}: ${why}. Run the job again.`);
    });
  }

  async #answer(method: string, path: string, response: Response): Promise<unknown> {
    if (!response.ok) {
      throw new UserError(
        `GitHub refuses ${method} ${path.split("?")[0] ?? path} with ${response.status}: ${(await response.text()).slice(0, 500)}. ` +
          "Check the job's permissions.",
      );
    }
    return await response.json();
  }
}
