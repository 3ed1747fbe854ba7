/** The commands whose decisions `npm run iam:record` records: a stack's use by its roles, and its deployments by the bootstrap's roles. */
import { execFile } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DetachRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
  paginateListRoles,
} from "@aws-sdk/client-iam";
import { z } from "zod";
import { createEmulator } from "../../emulator/aws.ts";
import type { Emulator } from "../../emulator/aws.ts";
import { startProvider } from "../../emulator/provider/server.ts";
import { awsEnvironment, Deployment } from "../../ops/deployment/deployment.ts";
import { readReady } from "../../ops/local/emulator.ts";
import type { Ready } from "../../ops/local/emulator.ts";
import { localState } from "../../ops/local/local-stack.ts";
import { makeFolder } from "../../lib/files.ts";
import { freePort } from "../../lib/ports.ts";
import { assumeRole } from "../../ops/local/roles.ts";
import { statePaths } from "../../ops/local/state.ts";
import type { StatePaths } from "../../ops/local/state.ts";
import { FakeFleet } from "../../emulator/testing/fake-aws.ts";
import { ministackPython, repoRoot, servingPython } from "../../tools/paths.mjs";
import { copyProject, policies, stackName } from "../testing/bootstrap/project.ts";

const execute = promisify(execFile);
const step = { detail: () => undefined };

/** Receives a line for each command. */
export type Report = (line: string) => void;

/** Limit of one command, ms. */
const limit = 15 * 60_000;

/** Runs `npm start`, and uses the stack `local` as its roles: one video, its result, a burst, the smoke test, a redrive. */
export async function useStack(folder: string, report: Report, signal: AbortSignal): Promise<void> {
  const run = async (args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<void> => {
    report(`$ async-video ${args.join(" ")}`);
    await execute(process.execPath, [join(repoRoot, "ops", "bin", "async-video.mjs"), ...args], {
      cwd: repoRoot,
      env: { ...process.env, ...environment },
      timeout: limit,
      maxBuffer: 2 ** 26,
      signal,
    });
  };
  makeFolder(folder);
  await run(["start", "--port", String(await freePort())]);
  await run(["local", "up", "--port", String(await freePort())]);
  try {
    const ready = await readReady(localState);
    if (ready === undefined) throw new Error("local up left no emulator.");
    await using roles = await createRoles(ready);
    const as = async (role: string, ...args: string[]): Promise<void> => {
      await run(args, sessionVariables(await assumeRole(ready, role)));
    };
    const journal = join(folder, "jobs.jsonl");
    const video = join(repoRoot, "model", "samples", "street.mp4");
    await as("caller", "submit", video, "--wait", "--journal", journal);
    await as("caller", "fetch", journal, "--to", join(folder, "results"), "--annotate");
    await as("caller", "status", "--id", ...(await jobIds(journal)));
    await as(roles.team, "status", journal);
    await as(roles.team, "burst", "--count", "10", "--until-zero", "--out", join(folder, "burst"));
    await as(roles.tester, "smoke", "--any");
    await as(roles.team, "redrive", "--journal", join(folder, "redrive.jsonl"));
  } finally {
    await run(["local", "down"]);
  }
}

/** Names of roles for the commands on a stack. */
interface StackRoles extends AsyncDisposable {
  readonly team: string;
  readonly tester: string;
}

/**
 * Creates two roles: a team with the stack's policies for callers and for operators, and a tester who may do everything, because on AWS the
 * deploy role tests a stack. Disposing of them detaches the stack's policies, so that the stack can be destroyed.
 */
async function createRoles({ url, region, accountId, credentials }: Ready): Promise<StackRoles> {
  const iam = iamClient({ url, region, credentials });
  const { callerPolicyArn, operatorPolicyArn } = z
    .object({ callerPolicyArn: z.string(), operatorPolicyArn: z.string() })
    .parse(JSON.parse(await readFile(localState.outputs, "utf8")));
  const document = (statement: object): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...statement }] });
  const [team, tester] = ["local-team", "local-tester"] as const;
  const Principal = { AWS: `arn:aws:iam::${accountId}:root` };
  for (const each of [team, tester]) {
    const AssumeRolePolicyDocument = document({ Principal, Action: "sts:AssumeRole" });
    await iam.send(new CreateRoleCommand({ RoleName: each, AssumeRolePolicyDocument }));
  }
  const PolicyDocument = document({ Action: "*", Resource: "*" });
  await iam.send(new PutRolePolicyCommand({ RoleName: tester, PolicyName: "everything", PolicyDocument }));
  const policies = [callerPolicyArn, operatorPolicyArn];
  for (const PolicyArn of policies) await iam.send(new AttachRolePolicyCommand({ RoleName: team, PolicyArn }));
  return {
    team,
    tester,
    async [Symbol.asyncDispose]() {
      for (const PolicyArn of policies) await iam.send(new DetachRolePolicyCommand({ RoleName: team, PolicyArn }));
      iam.destroy();
    },
  };
}

const journalLine = z.looseObject({ job: z.looseObject({ inferenceId: z.string() }).optional() });

/** Returns the InferenceIds in a job journal. */
async function jobIds(journal: string): Promise<string[]> {
  const lines = (await readFile(journal, "utf8")).trim().split("\n");
  return [...new Set(lines.flatMap((line) => journalLine.parse(JSON.parse(line)).job?.inferenceId ?? []))];
}

