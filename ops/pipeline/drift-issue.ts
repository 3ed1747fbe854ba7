/** Keeps one issue open while a stack has drifted: `pipeline drift-issue`. */
import type { Job } from "./job.ts";
import { Repository } from "./github.ts";
import { cut, folded, readReports } from "./report.ts";
import type { Report, ReportsOptions } from "./report.ts";

/** Identifies the issue; Markdown does not show it. */
const marker = "<!-- async-video-inference: drift -->";
const title = "A stack has drifted";
/** Characters per stack; GitHub limits an issue to 65,536. */
const mostPerStack = 30_000;

/** Opens the issue, edits the open one, or closes it when no stack has drifted. */
export async function driftIssue({ reports: folder, stacks }: ReportsOptions, job: Job): Promise<void> {
  const repository = new Repository(job.environment);
  const bad = (await readReports(folder, stacks)).filter(({ outcome }) => outcome !== "passed");
  const open = (await repository.openIssuesOfWorkflows()).find(({ body }) => body?.startsWith(marker));
  if (bad.length > 0) {
    const body = bodyOf(bad, repository.runUrl);
    if (open === undefined) await repository.openIssue(title, body);
    else await repository.editIssue(open.number, { body });
  } else if (open !== undefined) {
    await repository.addComment(
      open.number,
      `All stacks match their deployed state again ([log](${repository.runUrl})).`,
    );
    await repository.editIssue(open.number, { state: "closed" });
  }
}

/** Returns the issue's text about the stacks with drift or a failed check. */
export function bodyOf(bad: readonly Report[], runUrl: string): string {
  const sections = bad.map(
    ({ stack, outcome, text }) =>
      `### ${stack}: ${outcome === "drifted" ? "changed outside Pulumi" : "could not be checked"}\n\n${folded("Output of the check", cut(text, mostPerStack))}`,
  );
  return [
    marker,
    `The nightly check ([log](${runUrl})) edits this issue, and closes it when no stack has drifted.`,
    "To keep a change, add it to the program. To revert it, run the workflow `deploy` on main.",
    ...sections,
  ].join("\n\n");
}
