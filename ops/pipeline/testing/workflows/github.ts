/** A GitHub with one repository: its pull requests, issues, environments and deployments, and the REST API that reads and changes them. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { text } from "node:stream/consumers";
import { allows, bodySchema, nextPage, page, routes } from "./github-routes.ts";
import type { Permissions } from "./workflow.ts";

/** An account on GitHub, as a login. */
export const workflowUser = "github-actions[bot]";

export interface Comment {
  readonly id: number;
  readonly issue: number;
  readonly user: string;
  body: string;
}

/** An issue. Pull requests are issues, too. */
export interface Issue {
  readonly number: number;
  readonly user: string;
  title: string;
  body: string;
  state: "open" | "closed";
  readonly labels: Set<string>;
  /** Set for a pull request. */
  readonly pull?: PullRequest;
}

export interface PullRequest {
  readonly branch: string;
  /** The branch to merge into. */
  readonly base: string;
  head: string;
  merged: boolean;
}

/** A protected environment for deployments. */
export interface Environment {
  /** Logins of the reviewers, one of whom must approve a job; if empty, no approval is needed. */
  readonly reviewers: readonly string[];
  readonly preventSelfReview?: boolean;
  /** Refs that may deploy there; `*` stands for one part of a name. If not set, every ref. */
  readonly refs?: readonly string[];
  /** Only jobs that name the environment get them. */
  readonly secrets?: Readonly<Record<string, string>>;
}

export interface Deployment {
  readonly id: number;
  readonly environment: string;
  readonly sha: string;
  readonly ref: string;
  /** The newest first. */
  readonly states: string[];
}

/** A run of a workflow, as the API lists it. */
export interface Run {
  readonly id: number;
  /** The workflow's file. */
  readonly file: string;
  readonly event: string;
  readonly branch: string;
  readonly status: "in_progress" | "waiting" | "completed";
}

/** Permissions of a job's token. */
export interface Access {
  readonly permissions: Permissions;
}

/** The relation of two commits in the API's terms. */
export type Comparison = "ahead" | "behind" | "diverged" | "identical";

/** Options for GitHub. */
export interface GitHubOptions {
  /** OWNER/REPOSITORY. */
  readonly repository: string;
  readonly isPrivate: boolean;
  readonly environments: Readonly<Record<string, Environment>>;
  /** Repository variables and secrets. */
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly compare: (base: string, head: string) => Promise<Comparison>;
}

type Answer = readonly [status: number, body: unknown, link?: string | undefined];

/** The server. Use `await using`. */
export class GitHub implements AsyncDisposable {
  readonly options: GitHubOptions;
  readonly issues = new Map<number, Issue>();
  readonly comments: Comment[] = [];
  readonly deployments: Deployment[] = [];
  /** The runs of workflows, set by the code that starts them. */
  runs: () => readonly Run[] = () => [];
  /** Requests that were refused or not supported, with the reason. */
  readonly refusals: string[] = [];
  readonly #server: Server;
  readonly #tokens = new Map<string, Access>();
  #lastId = 0;

  private constructor(options: GitHubOptions) {
    this.options = options;
    this.#server = createServer((request, response) => {
      void this.#answer(request)
        .catch((error: unknown): Answer => [500, { message: String(error) }])
        .then(([status, body, link]) => {
          if (status >= 400)
            this.refusals.push(`${request.method ?? ""} ${request.url ?? ""}: ${JSON.stringify(body)}`);
          const headers = { "content-type": "application/json", ...(link === undefined ? {} : { link }) };
          response.writeHead(status, headers).end(JSON.stringify(body));
        });
    });
  }

  static async start(options: GitHubOptions): Promise<GitHub> {
    const github = new GitHub(options);
    github.#server.listen(0, "127.0.0.1");
    await once(github.#server, "listening");
    return github;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  /** The address of the API. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("GitHub does not listen on a TCP port");
    return `http://127.0.0.1:${address.port}`;
  }

  nextId(): number {
    return (this.#lastId += 1);
  }

  /** Returns a token for one job. */
  tokenFor(access: Access): string {
    const token = `ghs_job${this.nextId()}`;
    this.#tokens.set(token, access);
    return token;
  }

  /** Opens an issue, or a pull request. */
  open(user: string, title: string, body: string, pull?: PullRequest): Issue {
    const number = this.nextId();
    const issue: Issue = {
      ...{ number, user, title, body, state: "open", labels: new Set<string>() },
      ...(pull === undefined ? {} : { pull }),
    };
    this.issues.set(number, issue);
    return issue;
  }

  /** Records a deployment, which waits. */
  deploy(environment: string, sha: string, ref: string): Deployment {
    const deployment = { id: this.nextId(), environment, sha, ref, states: ["waiting"] };
    this.deployments.unshift(deployment);
    return deployment;
  }

  /** Returns the pull request with a number, as events and the API show it. */
  pullRequest(number: number): Readonly<Record<string, unknown>> | undefined {
    const issue = this.issues.get(number);
    if (issue?.pull === undefined) return undefined;
    const { branch, base, head, merged } = issue.pull;
    const repo = { full_name: this.options.repository };
    return {
      number,
      title: issue.title,
      state: issue.state,
      merged,
      user: { login: issue.user },
      labels: [...issue.labels].map((name) => ({ name })),
      head: { ref: branch, sha: head, repo },
      base: { ref: base, repo },
    };
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? "/", this.url);
    // GitHub accepts both forms (docs.github.com/rest, "Authenticating to the REST API").
    const access = this.#tokens.get(request.headers.authorization?.replace(/^(Bearer|token) /, "") ?? "");
    if (access === undefined) return [401, { message: "Bad credentials" }];
    const prefix = `/repos/${this.options.repository}`;
    if (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`)) return [404, { message: "Not Found" }];
    const method = request.method ?? "GET";
    const body = method === "GET" ? {} : bodySchema.parse(JSON.parse(await text(request)));
    for (const [verb, pattern, scopes, handle] of routes) {
      const match = pattern.exec(url.pathname.slice(prefix.length));
      if (verb !== method || match === null) continue;
      if (!scopes(this, match).some((scope) => allows(access.permissions, scope, method))) {
        return [403, { message: `Resource not accessible by integration: needs ${scopes(this, match).join(" or ")}` }];
      }
      const result = await handle(this, match, url.searchParams, body);
      if (result === undefined) return [404, { message: "Not Found" }];
      if (Array.isArray(result)) return [200, page(result, url.searchParams), nextPage(result, url)];
      return [verb === "POST" ? 201 : 200, result];
    }
    return [404, { message: `The test's GitHub does not know ${method} ${url.pathname}` }];
  }
}
