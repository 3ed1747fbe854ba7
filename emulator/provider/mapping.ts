/**
 * The only mapping between a resource's properties (Pulumi's camelCase) and the members of AWS's calls. The SDK's
 * schemas have the members of a call and their content; a row names a member only if the names differ by more than case
 * or a final s.
 */
import type { NormalizedSchema } from "@smithy/core/schema";
import { inputOf } from "./clients.ts";
import type { ServiceName } from "./clients.ts";
import type { Fields, Property } from "./properties.ts";
import { mapField, stringField } from "./properties.ts";
import { isRecord } from "./values.ts";

/** Members of a call's input or answer, by AWS's names. */
export type Members = Record<string, unknown>;

/** Properties by name, of a checked resource or a part of it. */
export type Properties = Readonly<Record<string, unknown>>;

const literal = stringField();

/** Properties of calls that have tags. */
export const tagFields = { Tags: mapField({ member: ["Tags", "Tagging.TagSet", "TagSet"] }) };

/** Returns the input of a call about one resource: its key, properties, and `Tags`. */
export function inputFor(
  { service, fields }: { readonly service: ServiceName; readonly fields: Fields },
  operation: string,
  values: Properties,
): Members {
  return toMembers({ ...fields, ...tagFields }, values, inputOf(service, operation));
}

/**
 * Returns the members of a call's input. A property that the call does not have is left out; a name that is not a
 * property is AWS's.
 * @param shape the call's input, or the structure of a block
 */
export function toMembers(fields: Fields, values: Properties, shape: NormalizedSchema): Members {
  const members: Members = {};
  for (const name of new Set([...Object.keys(values), ...Object.keys(fields)])) {
    const field = fields[name] ?? literal;
    const value = values[name] ?? (typeof field.whenUnset === "function" ? field.whenUnset() : field.whenUnset);
    if (field.local === true || value === undefined || (field.omitZero === true && value === 0)) continue;
    const path = locate(name, field, shape);
    if (path !== undefined) put(members, path.names, toMember(field, value, path.shape));
  }
  return members;
}

/**
 * Returns the member of a call, or of a block's structure, for a property; SNS and SQS keep most properties in a map of
 * attributes.
 */
export function locate(name: string, field: Property, shape: NormalizedSchema): Path | undefined {
  const paths = pathsOf(name, field);
  const attributes = paths.map((names) => ["Attributes", attributeName(names)]);
  return [...paths, ...attributes].flatMap((names) => findPath(shape, names) ?? [])[0];
}

/** Returns a property's name as an attribute. */
export function attributeOf(name: string, field: Property): string {
  return attributeName(pathsOf(name, field)[0] ?? [name]);
}

const attributeName = (path: readonly string[]): string => {
  const name = path.at(-1) ?? "";
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
};

function pathsOf(name: string, { member = name }: Property): string[][] {
  return [member].flat().map((path) => path.split("."));
}

interface Path {
  readonly names: readonly string[];
  readonly shape: NormalizedSchema;
}

/** Returns the members of a path, in AWS's spelling, and the schema of the last one. */
function findPath(shape: NormalizedSchema, names: readonly string[]): Path | undefined {
  let path: Path = { names: [], shape };
  for (const name of names) {
    if (path.shape.isMapSchema()) {
      path = { names: [...path.names, name], shape: path.shape.getValueSchema() };
      continue;
    }
    const found = path.shape.isStructSchema() ? bestName([...path.shape.structIterator()], name) : undefined;
    if (found === undefined) return undefined;
    path = { names: [...path.names, found[0]], shape: found[1] };
  }
  return path;
}

/** Returns the entry whose name is `name` except for case, or for a final s of one of them. */
function bestName<T>(entries: readonly (readonly [string, T])[], name: string): readonly [string, T] | undefined {
  const wanted = name.toLowerCase();
  const spellings = [wanted, wanted.replace(/s$/, ""), `${wanted}s`];
  return spellings
    .map((spelling) => entries.find(([member]) => member.toLowerCase() === spelling))
    .find((found) => found !== undefined);
}

