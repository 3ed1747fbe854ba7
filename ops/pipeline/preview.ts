/** Looks at a stack without changing it, and keeps what it found: `pipeline preview` and `pipeline drift-check`. */
import { appendFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { PipelineError } from "./errors.ts";
import type { Job } from "./job.ts";
import { readEnvironment, readFlags, stackName } from "./options.ts";
import { type Finished, policyPackArgs, projectRoot, pulumi } from "./pulumi.ts";
import { cut, folded, type Report, writeReport } from "./report.ts";

const previewFlags = z.strictObject({
  stack: stackName,
  report: z.string().optional(),
  plan: z.string().optional(),
  refresh: z.boolean().default(false),
});

/**
 * Previews a stack with the policy pack; a plan of it allows an update what it shows and nothing else.
 * @throws PipelineError unless the stack passes
 */
export async function preview(args: readonly string[], job: Job): Promise<void> {
  const { stack, report, plan, refresh } = readFlags(args, previewFlags);
  // Pulumi does not make the folder, and finds a relative file from the project's folder.
  if (plan !== undefined) await mkdir(path.dirname(path.resolve(projectRoot, plan)), { recursive: true });
  const outcome = await look(job, stack, report, [
    ...["preview", "--suppress-progress", ...policyPackArgs(stack)],
    ...(refresh ? ["--refresh"] : []),
    ...(plan === undefined ? [] : ["--save-plan", plan]),
  ]);
  if (outcome === "refused") {
    throw new PipelineError(`The policy pack refuses the stack ${stack}: each violation above says what to set.`);
  }
  if (outcome !== "passed") {
    throw new PipelineError(`The preview of the stack ${stack} failed: Pulumi's own words are above.`);
  }
}

const driftFlags = z.strictObject({ stack: stackName, report: z.string().optional() });

/**
 * Asks AWS whether a stack is still as it was deployed. The program is not asked: main may be ahead of what was approved.
 * @throws PipelineError unless it is
 */
export async function driftCheck(args: readonly string[], job: Job): Promise<void> {
  const { stack, report } = readFlags(args, driftFlags);
  const outcome = await look(job, stack, report, [
    "refresh",
    "--preview-only",
    "--expect-no-changes",
    "--suppress-progress",
  ]);
  if (outcome === "drifted") {
    throw new PipelineError(
      `The stack ${stack} is not as it was deployed: what is above was changed behind Pulumi's back. ` +
        "Put it into the program if it is wanted; else run the workflow deploy on main, which takes it back.",
    );
  }
  if (outcome !== "passed") {
    throw new PipelineError(`The stack ${stack} could not be checked: Pulumi's own words are above.`);
  }
}

/** Characters of Pulumi's output in a step's summary, of which GitHub takes 1 MiB ("Workflow commands", docs.github.com). */
const summaryLimit = 200_000;

const environment = z.object({ GITHUB_STEP_SUMMARY: z.string().optional() });

/** Runs a command that changes nothing; what it says also goes to the run's page, where those who approve read it. */
async function look(
  job: Job,
  stack: string,
  report: string | undefined,
  args: readonly string[],
): Promise<Report["outcome"]> {
  const { GITHUB_STEP_SUMMARY: summary } = readEnvironment(environment, job.environment);
  const finished = await pulumi([...args, "--stack", stack], job);
  const outcome = outcomeOf(finished);
  if (report !== undefined) await writeReport(report, { stack, outcome, text: finished.text });
  if (summary !== undefined) {
    await appendFile(
      summary,
      `## ${stack}: ${outcome}\n\n${folded("What Pulumi says", cut(finished.text, summaryLimit))}\n\n`,
    );
  }
  return outcome;
}

/** What the CLI's end means. */
export function outcomeOf({ status, text }: Finished): Report["outcome"] {
  if (status === 0) return "passed";
  if (text.includes("no changes were expected")) return "drifted";
  return text.includes("[mandatory]") ? "refused" : "failed";
}
