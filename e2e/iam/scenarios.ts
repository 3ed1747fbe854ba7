/** The commands whose decisions `npm run iam:record` records: a stack's use by its roles, and its deployments by the bootstrap's roles. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DetachRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { z } from "zod";
import { readReady } from "../../ops/local/emulator.ts";
import type { Ready } from "../../ops/local/emulator.ts";
import { localState } from "../../ops/local/local-stack.ts";
import { makeFolder } from "../../lib/files.ts";
import { UserError } from "../../lib/errors.ts";
import { freePort } from "../../lib/ports.ts";
import { lastLine, run } from "../../lib/child-process.ts";
import { assumeRole } from "../../ops/local/roles.ts";
import { repoRoot } from "../../tools/paths.mjs";

/** Receives a line for each command. */
export type Report = (line: string) => void;

/** Limit of one command, ms. */
const limit = 15 * 60_000;

/**
 * Runs a command to its end.
 * @param signal aborts by SIGINT, SIGTERM or SIGHUP, which the command gets, too, and cleans up after; undefined for a
 * cleanup, which they do not end
 */
async function runCommand(
  args: readonly string[],
  report: Report,
  signal: AbortSignal | undefined,
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  signal?.throwIfAborted();
  const words = `async-video ${args.join(" ")}`;
  report(`$ ${words}`);
  const program = join(repoRoot, "ops", "bin", "async-video.mjs");
  const { status, stderr, timedOut } = await run([process.execPath, program, ...args], {
    cwd: repoRoot,
    env: { ...process.env, ...environment },
    limit,
    ownGroup: true,
    passOn: signal === undefined ? [] : ["SIGINT", "SIGTERM", "SIGHUP"],
  });
  // After a success, the next command ends the recording, so that a stack that is up is taken down.
  if (status === 0) return;
  signal?.throwIfAborted();
  if (timedOut) throw new UserError(`${words} did not end within ${limit / 60_000} minutes.`);
  throw new UserError(`${words} ended with exit status ${status}: ${lastLine(stderr) ?? "no message"}`);
}

/** Runs the pipeline's rehearsal, whose stages deploy and preview the stack `dev` as the bootstrap's roles. */
export async function rehearse(report: Report, signal: AbortSignal): Promise<void> {
  await runCommand(["rehearse", "--port", String(await freePort())], report, signal);
}

/** Runs `npm start`, and uses the stack `local` as its roles: one video, its result, a burst, the smoke test, a redrive. */
export async function useStack(folder: string, report: Report, signal: AbortSignal): Promise<void> {
  const command = (args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    runCommand(args, report, signal, environment);
  makeFolder(folder);
  await command(["start", "--port", String(await freePort())]);
  await command(["local", "up", "--port", String(await freePort())]);
  try {
    const ready = await readReady(localState);
    if (ready === undefined) throw new Error("local up left no emulator.");
    await using roles = await createRoles(ready);
    const as = async (role: string, ...args: string[]): Promise<void> => {
      await command(args, sessionVariables(await assumeRole(ready, role)));
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
    await runCommand(["local", "down"], report, undefined);
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
  await using cleanup = new AsyncDisposableStack();
  const iam = iamClient({ url, region, credentials });
  cleanup.defer(() => {
    iam.destroy();
  });
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
  for (const PolicyArn of policies) {
    await iam.send(new AttachRolePolicyCommand({ RoleName: team, PolicyArn }));
    cleanup.defer(async () => {
      await iam.send(new DetachRolePolicyCommand({ RoleName: team, PolicyArn }));
    });
  }
  const created = cleanup.move();
  return { team, tester, [Symbol.asyncDispose]: () => created.disposeAsync() };
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
