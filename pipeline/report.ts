/** What a preview of one stack found, as a file that later jobs read. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { PipelineError } from "./errors.ts";

const outcomes = ["passed", "refused", "drifted", "failed"] as const;

const schema = z.strictObject({
  stack: z.string(),
  /** Passed; refused by a policy; found to be other than the program says; or not done at all. */
  outcome: z.enum(outcomes),
  /** What Pulumi said. */
  text: z.string(),
});

/** What a preview of one stack found. */
export type Report = z.infer<typeof schema>;

/** Writes a report, and the folder that it is in. */
export async function writeReport(file: string, report: Report): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report)}\n`);
}

/**
 * Reads the reports of a folder, in the order of their stacks' names. A stack of `expected` that has none failed before there was one.
 * @throws PipelineError if a file is no report
 */
export async function readReports(folder: string, expected: readonly string[]): Promise<Report[]> {
  const names = await readdir(folder).catch(() => []);
  const reports = await Promise.all(
    names
      .filter((name) => name.endsWith(".json"))
      .map(async (name) => {
        const file = path.join(folder, name);
        const checked = schema.safeParse(JSON.parse(await readFile(file, "utf8")));
        if (!checked.success) throw new PipelineError(`${file} is no report: ${z.prettifyError(checked.error)}`);
        return checked.data;
      }),
  );
  const missing = expected
    .filter((stack) => !reports.some((report) => report.stack === stack))
    .map((stack): Report => ({ stack, outcome: "failed", text: "The job ended before Pulumi had said anything." }));
  return [...reports, ...missing].sort((one, other) => one.stack.localeCompare(other.stack));
}

/** Text as a Markdown code block, behind a line to click on: the fence is longer than any in the text. */
export function folded(title: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `<details><summary>${title}</summary>\n\n${fence}text\n${text.trim()}\n${fence}\n\n</details>`;
}

/** The first characters of a text, and how many are left out. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most)}\n… ${text.length - most} characters more in the job's log`;
}
