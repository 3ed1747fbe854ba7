/** Reads policy documents for tests. */
import { z } from "zod";

const list = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const documentSchema = z.strictObject({
  Version: z.literal("2012-10-17"),
  Statement: z.array(
    z.strictObject({
      Sid: z.string().optional(),
      Effect: z.enum(["Allow", "Deny"]),
      Principal: z.unknown().optional(),
      Action: list,
      Resource: list.optional(),
      Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
    }),
  ),
});

/** One statement, with its actions and resources as lists. */
export type Statement = z.infer<typeof documentSchema>["Statement"][number];

/** Returns the statements of a registered policy. */
export function statements(policy: unknown): Statement[] {
  return documentSchema.parse(policy).Statement;
}

/**
 * Returns the statement with a Sid.
 * @throws Error if there is none
 */
export function statement(policy: unknown, sid: string): Statement {
  const found = statements(policy).find(({ Sid }) => Sid === sid);
  if (found === undefined) throw new Error(`no statement ${sid}`);
  return found;
}

/** A call as IAM evaluates it. */
export interface EvaluatedCall {
  readonly action: string;
  /** The ARN; `*` for actions that support no resource. */
  readonly resource: string;
  /** Values of condition keys. */
  readonly context?: Readonly<Record<string, string>>;
}

/**
 * Returns true if the statements allow a call.
 * @throws Error for a condition with another operator than StringEquals, StringLike and Null
 */
export function allows(statements: readonly Statement[], { action, resource, context = {} }: EvaluatedCall): boolean {
  return statements.some(
    ({ Effect, Action, Resource = [], Condition = {} }) =>
      Effect === "Allow" &&
      Action.includes(action) &&
      Resource.some((pattern) => isLike(resource, pattern)) &&
      Object.entries(Condition).every(([operator, keys]) =>
        Object.entries(keys).every(([key, values]) => holds(operator, context[key], list.parse(values))),
      ),
  );
}

/** Returns true if a condition holds for a key's value. As in IAM, it does not hold if the call lacks the key, except Null. */
function holds(operator: string, actual: string | undefined, values: readonly string[]): boolean {
  if (operator === "Null") return values.includes(String(actual === undefined));
  if (operator !== "StringEquals" && operator !== "StringLike") throw new Error(`unknown operator ${operator}`);
  if (actual === undefined) return false;
  return values.some((value) => (operator === "StringEquals" ? actual === value : isLike(actual, value)));
}

function isLike(text: string, pattern: string): boolean {
  const escaped = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll("*", ".*")}$`).test(text);
}
