/** The table of unlimited actions in README.md, and the same actions in `policies.json`: `node infra/bootstrap/unlimited-actions-table.ts` writes both. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { replaceTable } from "../configuration-tables.ts";
import { unlimitedActions } from "./unlimited-actions.ts";

/** The page with the table. */
export const page = join(import.meta.dirname, "README.md");
/** The policy pack's config for this program, in which each such action needs a reason. */
export const packConfig = join(import.meta.dirname, "policies.json");

const configSchema = z.record(z.string(), z.unknown());

/**
 * Returns the page's text with the current table.
 * @throws Error if the text has no place for the table
 */
export function withTable(text: string): string {
  const rows = Object.values(unlimitedActions).map(
    ({ actions, why, risk }) => `| ${actions.map((action) => `\`${action}\``).join("<br>")} | ${why} | ${risk} |`,
  );
  const table = ["| Actions | Reason | Risk to other resources |", "| --- | --- | --- |", ...rows];
  return replaceTable(text, "unlimited actions", table, page);
}

/** Returns the pack's config with a reason for each action. */
export function withReasons(config: unknown): Readonly<Record<string, unknown>> {
  const reasons = Object.values(unlimitedActions).flatMap(({ actions, why }) =>
    actions.map((action) => [action, why] as const),
  );
  const sorted = Object.fromEntries(reasons.toSorted(([one], [other]) => one.localeCompare(other)));
  return { ...configSchema.parse(config), "no-wildcards": { onEveryResource: sorted } };
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(page, withTable(await readFile(page, "utf8")));
  const config: unknown = JSON.parse(await readFile(packConfig, "utf8"));
  await writeFile(packConfig, JSON.stringify(withReasons(config)));
}
