/** The routes of GitHub's REST API that the test's GitHub supports (docs.github.com/rest, version 2022-11-28), with the permission that each call needs. */
import { z } from "zod";
import { workflowUser } from "./github.ts";
import type { Comment, GitHub, Issue } from "./github.ts";
import type { Permissions } from "./workflow.ts";

/** Fields of a request's body. */
export const bodySchema = z.strictObject({
  title: z.string().optional(),
  body: z.string().optional(),
  state: z.enum(["open", "closed"]).optional(),
});

type Handler = (
  github: GitHub,
  match: RegExpExecArray,
  query: URLSearchParams,
  body: z.infer<typeof bodySchema>,
) => unknown;
/** A call. */
type Route = readonly [
  method: string,
  path: RegExp,
  /** The scopes of which a job's token needs one; reading needs `read`, every other call `write`. */
  scopes: (github: GitHub, match: RegExpExecArray) => readonly string[],
  handle: Handler,
];

/** Checks that a token with these permissions may make a call. */
export function allows(permissions: Permissions, scope: string, method: string): boolean {
  if (scope === "metadata") return true;
  const level = permissions[scope] ?? "none";
  return level === "write" || (method === "GET" && level === "read");
}

/** A pull request's comments need fewer permissions than an issue's. */
const issueScopes = (github: GitHub, match: RegExpExecArray): string[] =>
  github.issues.get(Number(match[1]))?.pull === undefined ? ["issues"] : ["issues", "pull-requests"];
const commentScopes = (github: GitHub, match: RegExpExecArray): string[] => {
  const issue = github.comments.find(({ id }) => id === Number(match[1]))?.issue;
  return github.issues.get(issue ?? 0)?.pull === undefined ? ["issues"] : ["issues", "pull-requests"];
};
const scope = (name: string) => () => [name];

const asComment = ({ id, user, body }: Comment) => ({ id, user: { login: user }, body });
const asIssue = (issue: Issue) => ({
  ...{ number: issue.number, title: issue.title, body: issue.body, state: issue.state },
  user: { login: issue.user },
  labels: [...issue.labels].map((name) => ({ name })),
  ...(issue.pull === undefined ? {} : { pull_request: {} }),
});

