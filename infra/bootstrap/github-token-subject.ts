/** Spells the subject of a GitHub token, which a role's trust policy compares. */

/** A repository, with its numbers if its tokens contain them. */
export interface Repository {
  /** OWNER/REPOSITORY. */
  readonly repository: string;
  readonly ownerId?: string | undefined;
  readonly repositoryId?: string | undefined;
}

/**
 * Returns the exact subject of the token of a job in a GitHub environment. Repositories created, renamed or moved after 2026-07-15, and those that
 * opted in, have their numbers in it, so that taking over an abandoned name gives no access (GitHub: "OpenID Connect reference").
 */
export function githubTokenSubject({ repository, ownerId, repositoryId }: Repository, environment: string): string {
  const [owner = "", name = ""] = repository.split("/");
  const from =
    ownerId === undefined || repositoryId === undefined ? repository : `${owner}@${ownerId}/${name}@${repositoryId}`;
  return `repo:${from}:environment:${environment}`;
}
