/** The tables of settings and outputs in docs/configuration.md, generated from the program: `node infra/configuration-tables.ts` writes them. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeSettings } from "./config.ts";
import type { SettingDescription } from "./config.ts";
import { outputMeanings } from "./stack-outputs.ts";

/** The page. */
export const page = join(import.meta.dirname, "..", "docs", "configuration.md");

function shown(value: SettingDescription["defaultValue"]): string {
  if (value === undefined) return "";
  return typeof value === "object" ? "none" : `\`${value}\``;
}

function settingsTable(): string[] {
  const rows = describeSettings().map(
    ({ key, allowed, defaultValue, meaning }) => `| \`${key}\` | ${meaning} | ${allowed} | ${shown(defaultValue)} |`,
  );
  return ["| Setting | Meaning | Valid values | Default |", "| --- | --- | --- | --- |", ...rows];
}

function outputsTable(): string[] {
  const rows = Object.entries(outputMeanings).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  return ["| Output | Meaning |", "| --- | --- |", ...rows];
}

/**
 * Returns a page's text with one table between its two marks.
 * @param file path of the page, for the error
 * @throws Error if the text has no place for the table
 */
export function replaceTable(text: string, name: string, table: readonly string[], file: string): string {
  const begin = `<!-- ${name}: written by npm run docs -->`;
  const end = `<!-- end of ${name} -->`;
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) {
    throw new Error(`${file} has no lines "${begin}" and "${end}": add them.`);
  }
  return `${before}${begin}\n\n${table.join("\n")}\n\n${end}${after}`;
}

/** Returns the page's text with the program's current tables. */
export function withTables(text: string): string {
  return replaceTable(replaceTable(text, "settings", settingsTable(), page), "outputs", outputsTable(), page);
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(page, withTables(await readFile(page, "utf8")));
}
