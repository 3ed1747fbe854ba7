/** Prints instructions for a deployed stack that fails its smoke test: `pipeline advice`. */
import { appendFile } from "node:fs/promises";
import { z } from "zod";
import type { Job } from "./job.ts";
import { commitSha, readEnvironment } from "./options.ts";

const environment = z.object({
  GITHUB_SHA: commitSha,
  GITHUB_STEP_SUMMARY: z.string().optional(),
});

/** Options of `pipeline advice`. */
interface AdviceOptions {
  readonly stack: string;
  /** The next stack of the promotion. */
  readonly promotes?: string | undefined;
}

/** Prints the instructions, and adds them to the run's page. */
export async function advice({ stack, promotes }: AdviceOptions, job: Job): Promise<void> {
  const { GITHUB_SHA: commit, GITHUB_STEP_SUMMARY: summary } = readEnvironment(environment, job.environment);
  const text = adviceFor(stack, commit, promotes);
  job.stdout.write(`${text}\n`);
  if (summary !== undefined) await appendFile(summary, `${text}\n`);
}

/** Returns the instructions as Markdown. `promotes` is the next stack of the promotion. */
export function adviceFor(stack: string, commit: string, promotes: string | undefined): string {
  const consequence =
    promotes === undefined
      ? `**${stack} serves this commit now** and accepts jobs. For a failed job, read its failure object; its video stays in the input bucket.`
      : `The promotion stops here: **${promotes} remains unchanged.**`;
  return [
    `## ${stack} failed its smoke test`,
    consequence,
    "1. Read the previous step: it prints the stage at which the test stopped, and the end of the endpoint's log.",
    `2. If no instance started, read the scaling activities. Usually the quota for the instance type ("for endpoint usage") is too small, or the zone has no capacity. Fix the cause, and run the failed job again.`,
    `3. If the commit is the cause, run \`git revert ${commit}\` in a pull request. Once it is on main, this workflow deploys the previous state.`,
  ].join("\n\n");
}
