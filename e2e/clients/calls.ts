/** The calls that clients of AWS made in the tests, and their tables in docs/clients.md. */
import { z } from "zod";

/** Schema of a call that a client made, as `recording/sitecustomize.py` records it. */
export const callSchema = z.object({
  /** Name of the service, such as "CloudWatch Logs". */
  service: z.string(),
  operation: z.string(),
  /** Code of the error; undefined if the call succeeded. */
  code: z.string().optional(),
  message: z.string().optional(),
});
/** A call, as parsed by {@link callSchema}. */
export type Call = z.infer<typeof callSchema>;

/** Words of the emulator, and of MiniStack, if they refuse a call by name. */
const byName = /does not implement|^(Unknown|Unsupported) (operation|action)/i;

/**
 * Returns the table of a client's calls: those that succeeded at least once, and those that the emulator refused by name. Calls with
 * other errors, such as a missing object, are in neither.
 * @param version of the client
 */
export function callTable(version: string, calls: readonly Call[]): string[] {
  const worked = listByService(
    calls.filter(({ code }) => code === undefined).map(({ service, operation }) => [service, operation]),
  );
  const refused = listByService(
    calls
      .filter(({ message }) => message !== undefined && byName.test(message))
      .map(({ service, operation, message = "" }) => [service, refusal(operation, message)]),
  );
  const services = [...new Set([...worked.keys(), ...refused.keys()])].sort();
  return [
    `Version: ${version}`,
    "",
    "| service | calls that work | calls refused by name |",
    "| --- | --- | --- |",
    ...services.map((service) => `| ${service} | ${worked.get(service) ?? ""} | ${refused.get(service) ?? ""} |`),
  ];
}

/** Returns the operation, with the refused feature if the refusal is not of the whole operation or service. */
function refusal(operation: string, message: string): string {
  const [, feature = ""] = /does not implement (.*?)\.?$/.exec(message) ?? [];
  return feature.includes(" ") ? `\`${operation}\` with ${feature}` : `\`${operation}\``;
}

function listByService(pairs: readonly (readonly [string, string])[]): Map<string, string> {
  const sets = new Map<string, Set<string>>();
  for (const [service, name] of pairs) sets.set(service, (sets.get(service) ?? new Set()).add(name));
  return new Map(
    [...sets].map(([service, names]) => [
      service,
      [...names]
        .sort()
        .map((name) => (name.startsWith("`") ? name : `\`${name}\``))
        .join(", "),
    ]),
  );
}

/** Parts of a page around a client's table. */
function split(page: string, client: string): { before: string; table: string; after: string } {
  const begin = `<!-- ${client}: written by npm run docs:clients -->\n`;
  const end = `\n<!-- end of ${client} -->`;
  const [before, rest] = page.split(begin);
  const [table, after] = rest?.split(end) ?? [];
  if (before === undefined || table === undefined || after === undefined) {
    throw new Error(`The page has no lines "${begin.trim()}" and "${end.trim()}": add them.`);
  }
  return { before: before + begin, table, after: end + after };
}

/**
 * Returns the page with a client's table replaced.
 * @throws Error if the page has no place for the table
 */
export function withTable(page: string, client: string, table: readonly string[]): string {
  const { before, after } = split(page, client);
  return `${before}\n${table.join("\n")}\n${after}`;
}

/**
 * Returns the version of a client in its table on the page.
 * @throws Error if the page has no place for the table
 */
export function versionOnPage(page: string, client: string): string | undefined {
  return /^Version: (.*)$/m.exec(split(page, client).table)?.[1];
}
