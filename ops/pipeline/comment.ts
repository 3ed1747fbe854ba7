/** Shows the previews of all stacks in one comment of the pull request, and edits it for new commits: `pipeline comment`. */
import { z } from "zod";
import type { Job } from "./job.ts";
import { Repository, workflowUser } from "./github.ts";
import { commitSha, pullRequestNumber, readEnvironment } from "./options.ts";
import { cut, folded, readReports } from "./report.ts";
import type { Report, ReportsOptions } from "./report.ts";

const environment = z.object({
  PULL_REQUEST: pullRequestNumber,
  HEAD_SHA: commitSha,
});

/** Identifies the comment; Markdown does not show it. */
const marker = "<!-- async-video-inference: previews -->";
/** Characters per stack; GitHub limits a comment to 65,536. */
const mostPerStack = 30_000;

const verdicts: Readonly<Record<Report["outcome"], string>> = {
  passed: "passes",
  refused: "**is refused by the policy pack**",
  drifted: "**has drifted**",
  failed: "**could not be previewed**",
};

/** Adds the comment, or edits the existing one. */
export async function comment({ reports: folder, stacks }: ReportsOptions, job: Job): Promise<void> {
  const { PULL_REQUEST: number, HEAD_SHA: commit } = readEnvironment(environment, job.environment);
  const repository = new Repository(job.environment);
  const body = bodyOf(await readReports(folder, stacks), commit, repository.runUrl);
  const own = (await repository.comments(number)).find(
    (each) => each.user?.login === workflowUser && each.body?.startsWith(marker),
  );
  if (own === undefined) await repository.addComment(number, body);
  else await repository.editComment(Number(own.id), body);
}

/** Returns the comment's text. */
export function bodyOf(reports: readonly Report[], commit: string, runUrl: string): string {
  const sections = reports.map(
    ({ stack, outcome, text }) =>
      `### ${stack} ${verdicts[outcome]}\n\n${folded("Output of the preview and the policy pack", cut(text, mostPerStack))}`,
  );
  return [
    marker,
    `Changes of ${commit.slice(0, 7)} ([log](${runUrl})). Nothing has been changed yet. Account numbers are redacted.`,
    ...sections,
  ].join("\n\n");
}
