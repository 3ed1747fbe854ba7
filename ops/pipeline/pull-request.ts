/** Compares pull requests with their stacks: `pipeline requested` and `pipeline abandoned`. */
import { appendFile } from "node:fs/promises";
import { z } from "zod";
import { UserError } from "../../lib/errors.ts";
import { Repository } from "./github.ts";
import type { Job } from "./job.ts";
import { pullRequestNumber, readEnvironment } from "./options.ts";
import { stackNames } from "./pulumi.ts";

/** The label that requests a stack. */
const label = "deploy";

/** Checks if a pull request should have a stack. */
const wantsStack = ({ state, labels }: { state: string; labels: readonly { name: string }[] }): boolean =>
  state === "open" && labels.some(({ name }) => name === label);

/** Options of `pipeline requested`. */
interface RequestedOptions {
  readonly pullRequest: number;
  /** The commit that must be the newest one. @default any */
  readonly commit?: string | undefined;
}

const outputs = z.object({ GITHUB_OUTPUT: z.string().optional() });

/**
 * Asks GitHub if a pull request should have a stack. The event that started a run can be days old when its deployment is approved.
 * The job's output `requested` is `false` if GitHub answers no, and is not set if GitHub does not answer.
 * @throws UserError if the pull request is closed or lacks the label, or if `commit` is no longer its newest commit
 */
export async function requested({ pullRequest: number, commit }: RequestedOptions, job: Job): Promise<void> {
  const { GITHUB_OUTPUT: output } = readEnvironment(outputs, job.environment);
  const found = await new Repository(job.environment).pullRequest(number);
  const isRequested = found !== undefined && wantsStack(found);
  if (output !== undefined) await appendFile(output, `requested=${isRequested}\n`);
  if (!isRequested) {
    throw new UserError(
      `The pull request ${number} is closed or has no label "${label}", so it gets no stack. To deploy it, reopen it and add the label.`,
    );
  }
  if (commit !== undefined && found.head.sha !== commit) {
    throw new UserError(
      `The pull request ${number} has a newer commit, ${found.head.sha.slice(0, 7)}. Approve the run for that one.`,
    );
  }
  job.stdout.write(`The pull request ${number} is open and has the label "${label}".\n`);
}

const environment = z.object({ PULL_REQUEST: pullRequestNumber.optional(), GITHUB_OUTPUT: z.string() });

/**
 * Writes the numbers of the pull requests whose stacks must be removed to the job's output `pull-requests`, as JSON: the one in
 * PULL_REQUEST, or otherwise all that have a stack in the backend and are closed or no longer labelled.
 * @throws UserError if Pulumi or GitHub does not answer
 */
export async function abandoned(job: Job): Promise<void> {
  const { PULL_REQUEST: given, GITHUB_OUTPUT: output } = readEnvironment(environment, job.environment);
  const numbers = given === undefined ? await abandonedStacks(job) : [given];
  job.stdout.write(
    numbers.length === 0
      ? "No stack has to be removed.\n"
      : `To be removed: ${numbers.map((each) => `pr-${each}`).join(", ")}.\n`,
  );
  await appendFile(output, `pull-requests=${JSON.stringify(numbers)}\n`);
}

async function abandonedStacks(job: Job): Promise<number[]> {
  const repository = new Repository(job.environment);
  const found: number[] = [];
  for (const name of await stackNames(job)) {
    const number = Number(/^pr-([1-9]\d{0,9})$/.exec(name)?.[1]);
    if (Number.isNaN(number)) continue;
    const request = await repository.pullRequest(number);
    // GitHub keeps every pull request, so a missing one means that the stack is not this repository's.
    if (request === undefined)
      job.stdout.write(
        `Kept ${name}: this repository has no pull request ${number}. Run destroy for it manually if it is not used.\n`,
      );
    else if (!wantsStack(request)) found.push(number);
  }
  return found.sort((one, other) => one - other);
}
