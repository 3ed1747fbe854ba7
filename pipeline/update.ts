/** Changes stacks: `pipeline up`, `pipeline destroy` and `pipeline unlock`. */
import { z } from "zod";
import { PipelineError } from "./errors.ts";
import { ephemeralStackOf } from "./ephemeral.ts";
import type { Job } from "./job.ts";
import { readFlags, stackName } from "./options.ts";
import { judgedBy, pulumi, stackResources } from "./pulumi.ts";
import { clearRemains, Remains } from "./remains.ts";

const upFlags = z.strictObject({ stack: stackName, plan: z.string().optional() });

/**
 * Deploys what the working tree says, or exactly what a plan allows. First clears the endpoint's name (remains.ts). Pulumi asks AWS how things are, previews the update with the
 * pack and the plan, and touches nothing unless that passes.
 * @throws PipelineError unless all of it is deployed
 */
export async function up(args: readonly string[], job: Job): Promise<void> {
  const { stack, plan } = readFlags(args, upFlags);
  await clearRemains(stack, job);
  using remains = await Remains.of(stack, job);
  const planned = plan === undefined ? [] : ["--plan", plan];
  const { status } = await pulumi(
    ["up", "--yes", "--refresh", "--stack", stack, "--suppress-progress", ...judgedBy(stack), ...planned],
    job,
  );
  if (status !== 0) {
    throw new PipelineError(
      `The stack ${stack} is not deployed: Pulumi's own words are above. ` +
        (plan === undefined
          ? "Mend it in a new commit; a deployment that broke off midway goes on where it stopped."
          : "Where they name the plan, the stack has changed since it was approved: run the whole workflow again for a new plan."),
    );
  }
  await remains.removeReplaced(await stackResources(stack, job));
}

const destroyFlags = z.strictObject({ "pull-request": z.string() });

/**
 * Removes a pull request's stack and forgets it; there is no flag for any other stack. Tries a second time, because SageMaker refuses to delete an endpoint
 * that is being scaled, and S3 a bucket into which a last result has just been written. Then waits until the endpoint is gone.
 * @throws PipelineError unless all of it is gone
 */
export async function destroy(args: readonly string[], job: Job): Promise<void> {
  const stack = ephemeralStackOf(readFlags(args, destroyFlags)["pull-request"]);
  using remains = await Remains.of(stack, job);
  const once = () => pulumi(["destroy", "--yes", "--remove", "--stack", stack, "--suppress-progress"], job);
  let { status } = await once();
  if (status !== 0) {
    job.out(`The stack ${stack} is not removed yet: trying again once its endpoint allows it.\n`);
    await remains.settle();
    ({ status } = await once());
  }
  if (status !== 0) {
    throw new PipelineError(
      `The stack ${stack} is not removed, and may still cost money: Pulumi's own words are above. Run the workflow "destroy" for it.`,
    );
  }
  await remains.remove();
}

const unlockFlags = z.strictObject({ stack: stackName });

/**
 * Takes away all of a stack's locks, whoever holds them: Pulumi's S3 backend knows neither their owner nor an end of their time.
 * @throws PipelineError unless they are gone
 */
export async function unlock(args: readonly string[], job: Job): Promise<void> {
  const { stack } = readFlags(args, unlockFlags);
  const { status } = await pulumi(["cancel", "--yes", "--stack", stack], job);
  if (status !== 0) throw new PipelineError(`The stack ${stack} is still locked: Pulumi's own words are above.`);
  job.out(
    `The stack ${stack} has no lock. Deploy main again: an update that was killed may have left things half done.\n`,
  );
}
