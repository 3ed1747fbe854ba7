/** Changes stacks: `pipeline up`, `pipeline destroy` and `pipeline unlock`. */
import { z } from "zod";
import { PipelineError } from "./errors.ts";
import { ephemeralStackOf, pullRequestNumber } from "./ephemeral.ts";
import { Repository } from "./github.ts";
import type { Job } from "./job.ts";
import { destroyWait, type LockWait, untilUnlocked, updateWait } from "./lock.ts";
import { readFlags, stackName } from "./options.ts";
import { policyPackArgs, pulumi, stackNames, stackResources } from "./pulumi.ts";
import { clearRemains, Remains } from "./remains.ts";

const upFlags = z.strictObject({ stack: stackName, plan: z.string().optional() });

/**
 * Deploys the working tree, or exactly the changes that a plan allows. First clears the endpoint's name (remains.ts). Pulumi refreshes the state from AWS, previews the update with the
 * pack and the plan, and changes nothing unless that passes.
 * @throws PipelineError unless everything is deployed
 */
export async function up(args: readonly string[], job: Job, lock = updateWait): Promise<void> {
  const { stack, plan } = readFlags(args, upFlags);
  await clearRemains(stack, job);
  using remains = await Remains.of(stack, job);
  const planned = plan === undefined ? [] : ["--plan", plan];
  const command = [
    "up",
    "--yes",
    "--refresh",
    "--stack",
    stack,
    "--suppress-progress",
    ...policyPackArgs(stack),
    ...planned,
  ];
  const { status } = await untilUnlocked(() => pulumi(command, job), stack, job, lock);
  if (status !== 0) {
    throw new PipelineError(
      `The stack ${stack} is not deployed. Pulumi's message is above. ` +
        (plan === undefined
          ? "Fix the cause in a new commit. A deployment that was interrupted resumes from where it stopped."
          : "If the message names the plan, the stack has changed since the approval: run the whole workflow again for a new plan."),
    );
  }
  await remains.removeReplaced(await stackResources(stack, job));
}

const destroyFlags = z.strictObject({ "pull-request": pullRequestNumber });

/**
 * Removes a pull request's stack and its record; there is no flag for any other stack. Tries a second time, because SageMaker refuses to delete an endpoint
 * that is being scaled, and S3 a bucket into which a last result has just been written. Then waits until the endpoint is deleted. Waits
 * for a deployment that holds the stack's lock. Succeeds if there is no such stack.
 * @throws PipelineError unless everything is deleted
 */
export async function destroy(args: readonly string[], job: Job, lock: LockWait = destroyWait): Promise<void> {
  const stack = ephemeralStackOf(readFlags(args, destroyFlags)["pull-request"]);
  if (!(await stackNames(job)).includes(stack)) {
    job.out(`The stack ${stack} does not exist: nothing to remove.\n`);
    return;
  }
  using remains = await Remains.of(stack, job);
  const command = ["destroy", "--yes", "--remove", "--stack", stack, "--suppress-progress"];
  const once = () => untilUnlocked(() => pulumi(command, job), stack, job, lock);
  let { status } = await once();
  if (status !== 0) {
    job.out(`The stack ${stack} is not removed yet: trying again once its endpoint allows it.\n`);
    await remains.settle();
    ({ status } = await once());
  }
  if (status !== 0) {
    throw new PipelineError(
      `The stack ${stack} is not removed, and may still cost money. Pulumi's message is above. The workflow "destroy" tries again every ` +
        'night, or when you start it. If the stack is locked by a job that was killed, run the workflow "unlock" first.',
    );
  }
  await remains.remove();
}

const unlockFlags = z.strictObject({
  stack: z.string().regex(/^(dev|prod|pr-[1-9]\d{0,9})$/, "must be dev, prod or pr-NUMBER"),
});

/**
 * Removes all of a stack's locks: Pulumi's S3 backend knows neither the owner of a lock nor when it expires. The workflow waits in the
 * queue of dev or prod, which contains all jobs that lock them. Deployments of pull requests wait for a review and so are in no queue;
 * this step asks GitHub about them.
 * @throws PipelineError if a deployment of the stack runs, or unless the locks are removed
 */
export async function unlock(args: readonly string[], job: Job): Promise<void> {
  const { stack } = readFlags(args, unlockFlags);
  const running = await runningDeployment(stack, job);
  if (running !== undefined) {
    throw new PipelineError(
      `The stack ${stack} keeps its lock, because a deployment of it may hold it: ${running}. Run the workflow "unlock" again when that run has ended.`,
    );
  }
  const { status } = await pulumi(["cancel", "--yes", "--stack", stack], job);
  if (status !== 0) throw new PipelineError(`The stack ${stack} is still locked. Pulumi's message is above.`);
  const next = stack.startsWith("pr-") ? "Deploy or destroy it" : "Deploy main";
  job.out(`The stack ${stack} has no lock. ${next} again: an update that was killed may be incomplete.\n`);
}

/** Returns the address of a run that may be deploying a pull request's stack. */
async function runningDeployment(stack: string, job: Job): Promise<string | undefined> {
  if (!stack.startsWith("pr-")) return undefined;
  const repository = new Repository(job.environment);
  const request = await repository.pullRequest(Number(stack.slice("pr-".length)));
  return request === undefined ? undefined : await repository.runInProgress("ephemeral.yml", request.headBranch);
}
