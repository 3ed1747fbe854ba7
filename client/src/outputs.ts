/** Reads and checks a deployed stack's outputs: everything that the client knows about a deployment. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { codeOf, explain } from "../../lib/errors.ts";
import { run } from "../../lib/child-process.ts";
import { schemaProblems } from "../../lib/schema-problems.ts";
import { SetupError } from "./errors.ts";
import { checkpointOutputs } from "./local-outputs.ts";

const s3Prefix = z.string().regex(/^s3:\/\/[^/]+(\/|$)/, "must be an s3:// prefix");
const arn = z.string().startsWith("arn:");

/** Outputs that the client reads (docs/architecture.md, "Contracts between modules"); others are ignored. */
const outputsSchema = z.object({
  /** SageMaker's pattern (API reference, CreateEndpoint); files and folders are named after it. */
  endpointName: z.string().regex(/^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$/, "must be an endpoint's name"),
  variantName: z.string().min(1),
  region: z.string().min(1),
  /** Only the local stack has one. */
  awsEndpointUrl: z.url({ protocol: /^https?$/ }).optional(),
  inputBucket: z.string().min(1),
  inputPrefix: z.string(),
  /** Other s3:// prefixes that the endpoint may read; stacks of older programs have none. */
  sourceLocations: z.array(s3Prefix).default([]),
  outputLocation: s3Prefix,
  failureLocation: s3Prefix,
  /** Prefix of the records of jobs; absent from stacks deployed by an earlier version of the program. */
  jobsLocation: s3Prefix.optional(),
  successTopicArn: arn,
  errorTopicArn: arn,
  successQueueUrl: z.url(),
  errorQueueUrl: z.url(),
  maxConcurrency: z.int().positive(),
  instanceType: z.string().min(1),
  maxCapacity: z.int().nonnegative(),
  /** Absent from stacks deployed by an earlier version of the program. */
  endpointConfigName: z.string().min(1).optional(),
  /** MiB; stacks deployed by older programs do not have it. */
  maxResponseSize: z.int().positive().optional(),
  /** Absent from stacks deployed by an earlier version of the program. */
  requireGpu: z.boolean().optional(),
  /**
   * Prefix of the names of the smoke test's queues; absent from stacks deployed by an earlier version of the program.
   */
  temporaryQueuePrefix: z.string().min(1).optional(),
  /** How the endpoint gets a video; requests of stacks of older programs contain their videos. */
  requests: z.enum(["reference", "payload"]).default("payload"),
  /** Largest video with requests by reference, MiB. */
  maxInputSize: z.int().positive().optional(),
  /** Largest body, MiB; a stack without it accepts no job (`limits.ts`), but its results can be fetched. */
  maxRequestSize: z.int().positive().optional(),
  /** Longest run, seconds; absent in the same stacks as `maxRequestSize`. */
  invocationTimeout: z.int().positive().optional(),
  /** Analysed frames per second of video; absent from stacks deployed by an earlier version of the program. */
  sampleFps: z.number().positive().optional(),
});

/** A deployed stack's outputs. */
export type StackOutputs = z.infer<typeof outputsSchema>;

/** Source of the outputs: a file has precedence over a stack's name. */
export interface OutputsSource {
  /** A Pulumi stack's name; `local` is the stack of the emulator. @default "local" */
  readonly stack?: string | undefined;
  /** A file with the output of `pulumi stack output --json`. */
  readonly outputs?: string | undefined;
}

/** The root of the repository of this file; of the package, a folder without Pulumi.yaml. */
const repositoryRoot = join(import.meta.dirname, "..", "..");

/** The project's root, with `.local/` and Pulumi.yaml: the repository, or the current folder for the package. */
const projectRoot = existsSync(join(repositoryRoot, "Pulumi.yaml")) ? repositoryRoot : process.cwd();

/** Returns the file that has the outputs; undefined for a stack that Pulumi reads. */
export function outputsFile(source: OutputsSource, root = projectRoot): string | undefined {
  if (source.outputs !== undefined) return source.outputs;
  return (source.stack ?? "local") === "local" ? join(root, ".local", "outputs.json") : undefined;
}

