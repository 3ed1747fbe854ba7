/** The command status: shows the endpoint's status and, given jobs, the status of each. */
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { readCapacity } from "../../src/capacity.ts";
import type { CommandContext } from "../../../lib/command-line.ts";
import { runOnStack } from "../session.ts";
import type { Session } from "../session.ts";
import { describeEnvironment, environmentOf } from "../../src/environment.ts";
import { codeOf } from "../../../lib/errors.ts";
import { printEnd, sentAgainNote } from "../job-report.ts";
import { labelOf } from "../../src/jobs-file.ts";
import type { KnownJob } from "../../src/jobs-file.ts";
import { statusOf, unsentStatus } from "../../src/known-jobs.ts";
import { groupParts, isInParts } from "../../src/parts/jobs-in-parts.ts";
import { countStatuses, printParts } from "../parts-report.ts";
import { plural } from "../../src/format.ts";
import { requestsText } from "../request-counts.ts";
import { jobsCommand, jobsOperandOf, knownJobs } from "./jobs-operand.ts";
import type { JobsOperand } from "./jobs-operand.ts";

/** Defines the command. */
export function statusCommand(context: CommandContext): CommandUnknownOpts {
  return jobsCommand(
    "status",
    "Shows the endpoint's status and, given files of jobs or ids, that of each job: completed, failed, expired or pending. " +
      "Expired is presumed: neither a result nor a failure exists although the job's time is over.",
  )
    .addHelpText(
      "after",
      "\nExample:\n  npm run status -- jobs.jsonl --stack dev\n  npm run status -- --id INFERENCE-ID",
    )
    .action(async (operands, flags) => {
      const jobs = jobsOperandOf(operands, flags, context);
      await runOnStack(flags, context, (session) => show(jobs, session));
    });
}

async function show(jobs: JobsOperand | undefined, session: Session): Promise<number> {
  const { stack, live, print, signal } = session;
  const known = jobs === undefined ? undefined : await knownJobs(jobs, session);
  if (known?.notice !== undefined) live.say(`note: ${known.notice}`);
  live.show("describing the endpoint", "new step");
  await showEndpoint(session);
  if (known === undefined) return 0;
  live.show(`reading the status of ${requestsText(known.jobs)}`, "new step");
  const grouped = groupParts(await statusOf(stack, known, signal));
  for (const each of grouped) {
    if (isInParts(each)) {
      printParts(each, session);
      continue;
    }
    const { known: job, state } = each;
    const status = state?.status ?? unsentStatus(job);
    const { inferenceId, video, problem, sentAgainAs } = job;
    if (job.job !== undefined && state !== undefined) {
      printEnd(session, labelOf(job), job.job, { state }, { video, sentAgainAs }, sentAgainNote(job));
    } else print(unsentText(job), { inferenceId, video, status, problem });
  }
  const counts = countStatuses(grouped);
  live.say([...counts].map(([status, count]) => `${count} ${unsentWords[status] ?? status}`).join(", "));
  return counts.size === 1 && counts.has("completed") ? 0 : 1;
}

async function showEndpoint({ stack, print, live, signal }: Session): Promise<void> {
  const { endpointName, instanceType, maxCapacity } = stack.outputs;
  const environment = environmentOf(stack.outputs);
  const max =
    environment === "aws"
      ? `${maxCapacity} × ${instanceType}`
      : `${plural(maxCapacity, "instance")} (${describeEnvironment(environment)})`;
  try {
    const capacity = await readCapacity(stack, signal);
    print(
      `${endpointName}: ${capacity.status}, ${capacity.current} of up to ${max}` +
        (capacity.desired === capacity.current ? "" : `, going to ${capacity.desired}`),
      { endpointName, environment, instanceType, maxCapacity, ...capacity },
    );
  } catch (error) {
    // The stack's caller policy allows sending videos, but not describing the endpoint.
    if (codeOf(error) !== "AccessDeniedException") throw error;
    live.say(
      `${endpointName}: these AWS credentials may not describe the endpoint (attach the stack's operator policy)`,
    );
  }
}

/** Words of the total for jobs that are not known to be accepted. */
const unsentWords: Readonly<Record<string, string>> = {
  planned: "not sent yet",
  unknown: "possibly accepted",
  refused: "not sent",
};

function unsentText(job: KnownJob): string {
  const { inferenceId, video, problem = "" } = job;
  switch (unsentStatus(job)) {
    case "refused":
      // Most problems name the video.
      return `${video !== undefined && problem.includes(video) ? inferenceId : labelOf(job)}: not sent: ${problem}`;
    case "unknown":
      return `${labelOf(job)}: may have been accepted: submit --resume sends it again under the same name`;
    case "planned":
      return `${labelOf(job)}: not sent yet: submit --resume sends it`;
  }
}
