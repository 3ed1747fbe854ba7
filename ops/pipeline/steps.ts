/** The command `pipeline`: one subcommand for each step of the workflows in .github/workflows. */
import { createCommand, matching } from "../../lib/command-line.ts";
import { advice } from "./failure-summary.ts";
import { approval } from "./approval.ts";
import { artifacts } from "./artifacts.ts";
import { comment } from "./comment.ts";
import { costs } from "./costs.ts";
import { driftIssue } from "./drift-issue.ts";
import { ephemeral } from "./ephemeral.ts";
import type { Job } from "./job.ts";
import { commitOption, environmentName, pullRequestOption, stackList, stackName } from "./options.ts";
import { driftCheck, preview } from "./preview.ts";
import { promotion } from "./promotion.ts";
import { abandoned, requested } from "./pull-request.ts";
import { destroy, unlock, up } from "./update.ts";

const lockable = matching(/^(dev|prod|pr-[1-9]\d{0,9})$/, "must be dev, prod or pr-NUMBER");
const variableName = matching(/^[A-Z][A-Z0-9_]*$/, "must be the name of a variable");

/** Defines `pipeline`. */
export function pipelineCommand(job: Job) {
  return createCommand("pipeline", "run a step of a workflow")
    .description(
      "Runs a step of the workflows in .github/workflows. Steps for a stack run the Pulumi CLI from the PATH with the policy pack, on the backend in PULUMI_BACKEND_URL.",
    )
    .addCommand(
      step("preview", "preview a stack", "--stack dev --refresh")
        .requiredOption("--stack <name>", "name of the stack", stackName)
        .option("--refresh", "read the state from AWS first", false)
        .option("--plan <file>", "write a plan, which allows an update only the changes of this preview")
        .option("--report <file>", "write the result to a file")
        .action((options) => preview(options, job)),
    )
    .addCommand(
      step("up", "preview and deploy a stack", "--stack prod --plan plan/prod.json")
        .description(
          "Previews and deploys a stack. First removes a log group that an earlier deployment left, and waits while an endpoint of the stack's name is being deleted.",
        )
        .requiredOption("--stack <name>", "name of the stack", stackName)
        .option("--plan <file>", "allow only the changes in this plan")
        .action((options) => up(options, job)),
    )
    .addCommand(
      step("ephemeral", "write Pulumi.pr-N.yaml from Pulumi.pr.yaml", "--pull-request 12 --create")
        .requiredOption("--pull-request <number>", "number of the pull request", pullRequestOption)
        .option("--create", "create the stack if it does not exist", false)
        .action((options) => ephemeral(options, job)),
    )
    .addCommand(
      step("destroy", "remove the stack of a pull request, if it exists", "--pull-request 12")
        .description(
          "Removes the stack of a pull request, if it exists. Retries once, and waits until the endpoint and its log group are deleted.",
        )
        .requiredOption("--pull-request <number>", "number of the pull request", pullRequestOption)
        .action(({ pullRequest }) => destroy(pullRequest, job)),
    )
    .addCommand(
      step("artifacts", "delete old model artifacts that no model uses", "--stack dev")
        .description(
          "Deletes model artifacts that are older than the setting artifactRetentionDays and that no model uses.",
        )
        .requiredOption("--stack <name>", "name of the stack", stackName)
        .action(({ stack }) => artifacts(stack, job)),
    )
    .addCommand(
      step("unlock", "remove the lock that a killed update left", "--stack dev")
        .requiredOption("--stack <name>", "dev, prod or pr-N", lockable)
        .action(({ stack }) => unlock(stack, job)),
    )
    .addCommand(
      step("costs", "compute the costs of stacks from their settings", "--stacks dev,prod --to costs")
        .description(
          "Computes what the settings of stacks cost a month at rest and at the limit, and for the planner's scenarios. Writes STACK.costs.json for each stack. Calls no AWS API.",
        )
        .requiredOption("--stacks <names>", "names of the stacks, separated by commas", stackList)
        .requiredOption("--to <folder>", "folder for the files")
        .action((options) => costs(options, job)),
    )
    .addCommand(
      step(
        "comment",
        "write the reports of previews into a comment of the pull request",
        "--reports reports --costs-before costs --stacks dev,prod",
      )
        .requiredOption("--reports <folder>", "folder with a report and the costs of each stack")
        .requiredOption("--costs-before <folder>", "folder with the costs of each stack before the change")
        .requiredOption("--stacks <names>", "names of the stacks, separated by commas", stackList)
        .action((options) => comment(options, job)),
    )
    .addCommand(
      step("drift-check", "compare AWS with the deployed state of a stack", "--stack prod")
        .requiredOption("--stack <name>", "name of the stack", stackName)
        .option("--report <file>", "write the result to a file")
        .action((options) => driftCheck(options, job)),
    )
    .addCommand(
      step("drift-issue", "open, edit or close the issue about drift", "--reports reports --stacks dev,prod")
        .requiredOption("--reports <folder>", "folder with a report of each stack")
        .requiredOption("--stacks <names>", "names of the stacks, separated by commas", stackList)
        .action((options) => driftIssue(options, job)),
    )
    .addCommand(
      step("promotion", "fail if a newer commit has been deployed", "--environment production")
        .requiredOption("--environment <name>", "name of the environment in GitHub", environmentName)
        .action(({ environment }) => promotion(environment, job)),
    )
    .addCommand(
      step(
        "approval",
        "fail if an environment has no required reviewers",
        "--environment production --unless UNREVIEWED",
      )
        .requiredOption("--environment <name>", "name of the environment in GitHub", environmentName)
        .requiredOption("--unless <variable>", "variable that accepts this if its value is true", variableName)
        .action((options) => approval(options, job)),
    )
    .addCommand(
      step("requested", "fail unless a pull request is open and has the label deploy", "--pull-request 12")
        .requiredOption("--pull-request <number>", "number of the pull request", pullRequestOption)
        .option("--commit <sha>", "also fail if the pull request has a newer commit", commitOption)
        .action((options) => requested(options, job)),
    )
    .addCommand(
      step("abandoned", "list the pull requests whose stacks must be removed", "")
        .description(
          "Writes the numbers of the pull requests whose stacks must be removed to the job's output: PULL_REQUEST, or otherwise all with a stack that are closed or have no label deploy.",
        )
        .action(() => abandoned(job)),
    )
    .addCommand(
      step("advice", "print instructions after a failed smoke test", "--stack dev --promotes prod")
        .requiredOption("--stack <name>", "name of the stack", stackName)
        .option("--promotes <name>", "next stack of the promotion", stackName)
        .action((options) => advice(options, job)),
    )
    .addHelpText("after", exampleOf("preview --stack dev --refresh"));
}

/** Starts the definition of a step. */
function step(name: string, summary: string, example: string) {
  return createCommand(name, summary).addHelpText("after", exampleOf(`${name} ${example}`.trim()));
}

function exampleOf(args: string): string {
  return `
Example:
  npm run -s pipeline -- ${args}

Exit status: 0 success; 1 refused or failed; 2 invalid input, wrong credentials or no connection.`;
}