function put(members: Members, names: readonly string[], value: unknown): void {
  const [first = "", ...rest] = names;
  if (rest.length === 0) {
    members[first] = value;
  } else {
    const inner = isRecord(members[first]) ? members[first] : {};
    put(inner, rest, value);
    members[first] = inner;
  }
}

function toMember(field: Property, value: unknown, shape: NormalizedSchema): unknown {
  if (shape.isListSchema()) {
    const entry = shape.getValueSchema();
    if (field.kind === "map" && isRecord(value)) return toPairs(value, entry);
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.map((one) => toMember(Array.isArray(value) ? (field.item ?? literal) : field, one, entry));
  }
  // Terraform's lists of up to one block, some of which are lists in Pulumi, are structures in AWS.
  if (Array.isArray(value)) return toMember(field.item ?? literal, value[0], shape);
  if (shape.isStructSchema()) {
    // A structure without members is a switch.
    if (field.kind === "boolean") return value === true ? {} : undefined;
    return isRecord(value) ? toMembers(field.fields ?? {}, value, shape) : value;
  }
  if (field.kind === "decimal") return value === "" ? undefined : Number(value);
  return shape.isStringSchema() ? toText(value) : value;
}

/** Formats a value as text, as SNS and SQS store numbers and booleans. */
export const toText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Makes a list of names and values, the form of tags and dimensions in most of AWS's services. */
function toPairs(values: Properties, entry: NormalizedSchema): Members[] {
  const [key = "Key", held = "Value"] = [...entry.structIterator()].map(([name]) => name);
  return Object.entries(values).map(([name, value]) => ({ [key]: name, [held]: value }));
}

/**
 * Returns the properties in an answer, all others undefined; a default replaces a member that AWS leaves out. Lists of
 * names and values, single blocks, numbers and booleans as text, and URL-encoded policies get the form that a program
 * writes.
 */
export function fromMembers(fields: Fields, answer: Members): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (field.local === true) continue;
    const found = pathsOf(name, field)
      .map((names) => memberAt(answer, names))
      .find((one) => one !== undefined);
    values[name] = fromMember(field, found) ?? field.default;
  }
  return values;
}

/** Returns the member at a path; undefined if there is none. A list in the path stands for its first member. */
export function memberAt(answer: unknown, names: readonly string[]): unknown {
  const [first, ...rest] = names;
  if (first === undefined) return answer;
  const members: unknown = Array.isArray(answer) ? answer[0] : answer;
  return isRecord(members) ? memberAt(bestName(Object.entries(members), first)?.[1], rest) : undefined;
}

function fromMember(field: Property, value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  switch (field.kind) {
    case "list":
    case "set":
      return (Array.isArray(value) ? value : [value]).map((one: unknown) => fromMember(field.item ?? literal, one));
    case "block": {
      const members: unknown = Array.isArray(value) ? value[0] : value;
      return isRecord(members) ? fromMembers(field.fields ?? {}, members) : undefined;
    }
    case "map":
      return Array.isArray(value) ? fromPairs(value) : value;
    case "boolean":
      if (typeof value === "string") return value === "" ? undefined : value.toLowerCase() === "true";
      return isRecord(value) || value;
    case "number":
      return value === "" ? undefined : Number(value);
    case "decimal":
      return toText(value);
    case "policy":
      return typeof value === "string" && value.startsWith("%") ? decodeURIComponent(value) : value;
    default:
      return value;
  }
}

/** Reverses {@link toPairs}: the first of two members is the name. */
function fromPairs(pairs: readonly unknown[]): Properties {
  return Object.fromEntries(
    pairs.filter(isRecord).map((pair) => {
      const [, name] = Object.entries(pair).find(([key]) => /(key|name)$/i.test(key)) ?? [];
      const [, value] = Object.entries(pair).find(([key]) => /value$/i.test(key)) ?? [];
      return [String(name), value ?? ""];
    }),
  );
}
