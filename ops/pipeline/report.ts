/**
 * Result of a preview or a drift check of one stack, as a file that later jobs read. Those jobs may write to the repository, and a pull
 * request's code wrote the file: they treat it as data of limited size, and show its text only where it has no effect.
 */
import { lstat, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { makeFolder } from "../../lib/files.ts";
import { printableText } from "../../lib/printable.ts";
import { UserError } from "../../lib/errors.ts";
import { schemaProblems } from "../../lib/schema-problems.ts";
import { redacted } from "./redact.ts";

const outcomes = ["passed", "refused", "drifted", "failed"] as const;

/** Characters of a report's text, and bytes of its file. */
const textLimit = 200_000;
const fileLimit = 2 * 1024 * 1024;

const schema = z.strictObject({
  stack: z.string(),
  /** Passed; refused by a policy; different from the deployed state; or not done at all. */
  outcome: z.enum(outcomes),
  /** Pulumi's output. */
  text: z.string(),
});

/** Options of a step that reads reports. */
export interface ReportsOptions {
  /** Folder with one report for each stack. */
  readonly reports: string;
  readonly stacks: readonly string[];
}

/** Result of a preview of one stack. */
export type Report = z.infer<typeof schema>;

/** Writes a report, and creates its folder. A text that is too long for a report is cut. */
export async function writeReport(file: string, report: Report): Promise<void> {
  makeFolder(dirname(file));
  await writeFile(file, `${JSON.stringify({ ...report, text: cut(report.text, textLimit) })}\n`);
}

/**
 * Reads the reports of the named stacks from a folder, sorted by name; other files are not read. A stack without a report counts as
 * failed. The texts are printable and redacted.
 * @throws UserError if a file is not a report of its stack, or is too large
 */
export async function readReports(folder: string, stacks: readonly string[]): Promise<Report[]> {
  return await Promise.all(stacks.toSorted().map(async (stack) => await readReport(folder, stack)));
}

async function readReport(folder: string, stack: string): Promise<Report> {
  const file = join(folder, `${stack}.json`);
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) return { stack, outcome: "failed", text: "The job ended before Pulumi printed anything." };
  if (!found.isFile() || found.size > fileLimit) {
    throw new UserError(`${file} is not a report: it is not a file of at most ${fileLimit} bytes.`);
  }
  const { outcome, text } = parsed(file, stack, await readFile(file, "utf8"));
  return { stack, outcome, text: printableText(redacted(text)) };
}

function parsed(file: string, stack: string, text: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file} is not a report: ${(error as Error).message}`);
  }
  const checked = schema.extend({ stack: z.literal(stack) }).safeParse(value);
  if (checked.success) return checked.data;
  throw new UserError(`${file} is not a report of ${stack}: ${schemaProblems(value, checked.error)}.`);
}

/** Returns text as a folded code block (see {@link fenced}). */
export function folded(title: string, text: string): string {
  return `<details><summary>${title}</summary>\n\n${fenced(text.trim())}\n\n</details>`;
}

/** Returns text as a Markdown code block, in which links, HTML and mentions have no effect. Its fence is longer than any in the text. */
export function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

/** Returns the first characters of a text, and the number of omitted ones. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return `${text.slice(0, limit)}\n… ${text.length - limit} characters more in the job's log`;
}
