/** Keeps one issue for as long as a stack is not as it was deployed: `pipeline drift-issue`. */
import { z } from "zod";
import type { Job } from "./job.ts";
import { Repository } from "./github.ts";
import { readFlags, stackList } from "./options.ts";
import { cut, folded, readReports, type Report } from "./report.ts";

const flags = z.strictObject({ reports: z.string(), stacks: stackList });

/** By this the issue is found again; Markdown does not show it. */
const marker = "<!-- async-video-inference: drift -->";
const title = "A stack is not as it was deployed";
/** Characters; GitHub takes 65,536 in an issue. */
const mostPerStack = 30_000;

/** Opens the issue, edits the one that is open, or closes it when all is well again. */
export async function driftIssue(args: readonly string[], job: Job): Promise<void> {
  const { reports: folder, stacks } = readFlags(args, flags);
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
      `All stacks are as they were deployed again ([log](${repository.runUrl})).`,
    );
    await repository.editIssue(open.number, { state: "closed" });
  }
}

/** What the issue says of the stacks that are not well. */
export function bodyOf(bad: readonly Report[], runUrl: string): string {
  const sections = bad.map(
    ({ stack, outcome, text }) =>
      `### ${stack}: ${outcome === "drifted" ? "changed behind Pulumi's back" : "could not be checked"}\n\n${folded("What Pulumi found", cut(text, mostPerStack))}`,
  );
  return [
    marker,
    `The nightly check ([log](${runUrl})) edits this issue, and closes it when all is well.`,
    "If a change is wanted, put it into the program; if not, run the workflow `deploy` on main, which takes it back.",
    ...sections,
  ].join("\n\n");
}
