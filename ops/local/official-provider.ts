/** Finds the official Pulumi provider for AWS, with which the engine can deploy to the emulator instead of the emulator's own. */
import { lookup } from "node:dns/promises";
import { existsSync, readFileSync } from "node:fs";
import { rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { InvalidInputError } from "../../lib/errors.ts";
import { makeFolder } from "../../lib/files.ts";
import type { Progress } from "../../lib/progress.ts";
import { lastLine, run } from "../../lib/child-process.ts";
import { pulumiRoot, repoRoot } from "../../tools/paths.mjs";

/** Providers of the stack `local`: the emulator's, which the engine attaches to, or the official one, which the engine starts. */
export const providerKinds = ["emulated", "official"] as const;

/** Provider of the stack `local`. */
export type ProviderKind = (typeof providerKinds)[number];

/** Description of the option `--provider`. */
export const providerHelp =
  "provider of the AWS resources: emulated, or official: Pulumi's, 700 MB, downloaded once into your PULUMI_HOME";

/** Time limit of the download, ms. */
const downloadLimit = 15 * 60_000;

const name = "pulumi-resource-aws";
const packageSchema = z.object({ pulumi: z.object({ version: z.string() }) });

/** Returns the version of the official provider that belongs to the program's @pulumi/aws. */
export function officialVersion(): string {
  const text = readFileSync(join(repoRoot, "node_modules/@pulumi/aws/package.json"), "utf8");
  return packageSchema.parse(JSON.parse(text)).pulumi.version;
}

/** Returns the provider's executable in a Pulumi home: `pulumi plugin install` puts it there. */
function executableIn(pulumiHome: string): string {
  return join(pulumiHome, "plugins", `resource-aws-v${officialVersion()}`, name);
}

/** Sources of {@link findOfficialProvider}. */
export interface OfficialProviderOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly progress: Pick<Progress, "step">;
  readonly signal: AbortSignal;
  /** The Pulumi CLI. @default the one that setup installs */
  readonly cli?: string;
  /** Rejects if a host name has no address. @default the system's */
  readonly resolve?: (host: string) => Promise<unknown>;
}

/** Host of S3 Control, with which the provider reads the tags of buckets. The account is the emulator's. */
const controlHost = "000000000000.s3-control.localhost";

/**
 * Returns the path of the official provider in the user's Pulumi home; downloads it if it is not there.
 * @throws InvalidInputError if it cannot be downloaded, or if it could not reach the emulator
 */
export async function findOfficialProvider(options: OfficialProviderOptions): Promise<string> {
  const { environment, resolve = lookup } = options;
  const home = environment["PULUMI_HOME"] ?? join(environment["HOME"] ?? homedir(), ".pulumi");
  const executable = executableIn(home);
  if (!existsSync(executable)) await download(executable, home, options);
  try {
    await resolve(controlHost);
  } catch (error) {
    const message = `The official provider reads the tags of buckets at ${controlHost}, but this machine does not know the name.`;
    throw new InvalidInputError(message, { hint: `add the line 127.0.0.1 ${controlHost} to /etc/hosts`, cause: error });
  }
  return executable;
}

async function download(executable: string, home: string, options: OfficialProviderOptions): Promise<void> {
  const { environment, progress, signal, cli = join(pulumiRoot, "bin", "pulumi") } = options;
  const version = officialVersion();
  const install = `plugin install resource aws ${version}`;
  await progress.step(`Downloading the official provider ${version}`, async () => {
    const env = { ...environment, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" };
    const { status, stderr } = await run([cli, ...install.split(" ")], { limit: downloadLimit, env, signal });
    if (status === 0 && existsSync(executable)) return;
    throw new InvalidInputError(
      `The official provider is not at ${executable}, and cannot be downloaded: ${lastLine(stderr)?.replace(/^error: /, "") ?? `exit status ${status}`}`,
      {
        hint: `on a machine with internet access, run "pulumi ${install}", and copy its ~/.pulumi/plugins/${basename(dirname(executable))} to ${dirname(dirname(executable))}; or use --provider emulated`,
      },
    );
  });
}

/**
 * Makes the engine find the official provider in the stack's Pulumi home. Pulumi finds plugins in folders only, not in links
 * to folders (tryPlugin in pulumi/pulumi), so the folder is a real one with a link to the executable.
 */
export async function linkOfficialProvider(executable: string, pulumiHome: string): Promise<void> {
  const link = executableIn(pulumiHome);
  makeFolder(join(link, ".."));
  await rm(link, { force: true });
  await symlink(executable, link);
}
