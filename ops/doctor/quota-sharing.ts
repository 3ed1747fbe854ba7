/** Finds the other stacks that share the quota of a stack's instance type: those of the same account and region. */
import { readdir } from "node:fs/promises";
import { describe, InvalidInputError, UserError } from "../../lib/errors.ts";
import { lastLine, run } from "../../lib/child-process.ts";
import { ConfigError } from "../../infra/config.ts";
import { readSettings } from "./settings.ts";
import { readStackFile } from "./stack-file.ts";
import type { StackFile } from "./stack-file.ts";

/** Instances that other stacks may start. */
export interface QuotaSharing {
  /** Other stacks of the same type, region and account, with their maxCapacity. */
  readonly stacks: readonly { readonly name: string; readonly maxCapacity: number }[];
  /** Stacks that could not be counted, with the reason. */
  readonly unknown: readonly string[];
}

/** Returns the names of the backend's stacks. */
export type ListStacks = (root: string, env: NodeJS.ProcessEnv) => Promise<readonly string[]>;

/** Timeout of the Pulumi CLI in milliseconds, so that a backend without an answer does not block the doctor. */
const listTimeout = 60_000;

/** Asks the Pulumi CLI for the stacks of the current backend. */
export const listStacks: ListStacks = async (root, env) => {
  const { status, stdout, stderr, timedOut } = await run(["pulumi", "stack", "ls", "--json", "--non-interactive"], {
    cwd: root,
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    limit: listTimeout,
  });
  if (timedOut) throw new UserError(`pulumi stack ls did not end within ${listTimeout / 1000} s`);
  if (status !== 0) throw new UserError(`pulumi stack ls failed: ${lastLine(stderr) ?? `exit status ${status}`}`);
  return (JSON.parse(stdout) as readonly { readonly name: string }[]).map(({ name }) => name);
};

/** The template of pull requests' stacks, whose names are pr-NUMBER (`.github/workflows/ephemeral.yml`). */
const template = "pr";
const ephemeral = /^(?:.*\/)?pr-\d+$/;

/** Checks if two stacks may be in one account: not if both set their accounts and share none. */
function mayShareAccount(one: StackFile, other: StackFile): boolean {
  const [mine, others] = [one.allowedAccountIds, other.allowedAccountIds];
  return mine.length === 0 || others.length === 0 || mine.some((account) => others.includes(account));
}

/** Finds the other stacks by their files, Pulumi.*.yaml, and pull requests' stacks by their names in the backend. */
export async function quotaSharing(
  stack: StackFile,
  instanceType: string,
  region: string,
  env: NodeJS.ProcessEnv,
  list: ListStacks,
): Promise<QuotaSharing> {
  const stacks: { name: string; maxCapacity: number }[] = [];
  const unknown: string[] = [];
  const names = (await readdir(stack.root)).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []).sort();
  // The stack local is the emulator's, which has no quota.
  for (const name of names.filter((each) => each !== stack.name && each !== "local")) {
    try {
      const other = await readStackFile(stack.root, name);
      const settings = readSettings(other);
      if (settings instanceof ConfigError) throw new InvalidInputError(`${other.file} is not valid`);
      const otherRegion = other.region ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"];
      if (settings.instanceType !== instanceType || otherRegion !== region || !mayShareAccount(stack, other)) continue;
      const { maxCapacity } = settings;
      if (name !== template) stacks.push({ name, maxCapacity });
      else for (const open of await openPullRequests(stack, names, env, list)) stacks.push({ name: open, maxCapacity });
    } catch (error) {
      unknown.push(name === template ? `pull requests' stacks (${describe(error)})` : `${name} (${describe(error)})`);
    }
  }
  return { stacks, unknown };
}

/** Returns pull requests' stacks in the backend. One with a file, as in the job that deploys it, is counted by the file. */
async function openPullRequests(
  { root }: StackFile,
  files: readonly string[],
  env: NodeJS.ProcessEnv,
  list: ListStacks,
): Promise<readonly string[]> {
  const isOpen = (name: string): boolean => ephemeral.test(name) && !files.includes(name.split("/").at(-1) ?? name);
  return (await list(root, env)).filter(isOpen);
}
