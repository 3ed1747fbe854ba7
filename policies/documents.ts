/** Reads IAM's policy documents, which reach a policy as text, or as an object if no provider has made them text. */
import { z } from "zod";

const list = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const kinds = z.enum(["AWS", "CanonicalUser", "Federated", "Service"]);
const everyone = z.literal("*").transform(() => ({ AWS: ["*"] }));
const principals: z.ZodType<Partial<Record<z.infer<typeof kinds>, string[]>>> = z.union([
  everyone,
  z.partialRecord(kinds, list),
]);
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const conditionList = z.union([scalar, z.array(scalar)]).transform((value) => [value].flat());

// Strict: an element under another name (`action`) must not be dropped as if the statement did not have it.
const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(["Allow", "Deny"]),
  Principal: principals.optional(),
  NotPrincipal: principals.optional(),
  Action: list.optional(),
  NotAction: list.optional(),
  Resource: list.optional(),
  NotResource: list.optional(),
  Condition: z.record(z.string(), z.record(z.string(), conditionList)).optional(),
});

/** The elements of a document: IAM user guide, "Grammar of the IAM JSON policy language". */
const documentSchema = z.strictObject({
  Version: z.enum(["2008-10-17", "2012-10-17"]).optional(),
  Id: z.string().optional(),
  Statement: z.union([z.array(statementSchema), statementSchema]).transform((value) => [value].flat()),
});

/** One statement, with lists where the document may have single values. */
export type Statement = z.infer<typeof statementSchema>;

/**
 * The statements of a document; none if there is no document.
 * @throws the framework's error for unknown values if part of it is not known yet
 * @returns undefined if it is not a policy document: no JSON, an element that IAM does not have, or one element twice
 */
export function statementsOf(document: unknown): Statement[] | undefined {
  if (document === undefined || document === null || document === "") return [];
  try {
    // A document that is an object is read as a whole first: a schema must not meet the guard of unknown values.
    const text = typeof document === "string" ? document : JSON.stringify(document);
    const parsed: unknown = JSON.parse(text);
    return keysIn(parsed) === keysWrittenIn(text) ? documentSchema.parse(parsed).Statement : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

/** What a message says about a document that {@link statementsOf} cannot read. */
export const documentRemedy =
  "Set it to one with a Statement, and with IAM's elements only, each once and in its own case (Action, not action).";

function keysIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, each) => sum + keysIn(each), own);
}

/** The keys in JSON's text: of a key that an object has twice, JSON.parse keeps one. */
function keysWrittenIn(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
}

/** How a message names a statement: by its Sid, or by its place. */
export function label(statement: Statement, index: number): string {
  return statement.Sid === undefined ? `statement ${index + 1}` : `statement ${statement.Sid}`;
}

/** The values that a condition compares a key with by some operators; IAM ignores the case of keys. */
export function conditionValues({ Condition = {} }: Statement, operators: readonly string[], key: string): string[] {
  return operators.flatMap((operator) =>
    Object.entries(Object.hasOwn(Condition, operator) ? (Condition[operator] ?? {}) : {})
      .filter(([name]) => name.toLowerCase() === key.toLowerCase())
      .flatMap(([, values]) => values),
  );
}
