/** Refuses to deploy a commit if a newer one has been deployed: `pipeline promotion`. */
import { z } from "zod";
import { UserError } from "../../lib/errors.ts";
import type { Job } from "./job.ts";
import { Repository } from "./github.ts";
import { commitSha, readEnvironment } from "./options.ts";

const environment = z.object({ GITHUB_SHA: commitSha });

/** States of a deployment whose job has started. Before that, it waits for approval and has changed nothing. */
const started = ["in_progress", "success", "failure", "error"];

/**
 * Checks the environment's deployments. An approval can come days late, after newer commits have been deployed, and would then revert them.
 * @throws UserError if this commit does not contain the last deployed one
 */
export async function promotion(name: string, job: Job): Promise<void> {
  const { GITHUB_SHA: commit } = readEnvironment(environment, job.environment);
  const repository = new Repository(job.environment);
  for await (const { sha, states } of repository.deployments(name)) {
    if (sha === commit || !states.some((state) => started.includes(state))) continue;
    const status = await repository.compare(sha, commit);
    if (status !== "ahead") {
      throw new UserError(
        `${name} has had the commit ${sha.slice(0, 7)}, which ${commit.slice(0, 7)} does not contain. This deployment would revert it. ` +
          "Approve the newest run instead. To go back to an older state, revert on main.",
      );
    }
    break;
  }
  job.stdout.write(`${commit.slice(0, 7)} may be deployed to ${name}: no newer commit has been deployed there.\n`);
}