function iamClient({ url: endpoint, region, credentials }: Pick<Ready, "url" | "region" | "credentials">): IAMClient {
  return new IAMClient({ endpoint, region, credentials, requestHandler: { requestTimeout: 60_000 } });
}

interface Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

const sessionVariables = ({ accessKeyId, secretAccessKey, sessionToken }: Session): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_SESSION_TOKEN: sessionToken,
});

const bootstrapOutputs = z.object({
  permissionsBoundaries: z.record(z.string(), z.string()),
  encryptionKeyArns: z.record(z.string(), z.string()),
});

/** Deploys, changes, previews and destroys the stack `dev` as the bootstrap's roles, on an emulator without model servers. */
export async function deployStack(folder: string, report: Report, signal: AbortSignal): Promise<void> {
  const paths = statePaths(join(folder, "state"));
  for (const each of [folder, paths.aws, paths.backend]) makeFolder(each);
  const project = await copyProject(folder);
  const fleet = new FakeFleet();
  const aws = await createEmulator({
    port: 0,
    speed: 240,
    stateDir: paths.aws,
    ministackPython,
    servingPython,
    programDirectory: repoRoot,
    sageMaker: { launcherFor: (container) => fleet.launcherFor(container) },
  });
  try {
    await deployAsRoles(aws, { folder, project, paths, report, signal });
  } finally {
    await aws.stop();
  }
}

interface DeployOptions {
  readonly folder: string;
  /** The bootstrap's project. */
  readonly project: string;
  readonly paths: StatePaths;
  readonly report: Report;
  readonly signal: AbortSignal;
}

async function deployAsRoles(aws: Emulator, { folder, project, paths, report, signal }: DeployOptions): Promise<void> {
  const artifact = join(folder, "model.tar.gz");
  await writeFile(artifact, "weights and code");
  const bootstrap = await Deployment.openAt({
    stackName,
    projectFolder: project,
    policyConfigFile: policies,
    paths,
    providerPort: aws.providerPort,
    environment: awsEnvironment(aws),
  });
  report("Deploying the bootstrap");
  const { permissionsBoundaries, encryptionKeyArns } = bootstrapOutputs.parse(
    (await bootstrap.up(step, signal)).outputs,
  );
  // A copy, because Pulumi writes a salt into the config of a new stack.
  const configFile = join(folder, "Pulumi.dev.yaml");
  for (const name of ["Pulumi.yaml", "Pulumi.dev.yaml"]) await copyFile(join(repoRoot, name), join(folder, name));
  const settings = [
    `encryptionKeyArn: ${encryptionKeyArns["dev"] ?? ""}`,
    `permissionsBoundary: ${permissionsBoundaries["dev"] ?? ""}`,
    'warmWindow: \'{"days":"SUN","start":"01:00","end":"02:00","timeZone":"Etc/UTC","instances":1}\'',
    "operationsEmails: '[\"ops@example.com\"]'",
  ];
  const own = (await readFile(configFile, "utf8")).replace("model/dist/coco/model.tar.gz", artifact);
  const config = `${own.trimEnd()}\n${settings.map((each) => `  async-video-inference:${each}\n`).join("")}`;

  /** Runs a step of a deployment as a role. */
  const as = async (
    kind: "deploy" | "preview",
    what: string,
    text: string,
    task: (deployment: Deployment) => Promise<unknown>,
  ) => {
    const name = await roleName(aws, `async-video-dev-${kind}`);
    const credentials = await assumeRole(aws, name);
    const connection = { endpoint: aws.url, region: aws.region, programDirectory: folder };
    const provider = await startProvider({ ...connection, credentials });
    try {
      await writeFile(configFile, text);
      const place = { stackName: "dev", projectFolder: folder, configFile, paths, providerPort: provider.port };
      report(`${what} the stack dev as ${kind}`);
      const variables = { ...awsEnvironment({ ...aws, credentials }), AWS_SESSION_TOKEN: credentials.sessionToken };
      await task(await Deployment.openAt({ ...place, environment: variables }));
    } finally {
      await provider.stop();
    }
  };
  await as("deploy", "Creating", config, (deployment) => deployment.up(step, signal));
  const changed = config
    .replace("maxCapacity: 2", "maxCapacity: 1\n  async-video-inference:maxConcurrency: 3")
    .replace("      stack: dev", "      stack: dev\n      owner: team");
  await as("deploy", "Changing", changed, (deployment) => deployment.up(step, signal));
  await as("deploy", "Restoring", config, (deployment) => deployment.up(step, signal));
  await as("preview", "Previewing", config, async (deployment) => {
    await deployment.preview(step, signal);
    await deployment.drift(step, signal);
  });
  await as("deploy", "Destroying", config, (deployment) => deployment.destroy(step, signal));
}

/**
 * Returns a role's name with Pulumi's suffix.
 * @throws Error if the emulator has no such role
 */
async function roleName({ url, region, credentials }: Pick<Ready, "url" | "region" | "credentials">, name: string) {
  const iam = iamClient({ url, region, credentials });
  try {
    for await (const { Roles = [] } of paginateListRoles({ client: iam }, {})) {
      const found = Roles.find(({ RoleName }) => RoleName?.replace(/-[0-9a-f]{7}$/, "") === name)?.RoleName;
      if (found !== undefined) return found;
    }
  } finally {
    iam.destroy();
  }
  throw new Error(`The bootstrap has no role ${name}.`);
}
