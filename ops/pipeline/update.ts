/** Changes stacks: `pipeline up`, `pipeline destroy` and `pipeline unlock`. */
import { UserError } from "../../lib/errors.ts";
import { ephemeralStackOf } from "./ephemeral.ts";
import { Repository } from "./github.ts";
import type { Job } from "./job.ts";
import { destroyWait, untilUnlocked, updateWait } from "./lock.ts";
import type { LockWait } from "./lock.ts";
import { policyPackArgs, pulumi, stackNames, stackResources } from "./pulumi.ts";
import { clearRemains, Remains } from "./remains.ts";

/** Options of `pipeline up`. */
interface UpOptions {
  readonly stack: string;
  /** File with the plan of a preview. */
  readonly plan?: string | undefined;
}

/**
 * Deploys the working tree, or exactly the changes that a plan allows. First clears the endpoint's name (remains.ts). Pulumi refreshes the state from AWS, previews the update with the
 * pack and the plan, and changes nothing unless that passes.
 * @throws UserError unless everything is deployed
 */
export async function up({ stack, plan }: UpOptions, job: Job, lock = updateWait): Promise<void> {
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
    throw new UserError(
      `The stack ${stack} is not deployed. Pulumi's message is above. ` +
        (plan === undefined
          ? "Fix the cause in a new commit. A deployment that was interrupted resumes from where it stopped."
          : "If the message names the plan, the stack has changed since the approval: run the whole workflow again for a new plan."),
    );
  }
  await remains.removeReplaced(await stackResources(stack, job));
}

/**
 * Removes a pull request's stack and its record; there is no flag for any other stack. Tries a second time, because SageMaker refuses to delete an endpoint
 * that is being scaled, and S3 a bucket into which a last result has just been written. Then waits until the endpoint is deleted. Waits
 * for a deployment that holds the stack's lock. Succeeds if there is no such stack.
 * @throws UserError unless everything is deleted
 */
export async function destroy(pullRequest: number, job: Job, lock: LockWait = destroyWait): Promise<void> {
  const stack = ephemeralStackOf(pullRequest);
  if (!(await stackNames(job)).includes(stack)) {
    job.stdout.write(`The stack ${stack} does not exist: nothing to remove.\n`);
    return;
  }
  using remains = await Remains.of(stack, job);
  const command = ["destroy", "--yes", "--remove", "--stack", stack, "--suppress-progress"];
  const once = () => untilUnlocked(() => pulumi(command, job), stack, job, lock);
  let { status } = await once();
  if (status !== 0) {
    job.stdout.write(`The stack ${stack} is not removed yet: trying again once its endpoint allows it.\n`);
    await remains.settle();
    ({ status } = await once());
  }
  if (status !== 0) {
    throw new UserError(
      `The stack ${stack} is not removed, and may still cost money. Pulumi's message is above. The workflow "destroy" tries again every ` +
        'night, or when you start it. If the stack is locked by a job that was killed, run the workflow "unlock" first.',
    );
  }
  await remains.remove();
}

/**
 * Removes all of a stack's locks: Pulumi's S3 backend knows neither the owner of a lock nor when it expires. The workflow waits in the
 * queue of dev or prod, which contains all jobs that lock them. Deployments of pull requests wait for a review and so are in no queue;
 * this step asks GitHub about them.
 * @throws UserError if a deployment of the stack runs, or unless the locks are removed
 */
export async function unlock(stack: string, job: Job): Promise<void> {
  const running = await runningDeployment(stack, job);
  if (running !== undefined) {
    throw new UserError(
      `The stack ${stack} keeps its lock, because a deployment of it may hold it: ${running}. Run the workflow "unlock" again when that run has ended.`,
    );
  }
  const { status } = await pulumi(["cancel", "--yes", "--stack", stack], job);
  if (status !== 0) throw new UserError(`The stack ${stack} is still locked. Pulumi's message is above.`);
  const next = stack.startsWith("pr-") ? "Deploy or destroy it" : "Deploy main";
  job.stdout.write(`The stack ${stack} has no lock. ${next} again: an update that was killed may be incomplete.\n`);
}

/** Returns the address of a run that may be deploying a pull request's stack. */
async function runningDeployment(stack: string, job: Job): Promise<string | undefined> {
  if (!stack.startsWith("pr-")) return undefined;
  const repository = new Repository(job.environment);
  const request = await repository.pullRequest(Number(stack.slice("pr-".length)));
  return request === undefined ? undefined : await repository.runInProgress("ephemeral.yml", request.head.ref);
}
