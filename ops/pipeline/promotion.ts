/** Refuses to deploy a commit where a newer one has been: `pipeline promotion`. */
import { z } from "zod";
import { PipelineError } from "./errors.ts";
import type { Job } from "./job.ts";
import { Repository } from "./github.ts";
import { commitSha, environmentName, readEnvironment, readFlags } from "./options.ts";

const flags = z.strictObject({ environment: environmentName });
const environment = z.object({ GITHUB_SHA: commitSha });

/** States of a deployment whose job has started: before, it only waits for approval, and has changed nothing. */
const started = ["in_progress", "success", "failure", "error"];

/**
 * An approval can come days late, when newer commits have been deployed already: what was approved would take them back.
 * @throws PipelineError if this commit does not have all that the last one deployed had
 */
export async function promotion(args: readonly string[], job: Job): Promise<void> {
  const { environment: name } = readFlags(args, flags);
  const { GITHUB_SHA: commit } = readEnvironment(environment, job.environment);
  const repository = new Repository(job.environment);
  for await (const { sha, states } of repository.deployments(name)) {
    if (sha === commit || !states.some((state) => started.includes(state))) continue;
    const status = await repository.compare(sha, commit);
    if (status !== "ahead") {
      throw new PipelineError(
        `${name} has had the commit ${sha.slice(0, 7)}, which ${commit.slice(0, 7)} does not contain: deploying this would take it back. ` +
          "Approve the newest run instead; to go back, revert on main.",
      );
    }
    break;
  }
  job.out(`${commit.slice(0, 7)} may go to ${name}: nothing newer has been there.\n`);
}
