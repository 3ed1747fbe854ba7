/** Compares IAM policies, and JSON texts, by meaning. */
import { isRecord } from "./values.ts";

const accountRoot = /^arn:aws[\w-]*:iam::(\d{12}):root$/;

/** Formats a value as one text: keys sorted. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

/** Formats one text or a list of them as a sorted list without repetitions; `false` becomes "false". */
function texts(value: unknown, read: (text: string) => string = (text) => text): unknown {
  if (isRecord(value)) return value;
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return [...new Set(all.map((one) => (isRecord(one) ? canonical(one) : read(String(one)))))].sort();
}

/** Returns the account's number: AWS answers the account's root ARN if its number was given. */
const accountId = (text: string): string => accountRoot.exec(text)?.[1] ?? text;

function principal(value: unknown): unknown {
  if (!isRecord(value)) return texts(value);
  return Object.fromEntries(
    Object.entries(value).map(([type, who]) => [type, texts(who, type === "AWS" ? accountId : undefined)]),
  );
}

function condition(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([test, variables]) => [
      test,
      isRecord(variables)
        ? Object.fromEntries(Object.entries(variables).map(([variable, values]) => [variable, texts(values)]))
        : variables,
    ]),
  );
}

function statement(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (key === "Principal" || key === "NotPrincipal") return [key, principal(member)];
      if (key === "Condition") return [key, condition(member)];
      if (/^(Not)?(Action|Resource)$/.test(key)) return [key, texts(member)];
      return [key, member];
    }),
  );
}

/** Returns a policy as one text that is the same for all spellings. Throws SyntaxError if it is not JSON. */
export function canonicalPolicy(policy: string): string {
  const document: unknown = JSON.parse(policy);
  if (!isRecord(document)) return canonical(document);
  const { Statement: held, ...rest } = document;
  const all: readonly unknown[] = Array.isArray(held) ? held : held === undefined ? [] : [held];
  return `${canonical(rest)} ${all
    .map((one) => canonical(statement(one)))
    .sort()
    .join(" ")}`;
}

function same(canonicalise: (text: string) => string, one: string, other: string): boolean {
  if (one === other) return true;
  try {
    return canonicalise(one) === canonicalise(other);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/**
 * Tells whether two policies mean the same. Equal are: any order of keys, statements, actions, resources, principals
 * and values; a list of one and a text; a list of one statement and an object; an account's number and its root's ARN;
 * `false` and "false".
 */
export const samePolicy = (one: string, other: string): boolean => same(canonicalPolicy, one, other);

/** Tells whether two JSON texts have the same value, for any order of keys. */
export const sameJson = (one: string, other: string): boolean =>
  same((value) => canonical(JSON.parse(value)), one, other);
