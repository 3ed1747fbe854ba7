/** Parses IAM's policy documents. A policy receives them as text, or as an object if no provider has serialised them. */
import type { ReportViolation } from "@pulumi/policy";
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

/** One statement, with lists even if the document has single values. */
export type Statement = z.infer<typeof statementSchema>;

/**
 * Returns the statements of a document; none if there is no document.
 * @throws the framework's error for unknown values if part of it is unknown
 * @returns undefined if it is not a policy document: no JSON, an element that IAM does not define, or one element twice
 */
export function statementsOf(document: unknown): Statement[] | undefined {
  if (document === undefined || document === null || document === "") return [];
  try {
    // An object is serialised first: a schema must not meet the proxy of unknown values.
    const text = typeof document === "string" ? document : JSON.stringify(document);
    const parsed: unknown = JSON.parse(text);
    return keysIn(parsed) === keysWrittenIn(text) ? documentSchema.parse(parsed).Statement : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

function keysIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, each) => sum + keysIn(each), own);
}

/** Returns the keys in JSON's text. JSON.parse keeps only one of a key that an object has twice. */
function keysWrittenIn(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
}

/** Returns the name of a statement for messages: its Sid, or its position. */
export function label(statement: Statement, index: number): string {
  return statement.Sid === undefined ? `statement ${index + 1}` : `statement ${statement.Sid}`;
}

/**
 * Returns the statements of a document that allow something, each with its place for messages. Reports a document that cannot be read.
 * @param at property with the document
 * @param name of the resource
 */
export function allowing(document: unknown, at: string, name: string, report: ReportViolation) {
  const statements = statementsOf(document);
  if (statements === undefined) {
    report(
      `'${name}' has no readable policy document in ${at}. ` +
        "Set it to a document with a Statement that has only IAM's elements, each once and in IAM's case (Action, not action).",
    );
  }
  return (statements ?? [])
    .map((statement, index) => ({ statement, where: `In ${at} of '${name}', ${label(statement, index)}` }))
    .filter(({ statement }) => statement.Effect === "Allow");
}

/** Returns the values that a condition compares a key with by some operators. IAM ignores the case of keys. */
export function conditionValues({ Condition = {} }: Statement, operators: readonly string[], key: string): string[] {
  return operators.flatMap((operator) =>
    Object.entries(Object.hasOwn(Condition, operator) ? (Condition[operator] ?? {}) : {})
      .filter(([name]) => name.toLowerCase() === key.toLowerCase())
      .flatMap(([, values]) => values),
  );
}
