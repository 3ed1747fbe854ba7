/** Says what to do when a deployed stack fails its smoke test: `pipeline advice`. */
import { appendFile } from "node:fs/promises";
import { z } from "zod";
import type { Job } from "./job.ts";
import { commitSha, readEnvironment, readFlags, stackName } from "./options.ts";

const flags = z.strictObject({ stack: stackName, promotes: stackName.optional() });
const environment = z.object({
  GITHUB_SHA: commitSha,
  GITHUB_STEP_SUMMARY: z.string().optional(),
});

/** Prints the advice, and puts it on the run's page. */
export async function advice(args: readonly string[], job: Job): Promise<void> {
  const { stack, promotes } = readFlags(args, flags);
  const { GITHUB_SHA: commit, GITHUB_STEP_SUMMARY: summary } = readEnvironment(environment, job.environment);
  const text = adviceFor(stack, commit, promotes);
  job.out(`${text}\n`);
  if (summary !== undefined) await appendFile(summary, `${text}\n`);
}

/** What to do, as Markdown. `promotes` is the stack that would have come next. */
export function adviceFor(stack: string, commit: string, promotes: string | undefined): string {
  const consequence =
    promotes === undefined
      ? `**${stack} serves this commit now**, and takes jobs: a failed one says why in its failure object, and its video stays in the input bucket.`
      : `The promotion stops here: **${promotes} is left as it is.**`;
  return [
    `## ${stack} failed its smoke test`,
    consequence,
    "1. The step before this one says at which step of one video's way it stopped, and shows the end of the endpoint's log.",
    `2. If it waited for an instance that never came: the scaling activities say why; most often it is the quota for the instance type ("for endpoint usage") or no capacity in the zone. Mend that, and run the failed job again.`,
    `3. If the commit is to blame: \`git revert ${commit}\` in a pull request. Once it is on main, this workflow deploys the state before it.`,
  ].join("\n\n");
}
