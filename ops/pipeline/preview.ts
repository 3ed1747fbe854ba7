/** Checks a stack without changing it, and stores the result: `pipeline preview` and `pipeline drift-check`. */
import { appendFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { UserError } from "../../lib/errors.ts";
import { makeFolder } from "../../lib/files.ts";
import type { Job } from "./job.ts";
import { readEnvironment } from "./options.ts";
import { policyPackArgs, projectRoot, pulumi } from "./pulumi.ts";
import type { Finished } from "./pulumi.ts";
import { cut, folded, writeReport } from "./report.ts";
import type { Report } from "./report.ts";

/** Options of `pipeline drift-check`. */
interface DriftCheckOptions {
  readonly stack: string;
  /** File for the report. */
  readonly report?: string | undefined;
}

/** Options of `pipeline preview`. */
interface PreviewOptions extends DriftCheckOptions {
  /** File for the plan. */
  readonly plan?: string | undefined;
  /** Reads the state from AWS first. */
  readonly refresh: boolean;
}

/**
 * Previews a stack with the policy pack. A plan allows an update only the changes of its preview.
 * @throws UserError unless the stack passes
 */
export async function preview({ stack, report, plan, refresh }: PreviewOptions, job: Job): Promise<void> {
  // Pulumi does not create the folder, and resolves a relative path from the project's folder.
  if (plan !== undefined) makeFolder(dirname(resolve(projectRoot, plan)));
  const outcome = await look(job, stack, report, [
    ...["preview", "--suppress-progress", ...policyPackArgs(stack)],
    ...(refresh ? ["--refresh"] : []),
    ...(plan === undefined ? [] : ["--save-plan", plan]),
  ]);
  if (outcome === "refused") {
    throw new UserError(`The policy pack refuses the stack ${stack}. Each violation above names the property to set.`);
  }
  if (outcome !== "passed") {
    throw new UserError(`The preview of the stack ${stack} failed. Pulumi's message is above.`);
  }
}

/**
 * Asks AWS if a stack matches its deployed state. The program does not run, because main may be ahead of the approved commit.
 * @throws UserError if it has drifted
 */
export async function driftCheck({ stack, report }: DriftCheckOptions, job: Job): Promise<void> {
  const outcome = await look(job, stack, report, [
    "refresh",
    "--preview-only",
    "--expect-no-changes",
    "--suppress-progress",
  ]);
  if (outcome === "drifted") {
    throw new UserError(
      `The stack ${stack} has drifted: the changes above were made outside Pulumi. ` +
        "To keep them, add them to the program. To revert them, run the workflow deploy on main.",
    );
  }
  if (outcome !== "passed") {
    throw new UserError(`The stack ${stack} could not be checked. Pulumi's message is above.`);
  }
}

/** Characters of Pulumi's output in a step's summary, which GitHub limits to 1 MiB ("Workflow commands", docs.github.com). */
const summaryLimit = 200_000;

const environment = z.object({ GITHUB_STEP_SUMMARY: z.string().optional() });

/** Runs a command that changes nothing. Its output also goes to the run's page, for the reviewers. */
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
      `## ${stack}: ${outcome}\n\n${folded("Pulumi's output", cut(finished.text, summaryLimit))}\n\n`,
    );
  }
  return outcome;
}

/** Derives the outcome from the CLI's exit status and output. */
export function outcomeOf({ status, text }: Finished): Report["outcome"] {
  if (status === 0) return "passed";
  if (text.includes("no changes were expected")) return "drifted";
  return text.includes("[mandatory]") ? "refused" : "failed";
}
