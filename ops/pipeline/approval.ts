/** Fails if an environment of GitHub has no required reviewers: `pipeline approval`. */
import { UserError } from "../../lib/errors.ts";
import { Repository } from "./github.ts";
import type { Job } from "./job.ts";

/** Options of `pipeline approval`. */
interface ApprovalOptions {
  readonly environment: string;
  /** Name of the repository variable that accepts deployments without approval if it is `true`. */
  readonly unless: string;
}

/**
 * Checks that a review has taken place. GitHub creates an environment that a job names and that does not exist, without reviewers, and
 * then starts the job at once ("Managing environments for deployment", docs.github.com). Which plans have required reviewers:
 * https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments#required-reviewers
 * @throws UserError if the environment requires no reviewers and the variable does not accept that
 */
export async function approval({ environment, unless }: ApprovalOptions, job: Job): Promise<void> {
  const rules = await new Repository(job.environment).environment(environment);
  if (rules !== undefined && rules.reviewers > 0) {
    job.stdout.write(`A reviewer has approved this in the environment ${environment}.\n`);
    return;
  }
  if (job.environment[unless] === "true") {
    job.stdout.write(
      `::notice::The environment ${environment} has no required reviewers; the repository variable ${unless} accepts this.\n`,
    );
    return;
  }
  throw new UserError(
    `The environment ${environment} has no required reviewers, so no one has approved this deployment. Add them in the repository's ` +
      `settings, under Environments. In a private repository GitHub offers required reviewers with GitHub Enterprise only, in a public ` +
      `one with every plan. To deploy without approval, set the repository variable ${unless} to true.`,
  );
}
