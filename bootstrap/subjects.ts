/** How GitHub names a workflow's job in its tokens: what a role's trust policy compares. */

/** A repository, with its numbers where its tokens have them. */
export interface Repository {
  /** OWNER/REPOSITORY. */
  readonly repository: string;
  readonly ownerId?: string | undefined;
  readonly repositoryId?: string | undefined;
}

/** A job, by what its token says of it. */
export type Job = { readonly environment: string } | { readonly branch: string } | "pull request";

/**
 * The exact subject of a job's token. Repositories made, renamed or moved after 2026-07-15, and those that opted in, have
 * their numbers in it, so that nobody gets a role by taking over an abandoned name (GitHub: "OpenID Connect reference").
 */
export function subjectOf({ repository, ownerId, repositoryId }: Repository, job: Job): string {
  const [owner = "", name = ""] = repository.split("/");
  const from =
    ownerId === undefined || repositoryId === undefined ? repository : `${owner}@${ownerId}/${name}@${repositoryId}`;
  if (job === "pull request") return `repo:${from}:pull_request`;
  return "branch" in job ? `repo:${from}:ref:refs/heads/${job.branch}` : `repo:${from}:environment:${job.environment}`;
}