/** Time limit for Pulumi to read outputs, ms: a backend that does not answer must not block the caller. */
const pulumiLimitMs = 120_000;

/**
 * Reads and checks a stack's outputs.
 * @param limitMs milliseconds that the Pulumi CLI may take
 * @throws SetupError if there is no such stack or file, or if an output is missing or malformed
 */
export async function readOutputs(
  source: OutputsSource = {},
  root = projectRoot,
  limitMs = pulumiLimitMs,
): Promise<StackOutputs> {
  if (source.outputs !== undefined) {
    return parseOutputs(await readText(source.outputs, "check the path given with --outputs"), source.outputs);
  }
  const stack = source.stack ?? "local";
  if (stack === "local") {
    const file = outputsFile(source, root) ?? "";
    const written = await readText(file, "no local stack is up: start one with `npm run local:up`");
    const current = await checkpointOutputs(root);
    return current === undefined
      ? parseOutputs(written, file)
      : checkOutputs(current, "The outputs of the stack local");
  }
  return parseOutputs(await askPulumi(stack, root, limitMs), `the outputs of stack ${stack}`);
}

/**
 * Checks given outputs; `origin` is their name in errors.
 * @throws {SetupError} that names each output that is missing or invalid
 */
export function checkOutputs(outputs: unknown, origin: string): StackOutputs {
  const checked = outputsSchema.safeParse(outputs);
  if (checked.success) return checked.data;
  throw new SetupError(
    `${origin}: ${schemaProblems(outputs, checked.error)}. Deploy the stack with this version of the program first.`,
  );
}

function parseOutputs(text: string, origin: string): StackOutputs {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SetupError(
      `${origin} is not JSON (${explain(error)}): expected the output of pulumi stack output --json.`,
    );
  }
  return checkOutputs(value, origin);
}

async function readText(file: string, remedy: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new SetupError(`Cannot read ${file} (${codeOf(error)}): ${remedy}.`);
  }
}

/**
 * Refuses an unknown stack: every stack of this project has a settings file, so a misspelt name is found without Pulumi
 * or a login.
 */
async function refuseUnknown(stack: string, root: string): Promise<void> {
  // A stack may be named with its organization: org/dev.
  const wanted = stack.split("/").at(-1) ?? stack;
  const known = (await readdir(root))
    .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
    // Pulumi.pr.yaml is the template of the stacks of pull requests.
    .filter((name) => name !== "pr")
    .sort();
  if (known.includes(wanted)) return;
  const there = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
  throw new SetupError(
    `This project has no stack ${stack} (no Pulumi.${wanted}.yaml); ${there}. Check --stack, or give a file with --outputs.`,
  );
}

async function askPulumi(stack: string, root: string, limitMs: number): Promise<string> {
  await refuseUnknown(stack, root);
  const args = ["stack", "output", "--json", "--stack", stack];
  const options = { cwd: root, limit: limitMs };
  const own = join(root, "tools", "pulumi.mjs");
  const { status, stdout, stderr, timedOut } = await run(["pulumi", ...args], options).catch(async (error: unknown) => {
    if (codeOf(error) !== "ENOENT") throw error;
    // A subprocess, because the client may not import tools/.
    if (existsSync(own)) return await run([process.execPath, own, ...args], options);
    throw new SetupError(
      `The Pulumi CLI is not on the PATH, and stack ${stack} can only be read with it: install it, or give a file with --outputs.`,
    );
  });
  if (timedOut) {
    throw new SetupError(
      `Pulumi did not read the outputs of stack ${stack} within ${limitMs / 1000} s: see that its backend answers (pulumi stack ls), or give a file with --outputs.`,
    );
  }
  if (status === 0) return stdout;
  const reason = stderr
    .trim()
    .replace(/^error: /, "")
    .replace(/\.$/, "");
  throw new SetupError(
    `Pulumi cannot read the outputs of stack ${stack}: ${reason}. Log in to the stack's backend, check the name with pulumi stack ls, or give a file with --outputs.`,
  );
}
