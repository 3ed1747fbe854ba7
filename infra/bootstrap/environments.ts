/** The environments that workflows deploy to, and the permissions that differ between them. */
import * as pulumi from "@pulumi/pulumi";

/** Names of the environments. */
export const environmentNames = ["dev", "production", "ephemeral"] as const;
/** Name of an environment. */
export type EnvironmentName = (typeof environmentNames)[number];

/** Properties of one environment. */
export interface Environment {
  /** Name in GitHub's settings and the workflows. */
  readonly name: EnvironmentName;
  /** GitHub environments whose jobs assume its deployment role. */
  readonly trustedGitHubEnvironments: readonly string[];
  /** Name of its stack, which names and tags of its resources contain. A `*` at the end stands for any text. */
  readonly stack: string;
  /** Prefix of the names of its repository variables. */
  readonly variables: string;
  /** True if its stacks may be destroyed together with their data. */
  readonly disposable: boolean;
  /** True if pull requests preview it and the nightly check covers it. */
  readonly previewed: boolean;
}

/** The environments by name. */
export const environments: Readonly<Record<EnvironmentName, Environment>> = {
  dev: {
    name: "dev",
    trustedGitHubEnvironments: ["dev"],
    stack: "dev",
    variables: "DEV",
    disposable: true,
    previewed: true,
  },
  production: {
    name: "production",
    trustedGitHubEnvironments: ["production"],
    stack: "prod",
    variables: "PROD",
    disposable: false,
    previewed: true,
  },
  ephemeral: {
    name: "ephemeral",
    trustedGitHubEnvironments: ["ephemeral", "ephemeral-destroy"],
    stack: "pr-*",
    variables: "EPHEMERAL",
    disposable: true,
    previewed: false,
  },
};

/** Returns the prefix of the names of all resources of an environment's stacks, for example `video-dev-` (`infra/index.ts`). */
export function namePrefix({ stack }: Pick<Environment, "stack">): string {
  return stack.endsWith("*") ? `video-${stack.slice(0, -1)}` : `video-${stack}-`;
}

/**
 * Returns the environments with these names, which share an account.
 * @param known all environments
 * @throws RunError if the pattern of one environment's resource names also matches names of another
 */
export function environmentsNamed(
  names: readonly EnvironmentName[],
  known: Readonly<Record<EnvironmentName, Environment>> = environments,
): readonly Environment[] {
  const sharing = names.map((name) => known[name]);
  for (const one of sharing) {
    const other = sharing.find((each) => each !== one && namePrefix(each).startsWith(namePrefix(one)));
    if (other === undefined) continue;
    throw new pulumi.RunError(
      `Stack ${other.stack} (environment ${other.name}) and stack ${one.stack} (environment ${one.name}) cannot share an account: ` +
        `"${namePrefix(one)}*" matches names of both, so each environment's roles would reach the other's resources. ` +
        `Rename one of the stacks so that its name does not continue the other's, or use two accounts.`,
    );
  }
  return sharing;
}

/** Returns a warning about production in one account with other environments; undefined if there is nothing to warn about. */
export function sharedAccountWarning(sharing: readonly Environment[]): string | undefined {
  const others = sharing.filter(({ name }) => name !== "production").map(({ name }) => name);
  if (others.length === sharing.length || others.length === 0) return undefined;
  return (
    `production shares this account with ${others.join(" and ")}. Some actions cannot be limited to one environment (README.md lists them), ` +
    `and quotas are shared. Use a separate account for production: pulumi config set environments '["production"]' there, ` +
    `and '${JSON.stringify(others)}' here.`
  );
}
