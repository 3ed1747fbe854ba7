/** The steps by their names, their help, and how each ends. */
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

The steps of the workflows in .github/workflows. Those that work with a stack run the Pulumi CLI
from the PATH with the policy pack, on the backend that PULUMI_BACKEND_URL names.

  preview --stack NAME [--refresh] [--plan FILE] [--report FILE]
      previews; --refresh asks AWS first how the stack is, --plan keeps a plan for up, --report
      what was found
  up --stack NAME [--plan FILE]
      removes a log group that an earlier deployment left, or waits while an endpoint of the
      stack's name is still being deleted; then previews and deploys; --plan allows what the plan
      has, and nothing else
  ephemeral --pull-request N [--create]
      writes Pulumi.pr-N.yaml from Pulumi.pr.yaml, and makes the stack
  destroy --pull-request N
      removes the stack of a pull request if there is one, tries a second time if that fails, and
      waits until its endpoint and its log group are gone
  artifacts --stack NAME
      deletes model artifacts older than artifactRetentionDays that no model uses
  unlock --stack dev|prod|pr-N
      removes the lock that a killed update left
  comment --reports FOLDER --stacks NAME,…
      puts the reports of previews into one comment of the pull request
  drift-check --stack NAME [--report FILE]
      asks AWS whether the stack is as it was deployed
  drift-issue --reports FOLDER --stacks NAME,…
      opens, edits or closes the issue about drift
  promotion --environment NAME
      fails if a newer commit has been deployed there
  approval --environment NAME --unless VARIABLE
      fails if the environment has no required reviewers and VARIABLE is not true
  requested --pull-request N [--commit SHA]
      fails if the pull request is closed or has no label "deploy", or if it has a newer commit
  abandoned
      writes the pull requests whose stacks are to be removed to the job's output: PULL_REQUEST,
      or else all with a stack that are closed or have no label "deploy"
  advice --stack NAME [--promotes NAME]
      says what to do after a failed smoke test

Exit status: 0 done, 1 refused or failed, 2 called wrongly.
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

/** Runs a step: its name, then its flags. Returns the exit status; what went wrong is said on the job's standard error. */
export async function runStep([name = "", ...args]: readonly string[], job: Job): Promise<number> {
  try {
    if (["--help", "-h", "help"].includes(name) || args.includes("--help")) {
      job.out(help);
      return 0;
    }
    const step = Object.hasOwn(steps, name) ? steps[name] : undefined;
    if (step === undefined) {
      throw new UsageError(
        `${name === "" ? "No step is named" : `There is no step ${name}`}: --help shows what there is`,
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
