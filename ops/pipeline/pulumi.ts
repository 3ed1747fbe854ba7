/**
 * Runs the Pulumi CLI as a step of a workflow. Its output is streamed to the log, each line quoted, and kept. It contains
 * foreign names and errors, which must not act as commands of the workflow.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { printableText, quoted } from "../../lib/printable.ts";
import { run } from "../../lib/child-process.ts";
import type { EndedRun, RunOptions } from "../../lib/child-process.ts";
import type { TextSink } from "../../lib/command-line.ts";
import { describe, InvalidInputError, UserError } from "../../lib/errors.ts";
import type { Job } from "./job.ts";
import { redacted } from "./redact.ts";

/** Result of a run of the CLI. */
export interface Finished {
  readonly status: number;
  /** Its output without colours, printable and {@link redacted}. */
  readonly text: string;
}

/** The project's folder, where the CLI runs. */
export const projectRoot = join(import.meta.dirname, "..", "..");

/** Returns the flags that evaluate a stack with the policy pack, with the stack's config if it exists; a pull request's stack uses dev's. */
export function policyPackArgs(stack: string): string[] {
  const name = (stack.split("/").at(-1) ?? "").replace(/^pr-\d+$/, "dev");
  const config = join("policies", `config.${name}.json`);
  return [
    "--policy-pack",
    "policies",
    ...(existsSync(join(projectRoot, config)) ? ["--policy-pack-config", config] : []),
  ];
}

/**
 * Runs `pulumi` from the PATH in the project's folder, and waits for its end. Forwards signals and still waits:
 * an update that is killed leaves its lock, and its state behind AWS's.
 * @throws InvalidInputError if no backend is set
 * @throws UserError if it cannot be started
 */
export async function pulumi(args: readonly string[], job: Job): Promise<Finished> {
  let text = "";
  const kept = (to: TextSink) => (line: string) => {
    const shown = redacted(line);
    text += `${printableText(shown)}\n`;
    to.write(`${quoted(shown)}\n`);
  };
  const { status } = await runPulumi(args, job, { onOutput: kept(job.stdout), onError: kept(job.stderr) });
  return { status, text };
}

/** Runs the CLI like {@link pulumi}, with its output unchanged. */
async function runPulumi(
  args: readonly string[],
  job: Job,
  listeners: Pick<RunOptions, "onOutput" | "onError">,
): Promise<EndedRun> {
  // GitHub passes an unset variable as an empty one.
  const environment = Object.fromEntries(Object.entries(job.environment).filter(([, value]) => value !== ""));
  if (environment["PULUMI_BACKEND_URL"] === undefined) {
    throw new InvalidInputError(
      "PULUMI_BACKEND_URL is not set. Set the repository variable of this stack to s3://BUCKET/PREFIX?region=REGION, " +
        "or to https://api.pulumi.com with the secret PULUMI_ACCESS_TOKEN.",
    );
  }
  try {
    return await run(["pulumi", "--non-interactive", "--color", "never", ...args], {
      // An update may take as long as its job.
      limit: undefined,
      cwd: projectRoot,
      env: { ...environment, PULUMI_SKIP_UPDATE_CHECK: "true" },
      passOn: ["SIGINT", "SIGTERM"],
      ...listeners,
    });
  } catch (error) {
    throw new UserError(`The Pulumi CLI did not start (${describe(error)}). Add it to the PATH.`);
  }
}

/**
 * Returns a stack's outputs.
 * @throws UserError if Pulumi cannot read them
 */
export async function stackOutputs(stack: string, job: Job): Promise<unknown> {
  return await answer(["stack", "output", "--json", "--stack", stack], `The outputs of the stack ${stack}`, job);
}

const stackList = z.array(z.object({ name: z.string() }));

/**
 * Returns the names of this project's stacks in the backend, without their organization.
 * @throws UserError if Pulumi cannot read them
 */
export async function stackNames(job: Job): Promise<readonly string[]> {
  const listed = stackList.parse(await answer(["stack", "ls", "--json"], "The list of stacks", job));
  return listed.map(({ name }) => name.split("/").at(-1) ?? name);
}

const state = z.object({
  deployment: z.object({
    resources: z.array(z.object({ type: z.string(), id: z.string().optional() })).default([]),
  }),
});

/** A resource in a stack's state. */
export interface StateResource {
  readonly type: string;
  /** Its ID in AWS; none for components. */
  readonly id?: string | undefined;
}

/**
 * Returns the resources in a stack's state.
 * @throws UserError if Pulumi cannot read it
 */
export async function stackResources(stack: string, job: Job): Promise<readonly StateResource[]> {
  const exported = await answer(["stack", "export", "--stack", stack], `The state of the stack ${stack}`, job);
  return state.parse(exported).deployment.resources;
}

/** Returns the JSON document that a command prints. */
async function answer(args: readonly string[], what: string, job: Job): Promise<unknown> {
  const { status, stdout } = await runPulumi(args, job, {
    onError: (line) => {
      job.stderr.write(`${quoted(line)}\n`);
    },
  });
  if (status !== 0) throw new UserError(`${what} cannot be read. Pulumi's message is above.`);
  return JSON.parse(stdout) as unknown;
}
