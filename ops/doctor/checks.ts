/** Runs all checks before a stack's first deployment, in parallel. They change nothing. */
import { homedir } from "node:os";
import { ConfigError } from "../../infra/config.ts";
import type { StackConfig } from "../../infra/config.ts";
import { checkAccount } from "./account.ts";
import { checkArtifact } from "./artifact.ts";
import { requestLimits } from "./aws-clients.ts";
import type { AwsAccess } from "./aws-clients.ts";
import { checkBackend, findBackend } from "./backend.ts";
import { findingsOf } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { checkGitHub } from "./github.ts";
import { checkImage } from "./image.ts";
import { priceFindings } from "./price.ts";
import { listStacks, quotaSharing } from "./quota-sharing.ts";
import type { ListStacks } from "./quota-sharing.ts";
import { checkQuota } from "./quota.ts";
import { checkRemains } from "./remains.ts";
import { checkSecrets } from "./secrets.ts";
import { readSettings } from "./settings.ts";
import { checkSource } from "./sources.ts";
import type { StackFile } from "./stack-file.ts";

/** The doctor's inputs; tests set others. */
export interface DoctorContext {
  readonly env: NodeJS.ProcessEnv;
  /** The user's home folder. */
  readonly home: string;
  /** Options of AWS clients in addition to the region. @default AWS's default chain */
  readonly aws?: Pick<AwsAccess, "endpoint" | "credentials">;
  readonly listStacks: ListStacks;
}

/** The context of this process. */
export const processContext: DoctorContext = { env: process.env, home: homedir(), listStacks };

/** Examines a stack. Returns one or more findings of each check, in the order in which to fix them. */
export async function examine(
  stack: StackFile,
  { env, home, aws: own, listStacks: list }: DoctorContext,
): Promise<Finding[]> {
  const shell = shellFinding(stack, env);
  if (shell !== undefined) return [shell];
  const config = readSettings(stack);
  const settings = config instanceof ConfigError ? undefined : config;
  const region = stack.region ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"];
  const backend = await findBackend(stack.root, env, home);
  const ofAws = (check: string, look: (aws: AwsAccess) => Promise<Finding>): Promise<Finding> =>
    region === undefined
      ? Promise.resolve(findingsOf(check).unchecked("no region is set", "Set aws:region first."))
      : look({
          region,
          maxAttempts: 2,
          requestHandler: requestLimits,
          ...(stack.profile === undefined ? {} : { profile: stack.profile }),
          ...own,
        });
  const ofSettings = (check: string, look: (settings: StackConfig) => Promise<Finding>): Promise<Finding> =>
    settings === undefined
      ? Promise.resolve(findingsOf(check).unchecked("the config is not valid", "Correct the config first."))
      : look(settings);

  const asked = await Promise.all([
    ofAws("account", (aws) => checkAccount(stack, aws)),
    ofSettings("quota", (sizing) =>
      onAws(stack, findingsOf("quota").ok("none: the emulator has no quotas"), () =>
        ofAws("quota", async (aws) => {
          const sharing = await quotaSharing(stack, sizing.instanceType, aws.region, env, list);
          return await checkQuota(sizing, sharing, aws);
        }),
      ),
    ),
    ofSettings("image", (config) =>
      onAws(stack, findingsOf("image").ok("none: the emulator serves from a Python environment of this machine"), () =>
        ofAws("image", (aws) => checkImage(config, aws)),
      ),
    ),
    checkArtifact(stack),
    ofAws("state", (aws) => checkBackend(backend, stack, aws, env)),
    ofAws("secrets", (aws) => checkSecrets(stack, backend, aws, env)),
    ofSettings("endpoint", (settings) => ofAws("endpoint", (aws) => checkRemains(stack, settings, aws))),
    ...(settings?.sourceBuckets ?? []).map((source) => ofAws("sources", (aws) => checkSource(source, aws, env))),
  ]);
  return [
    configFinding(stack, config),
    regionFinding(stack, region),
    ...asked,
    ...(await checkGitHub(stack, env)),
    ...(settings === undefined ? [] : costFindings(stack, settings)),
  ];
}

/** Checks the shell: after `local:env`, every answer would be the emulator's; otherwise an answer about the stack `local` would be AWS's. */
function shellFinding({ name }: StackFile, env: NodeJS.ProcessEnv): Finding | undefined {
  const { problem } = findingsOf("shell");
  const endpoint = env["AWS_ENDPOINT_URL"];
  if (name === "local") {
    if (endpoint !== undefined) return undefined;
    return problem(
      "AWS_ENDPOINT_URL is not set: the stack local is on the emulator, whose address this shell does not have",
      'Start the emulator if it is not running: npm run local:up. Then: eval "$(npm run -s local:env)"',
    );
  }
  if (endpoint === undefined) return undefined;
  return problem(
    `AWS_ENDPOINT_URL is ${endpoint}: that service would answer instead of AWS`,
    "Open a new shell, or unset the variables of npm run -s local:env.",
  );
}

/** Checks AWS for a stack on AWS; returns the given finding for the emulator's. */
async function onAws({ name }: StackFile, onEmulator: Finding, look: () => Promise<Finding>): Promise<Finding> {
  return name === "local" ? onEmulator : await look();
}

/** Returns the cost. The emulator costs nothing. */
function costFindings({ name }: StackFile, settings: StackConfig): Finding[] {
  return name === "local"
    ? [findingsOf("price").ok("no cost: the emulator runs on this machine")]
    : priceFindings(settings);
}

function configFinding({ file }: StackFile, config: StackConfig | ConfigError): Finding {
  const { ok, problem } = findingsOf("config");
  if (!(config instanceof ConfigError)) return ok(`${file} is valid`);
  return problem(config.message, `Correct ${file}; docs/configuration.md has the table of settings.`);
}

function regionFinding({ name, file }: StackFile, region: string | undefined): Finding {
  const { ok, problem } = findingsOf("region");
  if (region !== undefined) return ok(region);
  return problem(`${file} does not set it`, `pulumi config set aws:region us-east-1 --stack ${name}`);
}
