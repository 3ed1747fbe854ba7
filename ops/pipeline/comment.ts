/** Shows the previews of all stacks in one comment of the pull request, and edits it for new commits: `pipeline comment`. */
import { z } from "zod";
import { pricesRegion } from "../../policies/instance-types.ts";
import { costsTable, readCosts } from "./costs.ts";
import type { Job } from "./job.ts";
import { Repository, workflowUser } from "./github.ts";
import { commitSha, pullRequestNumber, readEnvironment } from "./options.ts";
import { cut, fenced, folded, readReports } from "./report.ts";
import type { Report, ReportsOptions } from "./report.ts";

const environment = z.object({
  PULL_REQUEST: pullRequestNumber,
  HEAD_SHA: commitSha,
});

/** Identifies the comment; Markdown does not show it. */
const marker = "<!-- async-video-inference: previews -->";
/** Characters per stack; GitHub limits a comment to 65,536. */
const mostPerStack = 28_000;
/** Characters of the costs of a stack. */
const costsLimit = 3_000;

const verdicts: Readonly<Record<Report["outcome"], string>> = {
  passed: "passes",
  refused: "**is refused by the policy pack**",
  drifted: "**has drifted**",
  failed: "**could not be previewed**",
};

/** Options of `pipeline comment`. */
interface CommentOptions extends ReportsOptions {
  /** Folder with the costs before the change. Those after it are in the folder of the reports. */
  readonly costsBefore: string;
}

/** A stack's report, and the table of its costs before and after the change. */
export type CommentedReport = Report & { readonly costs: string };

/** Adds the comment, or edits the existing one. */
export async function comment({ reports: folder, stacks, costsBefore }: CommentOptions, job: Job): Promise<void> {
  const { PULL_REQUEST: number, HEAD_SHA: commit } = readEnvironment(environment, job.environment);
  const repository = new Repository(job.environment);
  const reports = await Promise.all(
    (await readReports(folder, stacks)).map(async (report) => {
      const [before, after] = [await readCosts(costsBefore, report.stack), await readCosts(folder, report.stack)];
      return { ...report, costs: costsTable(before, after) };
    }),
  );
  const body = bodyOf(reports, commit, repository.runUrl);
  const own = (await repository.comments(number)).find(
    (each) => each.user?.login === workflowUser && each.body?.startsWith(marker),
  );
  if (own === undefined) await repository.addComment(number, body);
  else await repository.editComment(Number(own.id), body);
}

/** Returns the comment's text. */
export function bodyOf(reports: readonly CommentedReport[], commit: string, runUrl: string): string {
  const sections = reports.map(
    ({ stack, outcome, text, costs }) =>
      `### ${stack} ${verdicts[outcome]}\n\n${folded("Output of the preview and the policy pack", cut(text, mostPerStack))}\n\n` +
      `Cost of the settings, simulated at the prices of ${pricesRegion}:\n\n${fenced(cut(costs, costsLimit))}`,
  );
  return [
    marker,
    `Changes of ${commit.slice(0, 7)} ([log](${runUrl})). Nothing has been changed yet. Account numbers are redacted.`,
    ...sections,
  ].join("\n\n");
}
