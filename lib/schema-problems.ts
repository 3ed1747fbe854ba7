/** Describes the problems that a schema finds in a value from outside: a file, an answer, or options. */

/** A problem that a schema has found, as Zod reports it. */
interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Number of problems that are shown: enough to recognise another file, or one of an older program. */
const issuesShown = 3;

/** Returns the first problems in one line, without a full stop: each with its place in the value. */
export function schemaProblems(value: unknown, { issues }: { readonly issues: readonly SchemaIssue[] }): string {
  const problems = issues.slice(0, issuesShown).map(({ path, message }) => {
    const place = path.map(String).join(".");
    if (path.length > 0 && valueAt(value, path) === undefined) return `${place} is missing`;
    const problem = message.replace("Invalid input: ", "");
    return place === "" ? problem : `${place}: ${problem}`;
  });
  const others = issues.length - problems.length;
  return `${problems.join("; ")}${others === 0 ? "" : `, and ${others} more`}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(
    (at, name) => (typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[name] : undefined),
    value,
  );
}
