/** Writes the pack's policies into the table in README.md: `node policies/readme-table.ts`. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { domains } from "./pack.ts";
import type { PackPolicy } from "./pack.ts";

const begin = "<!-- policies: written by npm run docs:policies -->";
const end = "<!-- end of policies -->";

/** The page. */
export const page = join(import.meta.dirname, "README.md");

/** Returns the file that exports each policy. */
async function policyFiles(): Promise<ReadonlyMap<unknown, string>> {
  // index.ts starts the pack, and this file waits for the result.
  const files = (await readdir(import.meta.dirname)).filter(
    (file) => /^[a-z-]+\.ts$/.test(file) && file !== "index.ts" && file !== "readme-table.ts",
  );
  const exported = files.map(async (file) =>
    Object.values((await import(`./${file}`)) as Record<string, unknown>).map((value) => [value, file] as const),
  );
  return new Map((await Promise.all(exported)).flat());
}

const files = await policyFiles();

function rowOf(policy: PackPolicy): string {
  const config = Object.entries(policy.configSchema?.properties ?? {}).map(
    ([name, { default: value }]) => `\`${name}\`${value === undefined ? "" : ` = ${shown(value)}`}`,
  );
  const [level, file] = [policy.enforcementLevel, files.get(policy)];
  if (level === undefined) throw new Error(`The policy ${policy.name} has no enforcementLevel.`);
  if (file === undefined) throw new Error(`No file in policies/ exports the policy ${policy.name}.`);
  const scope = "validateStack" in policy ? "stack" : "resource";
  return `| \`${policy.name}\` | ${policy.description} | ${level} | ${scope} | ${config.join("<br>")} | \`${file}\` |`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map((each) => `\`${String(each)}\``).join(", ");
  if (typeof value === "object" && value !== null) {
    const keys = Object.keys(value);
    return keys.length === 0 ? "none" : `${keys.length} entries`;
  }
  return `\`${String(value)}\``;
}

/**
 * Returns the page's text with the pack's current table.
 * @throws {Error} if the page has no lines for the table
 */
export function withTable(text: string): string {
  const tables = Object.entries(domains).map(([domain, policies]) =>
    [
      `### ${domain}`,
      "",
      "| Policy | Requirement and reason | Level | Evaluates | Config and its defaults | File |",
      "| --- | --- | --- | --- | --- | --- |",
      ...policies.map(rowOf),
    ].join("\n"),
  );
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${page} has no lines "${begin}" and "${end}": add them.`);
  return `${before}${begin}\n\n${tables.join("\n\n")}\n\n${end}${after}`;
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(page, withTable(await readFile(page, "utf8")));
}
