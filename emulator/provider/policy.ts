/** Compares IAM policies, and JSON texts, by meaning. */
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "./values.ts";

const accountRoot = /^arn:aws[\w-]*:iam::(\d{12}):root$/;

/**
 * Returns a part of a policy in the form that is the same for all spellings: a value is a sorted list of texts without
 * repetitions, an object has sorted keys. AWS answers the account's root ARN if a principal is the account's number.
 */
function canonical(value: unknown, key?: string): unknown {
  if (isRecord(value)) {
    const names = Object.keys(value).sort();
    const held = (name: string): unknown => (name === "Statement" ? [value[name]].flat() : value[name]);
    return Object.fromEntries(names.map((name) => [name, canonical(held(name), name)]));
  }
  const texts = [value].flat().map((one: unknown) => {
    if (isRecord(one)) return JSON.stringify(canonical(one));
    return key === "AWS" ? String(one).replace(accountRoot, "$1") : String(one);
  });
  return [...new Set(texts)].sort();
}

function same(one: string, other: string, read: (value: unknown) => unknown): boolean {
  if (one === other) return true;
  try {
    return isDeepStrictEqual(read(JSON.parse(one)), read(JSON.parse(other)));
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
export const samePolicy = (one: string, other: string): boolean => same(one, other, canonical);

/** Tells whether two JSON texts have the same value, for any order of keys. */
export const sameJson = (one: string, other: string): boolean => same(one, other, (value) => value);