export const routes: readonly Route[] = [
  [
    "GET",
    /^$/,
    scope("metadata"),
    ({ options }) => ({ full_name: options.repository, private: options.isPrivate, default_branch: "main" }),
  ],
  [
    "GET",
    /^\/issues$/,
    scope("issues"),
    ({ issues }, _, query) =>
      [...issues.values()]
        .filter(({ state }) => query.get("state") === "all" || state === (query.get("state") ?? "open"))
        .filter(({ user }) => user === (query.get("creator") ?? user))
        .filter(
          ({ labels }) =>
            query
              .get("labels")
              ?.split(",")
              .every((label) => labels.has(label)) ?? true,
        )
        .map(asIssue),
  ],
  [
    "POST",
    /^\/issues$/,
    scope("issues"),
    (github, _, __, { title = "", body = "" }) => asIssue(github.open(workflowUser, title, body)),
  ],
  [
    "PATCH",
    /^\/issues\/(\d+)$/,
    issueScopes,
    ({ issues }, [, number], _, change) => {
      const issue = issues.get(Number(number));
      return issue === undefined ? undefined : asIssue(Object.assign(issue, change));
    },
  ],
  [
    "GET",
    /^\/issues\/(\d+)\/comments$/,
    issueScopes,
    ({ comments }, [, number]) => comments.filter(({ issue }) => issue === Number(number)).map(asComment),
  ],
  [
    "POST",
    /^\/issues\/(\d+)\/comments$/,
    issueScopes,
    (github, [, number], _, { body = "" }) => {
      const comment = { id: github.nextId(), issue: Number(number), user: workflowUser, body };
      github.comments.push(comment);
      return asComment(comment);
    },
  ],
  [
    "PATCH",
    /^\/issues\/comments\/(\d+)$/,
    commentScopes,
    ({ comments }, [, id], _, { body = "" }) => {
      const comment = comments.find((each) => each.id === Number(id));
      return comment === undefined ? undefined : asComment(Object.assign(comment, { body }));
    },
  ],
  [
    "GET",
    /^\/pulls$/,
    scope("pull-requests"),
    (github, _, query) =>
      [...github.issues.values()]
        .filter(({ pull, state }) => pull !== undefined && ["all", state].includes(query.get("state") ?? "open"))
        .map(({ number }) => github.pullRequest(number)),
  ],
  ["GET", /^\/pulls\/(\d+)$/, scope("pull-requests"), (github, [, number]) => github.pullRequest(Number(number))],
  [
    "GET",
    /^\/deployments$/,
    scope("deployments"),
    ({ deployments }, _, query) =>
      deployments
        .filter(({ environment }) => environment === (query.get("environment") ?? environment))
        .map(({ id, environment, sha, ref }) => ({ id, environment, sha, ref })),
  ],
  [
    "GET",
    /^\/deployments\/(\d+)\/statuses$/,
    scope("deployments"),
    ({ deployments }, [, id]) =>
      deployments.find((each) => each.id === Number(id))?.states.map((state, index) => ({ id: index, state })),
  ],
  [
    "GET",
    /^\/compare\/([0-9a-f]{40})\.\.\.([0-9a-f]{40})$/,
    scope("contents"),
    async ({ options }, [, base = "", head = ""]) => ({ status: await options.compare(base, head) }),
  ],
  [
    "GET",
    /^\/actions\/workflows\/([^/]+)\/runs$/,
    scope("actions"),
    ({ runs }, [, file], query) => ({
      workflow_runs: runs()
        .filter((run) => run.file === file)
        .filter(({ status }) => status === (query.get("status") ?? status))
        .filter(({ event }) => event === (query.get("event") ?? event))
        .filter(({ branch }) => branch === (query.get("branch") ?? branch))
        .map(({ id, status, branch }) => ({
          ...{ id, status, head_branch: branch },
          html_url: `https://github.example/runs/${id}`,
        })),
    }),
  ],
  [
    "GET",
    /^\/environments\/([^/]+)\/deployment-branch-policies$/,
    scope("actions"),
    ({ options }, [, name = ""]) => {
      const refs = options.environments[decodeURIComponent(name)]?.refs;
      return refs && { branch_policies: refs.map((ref) => ({ name: ref.replace("refs/heads/", "") })) };
    },
  ],
  [
    "GET",
    /^\/environments\/([^/]+)$/,
    scope("actions"),
    ({ options }, [, name = ""]) => {
      const environment = options.environments[decodeURIComponent(name)];
      if (environment === undefined) return undefined;
      const { reviewers, preventSelfReview = false, refs } = environment;
      const reviews = {
        ...{ id: 1, type: "required_reviewers", prevent_self_review: preventSelfReview },
        reviewers: reviewers.map((login) => ({ type: "User", reviewer: { login } })),
      };
      return {
        name: decodeURIComponent(name),
        protection_rules: [
          ...(reviewers.length === 0 ? [] : [reviews]),
          ...(refs === undefined ? [] : [{ id: 2, type: "branch_policy" }]),
        ],
        deployment_branch_policy:
          refs === undefined ? null : { protected_branches: false, custom_branch_policies: true },
      };
    },
  ],
];

/** Returns the page of a list that a request asks for. */
export function page(all: readonly unknown[], query: URLSearchParams): readonly unknown[] {
  const { first, end } = rangeOf(query);
  return all.slice(first, end);
}

/** Returns the header `link` with the address of the next page; undefined for the last page (docs.github.com/rest, "Using pagination in the REST API"). */
export function nextPage(all: readonly unknown[], url: URL): string | undefined {
  if (rangeOf(url.searchParams).end >= all.length) return undefined;
  const next = new URL(url);
  next.searchParams.set("page", String(Number(url.searchParams.get("page") ?? 1) + 1));
  return `<${next.href}>; rel="next"`;
}

function rangeOf(query: URLSearchParams): { first: number; end: number } {
  const size = Number(query.get("per_page") ?? 30);
  const end = size * Number(query.get("page") ?? 1);
  return { first: end - size, end };
}
