/** Reads and validates the bootstrap's config: the repository whose workflows may act in the account, and the environments. */
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { environmentNames } from "./environments.ts";
import type { EnvironmentName } from "./environments.ts";
import { json } from "../setting-types.ts";
import { sourceBucket } from "../source-buckets.ts";

const list = json("must be a list");

const id = z.string().regex(/^\d+$/, "must be a number, as `gh api repos/OWNER/REPOSITORY` shows it").optional();

const sourceBucketsForm =
  "must be a list of source buckets, each an object with bucket, and prefix and keyArn if needed";

const schema = z
  .strictObject({
    /** OWNER/REPOSITORY on GitHub. */
    repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, "must be OWNER/REPOSITORY, as on GitHub"),
    /** Numbers that GitHub puts into its tokens' subjects (see `github-token-subject.ts`): both, or none. */
    ownerId: id,
    repositoryId: id,
    /** The environments that are deployed to this account. */
    environments: list.pipe(z.array(z.enum(environmentNames)).min(1)).default([...environmentNames]),
    /** Existing buckets that the stacks' roles may read through the setting of the same name. */
    sourceBuckets: list.pipe(z.array(sourceBucket)).default([]),
    /** The account's identity provider for GitHub, if it has one: there can be only one. */
    identityProviderArn: z
      .string()
      .regex(
        /^arn:[a-z-]+:iam::\d{12}:oidc-provider\/token\.actions\.githubusercontent\.com$/,
        "must be the ARN of the account's provider for token.actions.githubusercontent.com",
      )
      .optional(),
  })
  .refine(({ ownerId, repositoryId }) => (ownerId === undefined) === (repositoryId === undefined), {
    path: ["repositoryId"],
    message: "must be given together with ownerId, or not at all",
  });

/** The validated settings. */
export type BootstrapConfig = z.infer<typeof schema> & { readonly environments: readonly EnvironmentName[] };

/** Error that lists all problems of the config. Pulumi prints only the message of a RunError, without a stack trace. */
export class ConfigError extends pulumi.RunError {
  constructor(problems: readonly string[]) {
    super(`The bootstrap's config is invalid:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
}

/**
 * Reads the config of the stack that is being deployed.
 * @throws ConfigError that lists every problem
 */
export function readConfig(): BootstrapConfig {
  return parseConfig(pulumi.runtime.allConfig(), pulumi.getProject());
}

/**
 * Validates a config. `values` has full keys (`namespace:key`); other namespaces are ignored.
 * @throws ConfigError that lists every problem
 */
export function parseConfig(values: Readonly<Record<string, string>>, namespace: string): BootstrapConfig {
  const own = Object.fromEntries(
    Object.entries(values)
      .filter(([key]) => key.startsWith(`${namespace}:`))
      .map(([key, value]) => [key.slice(namespace.length + 1), value]),
  );
  const checked = schema.safeParse(own);
  if (checked.success) return checked.data;
  const problems = checked.error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
      return issue.keys.map((key) => `${namespace}:${key} is not a setting. Remove it: pulumi config rm ${key}`);
    }
    const key = String(issue.path[0]);
    const message = key === "sourceBuckets" ? sourceBucketsForm : issue.message;
    return [`${namespace}:${key} ${message}. Set it: pulumi config set ${key} VALUE`];
  });
  throw new ConfigError([...new Set(problems)]);
}
