/** Shows both stacks' previews in one comment of the pull request, edited as commits come: `pipeline comment`. */
import { z } from "zod";
import { pullRequestNumber } from "./ephemeral.ts";
import type { Job } from "./job.ts";
import { Repository, workflowUser } from "./github.ts";
import { commitSha, readEnvironment, readFlags, stackList } from "./options.ts";
import { cut, folded, readReports, type Report } from "./report.ts";

const flags = z.strictObject({ reports: z.string(), stacks: stackList });
const environment = z.object({
  PULL_REQUEST: pullRequestNumber,
  HEAD_SHA: commitSha,
});

/** By this the comment is found again; Markdown does not show it. */
const marker = "<!-- async-video-inference: previews -->";
/** Characters; GitHub takes 65,536 in a comment. */
const mostPerStack = 30_000;

const verdicts: Readonly<Record<Report["outcome"], string>> = {
  passed: "passes",
  refused: "**is refused by the policy pack**",
  drifted: "**is not as it was deployed**",
  failed: "**could not be previewed**",
};

/** Writes the comment, or edits the one that is there. */
export async function comment(args: readonly string[], job: Job): Promise<void> {
  const { reports: folder, stacks } = readFlags(args, flags);
  const { PULL_REQUEST: number, HEAD_SHA: commit } = readEnvironment(environment, job.environment);
  const repository = new Repository(job.environment);
  const body = bodyOf(await readReports(folder, stacks), commit, repository.runUrl);
  const own = (await repository.comments(number)).find(
    (each) => each.user?.login === workflowUser && each.body?.startsWith(marker),
  );
  if (own === undefined) await repository.addComment(number, body);
  else await repository.editComment(own.id, body);
}

/** What the comment says. */
export function bodyOf(reports: readonly Report[], commit: string, runUrl: string): string {
  const sections = reports.map(
    ({ stack, outcome, text }) =>
      `### ${stack} ${verdicts[outcome]}\n\n${folded("What Pulumi would do, and what the policies say", cut(text, mostPerStack))}`,
  );
  return [
    marker,
    `What ${commit.slice(0, 7)} would change ([log](${runUrl})). Nothing is changed yet. Account numbers are redacted.`,
    ...sections,
  ].join("\n\n");
}
