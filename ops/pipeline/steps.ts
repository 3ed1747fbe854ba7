/** The steps by name, their help, and their exit statuses. */
import { printableText } from "../../lib/printable.ts";
import { remedyFor } from "../../lib/remedies.ts";
import { advice } from "./failure-summary.ts";
import { approval } from "./approval.ts";
import { artifacts } from "./artifacts.ts";
import { comment } from "./comment.ts";
import { driftIssue } from "./drift-issue.ts";
import { ephemeral } from "./ephemeral.ts";
import type { Job } from "./job.ts";
import { PipelineError, UsageError } from "./errors.ts";
import { driftCheck, preview } from "./preview.ts";
import { promotion } from "./promotion.ts";
import { abandoned, requested } from "./pull-request.ts";
import { destroy, unlock, up } from "./update.ts";

const help = `Usage: npm run -s pipeline -- STEP [options]

The steps of the workflows in .github/workflows. Steps for a stack run the Pulumi CLI
from the PATH with the policy pack, on the backend in PULUMI_BACKEND_URL.

  preview --stack NAME [--refresh] [--plan FILE] [--report FILE]
      previews; --refresh reads the state from AWS first, --plan writes a plan for up, --report
      writes the result
  up --stack NAME [--plan FILE]
      removes a log group that an earlier deployment left, or waits while an endpoint of the
      stack's name is still being deleted; then previews and deploys; --plan allows only the
      changes in the plan
  ephemeral --pull-request N [--create]
      writes Pulumi.pr-N.yaml from Pulumi.pr.yaml, and creates the stack
  destroy --pull-request N
      removes the stack of a pull request if it exists, tries a second time if that fails, and
      waits until its endpoint and its log group are deleted
  artifacts --stack NAME
      deletes model artifacts older than artifactRetentionDays that no model uses
  unlock --stack dev|prod|pr-N
      removes the lock that a killed update left
  comment --reports FOLDER --stacks NAME,…
      writes the reports of previews into one comment of the pull request
  drift-check --stack NAME [--report FILE]
      compares AWS with the stack's deployed state
  drift-issue --reports FOLDER --stacks NAME,…
      opens, edits or closes the issue about drift
  promotion --environment NAME
      fails if a newer commit has been deployed there
  approval --environment NAME --unless VARIABLE
      fails if the environment has no required reviewers and VARIABLE is not true
  requested --pull-request N [--commit SHA]
      fails if the pull request is closed or has no label "deploy", or if it has a newer commit
  abandoned
      writes the pull requests whose stacks must be removed to the job's output: PULL_REQUEST,
      or otherwise all with a stack that are closed or have no label "deploy"
  advice --stack NAME [--promotes NAME]
      prints instructions after a failed smoke test

Example: npm run -s pipeline -- preview --stack dev --refresh

Exit status: 0 done, 1 refused or failed, 2 wrong usage.
`;

const steps: Readonly<Record<string, (args: readonly string[], job: Job) => Promise<void>>> = {
  preview,
  up,
  ephemeral,
  destroy,
  artifacts,
  unlock,
  comment,
  "drift-check": driftCheck,
  "drift-issue": driftIssue,
  promotion,
  approval,
  requested,
  abandoned,
  advice,
};

/** Runs a step: its name, then its flags. Prints errors to the job's standard error. Returns the exit status. */
export async function runStep([name = "", ...args]: readonly string[], job: Job): Promise<number> {
  try {
    if (["--help", "-h", "help"].includes(name) || args.includes("--help")) {
      job.out(help);
      return 0;
    }
    const step = Object.hasOwn(steps, name) ? steps[name] : undefined;
    if (step === undefined) {
      throw new UsageError(
        `${name === "" ? "No step is given" : `There is no step ${name}`}: add --help for the list of steps`,
      );
    }
    await step(args, job);
    return 0;
  } catch (error) {
    const remedy = remedyFor(error);
    if (!(error instanceof PipelineError) && remedy === undefined) throw error;
    const { message } = error as Error;
    job.err(`\n${printableText(remedy === undefined ? message : `${message} (${remedy})`)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}
