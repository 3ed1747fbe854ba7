/** Reads IAM's policy documents, which reach a policy as text, or as an object where no provider has made them text. */
import { z } from "zod";

const list = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const principals = z.union([z.literal("*").transform(() => ({ "*": ["*"] })), z.record(z.string(), list)]);

const statementSchema = z.object({
  Sid: z.string().optional(),
  Effect: z.enum(["Allow", "Deny"]),
  Principal: principals.optional(),
  NotPrincipal: principals.optional(),
  Action: list.optional(),
  NotAction: list.optional(),
  Resource: list.optional(),
  NotResource: list.optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.union([list, z.boolean()]))).optional(),
});

const documentSchema = z.object({
  Statement: z.union([z.array(statementSchema), statementSchema]).transform((value) => [value].flat()),
});

/** One statement, with lists where the document may have single values. */
export type Statement = z.infer<typeof statementSchema>;

/**
 * The statements of a document; none where there is no document.
 * @throws the framework's error for unknown values if part of it is not known yet
 * @returns undefined if it is no policy document
 */
export function statementsOf(document: unknown): Statement[] | undefined {
  if (document === undefined || document === null || document === "") return [];
  try {
    // A document that is an object is read as a whole first: a schema must not meet the guard of unknown values.
    const text = typeof document === "string" ? document : JSON.stringify(document);
    return documentSchema.parse(JSON.parse(text)).Statement;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}

/** How a message names a statement: by its Sid, or by its place. */
export function label(statement: Statement, index: number): string {
  return statement.Sid === undefined ? `statement ${index + 1}` : `statement ${statement.Sid}`;
}

/** The values that a condition asks of a key, whatever the operator; IAM's keys know no case. */
export function conditionValues({ Condition = {} }: Statement, key: string): string[] {
  return Object.values(Condition).flatMap((tests) =>
    Object.entries(tests)
      .filter(([name]) => name.toLowerCase() === key.toLowerCase())
      .flatMap(([, values]) => (Array.isArray(values) ? values : [String(values)])),
  );
}
