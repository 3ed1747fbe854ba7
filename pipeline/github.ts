/** GitHub's REST API, as far as the workflows' steps use it. */
import { z } from "zod";
import { PipelineError } from "./errors.ts";
import { readEnvironment } from "./options.ts";

const environment = z.object({
  GITHUB_API_URL: z.url(),
  GITHUB_REPOSITORY: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  GITHUB_TOKEN: z.string(),
  GITHUB_SERVER_URL: z.url(),
  GITHUB_RUN_ID: z.string().regex(/^\d+$/),
});

/** What the steps read of a comment, an issue, a deployment and its statuses. */
const comment = z.object({ id: z.int(), body: z.string().nullish(), user: z.object({ login: z.string() }).nullish() });
const issue = z.object({ number: z.int(), body: z.string().nullish(), pull_request: z.unknown().optional() });
const deployment = z.object({ id: z.int(), sha: z.string() });
const deploymentStatus = z.object({ state: z.string() });
const comparison = z.object({ status: z.enum(["ahead", "behind", "diverged", "identical"]) });

export type Comment = z.infer<typeof comment>;
export type Issue = z.infer<typeof issue>;

/** Who a workflow's own token is. */
export const workflowUser = "github-actions[bot]";
const perPage = 100;

/** One repository, with the token and the addresses that GitHub gives a job. */
export class Repository {
  /** Address of the run that this job is part of. */
  readonly runUrl: string;
  private readonly base: string;
  private readonly token: string;
  private readonly limit: number;

  /**
   * @param limit milliseconds that one answer may take
   * @throws UsageError if the environment is not that of a job with a token
   */
  constructor(variables: NodeJS.ProcessEnv, limit = 30_000) {
    const given = readEnvironment(environment, variables);
    this.base = `${given.GITHUB_API_URL}/repos/${given.GITHUB_REPOSITORY}`;
    this.token = given.GITHUB_TOKEN;
    this.limit = limit;
    this.runUrl = `${given.GITHUB_SERVER_URL}/${given.GITHUB_REPOSITORY}/actions/runs/${given.GITHUB_RUN_ID}`;
  }

  /** All comments of an issue or a pull request. */
  async comments(number: number): Promise<Comment[]> {
    return await this.list(`/issues/${number}/comments`, comment);
  }

  async addComment(number: number, body: string): Promise<void> {
    await this.ask("POST", `/issues/${number}/comments`, { body });
  }

  async editComment(id: number, body: string): Promise<void> {
    await this.ask("PATCH", `/issues/comments/${id}`, { body });
  }

  /** The open issues that workflows of this repository have opened. */
  async openIssuesOfWorkflows(): Promise<Issue[]> {
    const query = new URLSearchParams({ state: "open", creator: workflowUser });
    const found = await this.list(`/issues?${query.toString()}`, issue);
    return found.filter(({ pull_request }) => pull_request === undefined);
  }

  async openIssue(title: string, body: string): Promise<void> {
    await this.ask("POST", "/issues", { title, body });
  }

  async editIssue(number: number, change: { body?: string; state?: "closed" }): Promise<void> {
    await this.ask("PATCH", `/issues/${number}`, change);
  }

  /** An environment's deployments, the newest first, each with the states that it has had. */
  async *deployments(environmentName: string): AsyncGenerator<{ sha: string; states: string[] }> {
    const query = new URLSearchParams({ environment: environmentName });
    for await (const { id, sha } of this.each(`/deployments?${query.toString()}`, deployment)) {
      const statuses = await this.list(`/deployments/${id}/statuses`, deploymentStatus);
      yield { sha, states: statuses.map(({ state }) => state) };
    }
  }

  /** How one commit stands to another: `ahead` if it has all of the other and more. */
  async compare(base: string, head: string): Promise<z.infer<typeof comparison>["status"]> {
    return comparison.parse(await this.ask("GET", `/compare/${base}...${head}?per_page=1`)).status;
  }

  private async list<T>(path: string, item: z.ZodType<T>): Promise<T[]> {
    const found: T[] = [];
    for await (const each of this.each(path, item)) found.push(each);
    return found;
  }

  private async *each<T>(path: string, item: z.ZodType<T>): AsyncGenerator<T> {
    const mark = path.includes("?") ? "&" : "?";
    for (let page = 1; ; page += 1) {
      const found = z.array(item).parse(await this.ask("GET", `${path}${mark}per_page=${perPage}&page=${page}`));
      yield* found;
      if (found.length < perPage) return;
    }
  }

  private async ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.base}${path}`, {
      method,
      headers: {
        accept: "application/vnd.github+json",
        authorization: `Bearer ${this.token}`,
        "x-github-api-version": "2022-11-28",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(this.limit),
    }).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new PipelineError(
        `GitHub did not answer ${method} ${path.split("?")[0] ?? path}: ${why}. Run the job again.`,
      );
    });
    if (!response.ok) {
      throw new PipelineError(
        `GitHub refuses ${method} ${path.split("?")[0] ?? path} with ${response.status}: ${(await response.text()).slice(0, 500)}. ` +
          "See that the job's permissions allow it.",
      );
    }
    return await response.json();
  }
}
