/** The pipeline's account on the emulator: infra/bootstrap, and the roles that GitHub's jobs assume there. */
import { cp, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import type { Step } from "../../lib/progress.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { awsEnvironment, Deployment } from "../deployment/deployment.ts";
import type { StackOptions } from "../deployment/deployment.ts";
import type { Setting } from "../deployment/settings-file.ts";
import type { RunningEmulator } from "../local/emulator.ts";
import { assumeRoleWithToken } from "../local/roles.ts";
import type { RoleSession } from "../local/roles.ts";

/** Name of the bootstrap's stack. */
export const bootstrapStack = "account";

/** The repository whose jobs may assume the bootstrap's roles. */
export const repository = "team/videos";

/** Settings of the policy pack for the bootstrap. */
export const bootstrapPolicies = join(repoRoot, "infra", "bootstrap", "policies.json");

/**
 * Copies the bootstrap's program into a folder, because Pulumi writes a salt into the config of a new stack, and links
 * the Node packages.
 * @param settings in addition to the repository's name
 * @returns the path of the project
 */
export async function copyBootstrap(folder: string, settings: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const project = join(folder, "infra", "bootstrap");
  await cp(join(repoRoot, "infra"), join(folder, "infra"), { recursive: true });
  for (const name of ["node_modules", "package.json"]) await symlink(join(repoRoot, name), join(folder, name));
  const config = {
    "aws:region": "us-east-1",
    "aws:defaultTags": { tags: { project: "async-video-inference", stack: "bootstrap" } },
    "async-video-bootstrap:repository": repository,
    ...settings,
  };
  await writeFile(join(project, `Pulumi.${bootstrapStack}.yaml`), stringify({ config }));
  return project;
}

const environmentSchema = z.object({ dev: z.string() });
const bootstrapSchema = z.object({
  repositoryVariables: z.object({ DEV_DEPLOY_ROLE: z.string(), DEV_PREVIEW_ROLE: z.string() }),
  permissionsBoundaries: environmentSchema,
  encryptionKeyArns: environmentSchema,
});

/** An account in which the environment dev is bootstrapped. */
export interface DevAccount {
  readonly deployRoleArn: string;
  readonly previewRoleArn: string;
  /** Settings that the stack dev needs (infra/bootstrap/README.md, step 5). */
  readonly settings: readonly Setting[];
}

/**
 * Deploys the bootstrap for the environment dev, as the administrator.
 * @param folder for the program's copy
 * @param sourceBuckets that the stack's roles may read
 */
export async function bootstrapDev(
  aws: RunningEmulator,
  { folder, paths }: { readonly folder: string; readonly paths: StackOptions["paths"] },
  sourceBuckets: readonly unknown[],
  step: Step,
  signal: AbortSignal,
): Promise<DevAccount> {
  const deployment = await Deployment.openAt({
    stackName: bootstrapStack,
    projectFolder: await copyBootstrap(folder, {
      "async-video-bootstrap:environments": ["dev"],
      "async-video-bootstrap:sourceBuckets": sourceBuckets,
    }),
    policyConfigFile: bootstrapPolicies,
    paths,
    providerPort: aws.providerPort,
    environment: awsEnvironment(aws),
  });
  const { outputs } = await deployment.up(step, signal);
  const { repositoryVariables, permissionsBoundaries, encryptionKeyArns } = bootstrapSchema.parse(outputs);
  return {
    deployRoleArn: repositoryVariables.DEV_DEPLOY_ROLE,
    previewRoleArn: repositoryVariables.DEV_PREVIEW_ROLE,
    settings: [
      { key: "async-video-inference:permissionsBoundary", value: permissionsBoundaries.dev },
      { key: "async-video-inference:encryptionKeyArn", value: encryptionKeyArns.dev },
      { key: "aws:defaultTags", value: { tags: { project: "async-video-inference", stack: "dev" } } },
    ],
  };
}

/** A job's credentials. Disposing of it stops its provider. */
export interface JobRole extends AsyncDisposable {
  readonly credentials: Pick<RoleSession, "accessKeyId" | "secretAccessKey" | "sessionToken">;
  /** Port of the provider named aws: on GitHub, the engine starts it with the job's credentials. */
  readonly providerPort: number;
  /** Variables of the job with which AWS SDKs and CLIs use the emulator. */
  readonly environment: Record<string, string>;
}

/**
 * Assumes a role with a job's token, as `aws-actions/configure-aws-credentials` does: its audience and its default name
 * of a session.
 * @param subject the subject of the token
 * @param seconds duration of the session
 * @throws STS's error if the role does not trust the subject, or does not allow sessions of this duration
 */
export async function assumeJobRole(
  aws: RunningEmulator,
  roleArn: string,
  subject: string,
  seconds: number,
): Promise<JobRole> {
  const identity = { host: "token.actions.githubusercontent.com", audience: "sts.amazonaws.com", subject };
  const session = await assumeRoleWithToken(aws, roleArn, identity, "GitHubActions", seconds);
  const { accessKeyId, secretAccessKey, sessionToken } = session;
  const credentials = { accessKeyId, secretAccessKey, sessionToken };
  // Loaded here, because Pulumi's SDK takes seconds: a command line must be checked first.
  const { startProvider } = await import("../../emulator/provider/server.ts");
  const provider = await startProvider({
    endpoint: aws.url,
    region: aws.region,
    credentials,
    programDirectory: join(repoRoot, "infra"),
    // As in the emulator: every write is visible at once.
    retryBudget: 5_000,
  });
  return {
    credentials,
    providerPort: provider.port,
    environment: awsEnvironment({ ...aws, credentials }),
    [Symbol.asyncDispose]: () => provider.stop(),
  };
}
