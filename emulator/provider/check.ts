/** Checks inputs: fills in tags, region, defaults and names, and refuses properties that the provider does not translate. */
import { randomBytes } from "node:crypto";
import type { Fields, Kind, Property } from "./properties.ts";
import type { Failure, ResourceType } from "./resource.ts";
import type { TagRules } from "./tags.ts";
import { allTags } from "./tags.ts";
import { defaultsKey, isAsset, isRecord, unknown } from "./values.ts";
import type { Value, Values } from "./values.ts";

/** Context of Check, in addition to the inputs. */
export interface CheckContext {
  /** The resource's name in the program. */
  readonly name: string;
  /** The provider's region. */
  readonly region: string;
  readonly tags: TagRules;
  /** The engine's random bytes for this resource; empty if it gave none. */
  readonly seed: Uint8Array;
}

/** Number of random characters at the end of a generated name (the bridge of the official provider). */
const randomLength = 7;

/**
 * Checks new inputs, and fills in the values that the program leaves to the provider. `olds` are the inputs of the last
 * run.
 */
export function checkInputs(
  { fields }: Pick<ResourceType, "fields">,
  olds: Values,
  news: Values,
  context: CheckContext,
): { inputs: Values; failures: readonly Failure[] } {
  const failures: Failure[] = [];
  const given = present(news);
  if ("tagsAll" in fields) given["tagsAll"] = allTags(context.tags, given["tags"]);
  if ("region" in fields) given["region"] ??= context.region;
  const named = { ...given };
  const property = autoNamed(fields);
  if (property !== undefined) named[property] ??= nameOf(property, fields, olds, context, failures);
  const inputs = fill(fields, named, "", failures);
  inputs[defaultsKey] = Object.keys(inputs)
    .filter((key) => !(key in given))
    .sort();
  return { inputs, failures };
}

/** Returns the inputs without nulls and without the list of defaults of an earlier Check. */
function present(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([key, value]) => value !== null && key !== defaultsKey));
}

/** Fills in a block's properties with defaults, and checks each against its kind and its rules. */
function fill(fields: Fields, given: Values, prefix: string, failures: Failure[]): Values {
  const filled: Values = {};
  for (const [key, value] of Object.entries(present(given))) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field === undefined) {
      const reason =
        `"${prefix}${key}" is not translated by the emulator's provider, so it would be lost: ` +
        `leave it out here, or deploy to AWS with the official provider, which supports it`;
      failures.push({ property: `${prefix}${key}`, reason });
    } else {
      filled[key] = checkValue(field, value, `${prefix}${key}`, failures);
    }
  }
  for (const [key, field] of Object.entries(fields)) {
    const property = `${prefix}${key}`;
    if (key in filled) {
      const reason = brokenRule(field, property, filled[key], filled);
      if (reason !== undefined) failures.push({ property, reason });
    } else if (field.default !== undefined) {
      filled[key] = field.default;
    } else if (field.required === true) {
      failures.push({ property, reason: `"${property}" is required but missing` });
    }
  }
  return filled;
}

/** Returns the reason if a property, or its combination with the others of its object, breaks a rule. */
function brokenRule(rules: Property, property: string, value: unknown, siblings: Values): string | undefined {
  const { matches: [form, description] = [], min = -Infinity, conflictsWith = [], requires } = rules;
  const other = conflictsWith.find((name) => name in siblings);
  if (other !== undefined) return `"${property}" cannot be combined with "${other}": leave one of them out`;
  if (requires !== undefined && !(requires in siblings)) return `"${requires}" is required with "${property}"`;
  if (typeof value === "string" && value !== unknown && form?.test(value) === false) {
    return `"${property}" is ${value}, but must be ${description}`;
  }
  return typeof value === "number" && value < min ? `"${property}" must be at least ${min}, got ${value}` : undefined;
}

const isText = (value: unknown): boolean => typeof value === "string";

type KindTest = readonly [description: string, accepts: (value: unknown) => boolean];

/** A description of each kind's values, and the test for them. */
const kinds: Readonly<Record<Kind, KindTest>> = {
  asset: ["an asset (new pulumi.asset.FileAsset(…) or StringAsset(…))", isAsset],
  block: ["an object", isRecord],
  boolean: ["true or false", (value) => typeof value === "boolean"],
  decimal: ["a number as text", (value) => isText(value) && !Number.isNaN(Number(value))],
  json: ["JSON text", isJson],
  list: ["a list", Array.isArray],
  map: ["an object of strings", (value) => isRecord(value) && Object.values(value).every(isText)],
  number: ["a number", (value) => typeof value === "number"],
  policy: ["a policy, as JSON text or as an object", (value) => isRecord(value) || isJson(value)],
  set: ["a list", Array.isArray],
  string: ["a string", isText],
};

function checkValue(property: Property, value: Value, path: string, failures: Failure[]): Value {
  if (value === unknown) return value;
  const [description, accepts] = kinds[property.kind];
  if (!accepts(value)) {
    const got = Array.isArray(value) ? "a list" : isRecord(value) ? "an object" : JSON.stringify(value);
    failures.push({ property: path, reason: `"${path}" must be ${description}, got ${got}` });
    return value;
  }
  const { item } = property;
  if (Array.isArray(value) && item !== undefined) {
    return value.map((one, index) => checkValue(item, one, `${path}[${index}]`, failures));
  }
  if (!isRecord(value)) return value;
  if (property.kind === "block") return fill(property.fields ?? {}, value, `${path}.`, failures);
  if (property.kind !== "policy") return value;
  const text = JSON.stringify(value);
  return text.includes(unknown) ? unknown : text;
}

function isJson(value: unknown): boolean {
  if (typeof value !== "string") return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return value === "" || value.includes(unknown);
  }
}

/** Generates the name that the program leaves out; one that was generated in an earlier run is kept. */
function nameOf(
  property: string,
  fields: Fields,
  olds: Values,
  { name, seed }: CheckContext,
  failures: Failure[],
): Value {
  const old = olds[property];
  if (isDefaulted(olds, property) && typeof old === "string" && old !== "") return old;
  const { max = Infinity, prefix = "", random = true, lowerCase = false } = fields[property]?.autoName ?? {};
  const bytes = seed.length > 0 ? seed : randomBytes(randomLength);
  const made = random ? `${name}-${Buffer.from(bytes).toString("hex").slice(0, randomLength)}` : name;
  if (made.length > max) {
    const reason = `name '${name}' plus ${randomLength} random chars is longer than maximum length ${max}: give the resource a shorter name, or set "${property}"`;
    failures.push({ property, reason });
  }
  return `${prefix}${lowerCase ? made.toLowerCase() : made}`;
}

/** Returns the property of a type that is named automatically, if it has one. */
export function autoNamed(fields: Fields): string | undefined {
  return Object.keys(fields).find((name) => fields[name]?.autoName !== undefined);
}

/** Tells whether Check has filled in the value of a property of checked inputs. */
export function isDefaulted(inputs: Values, property: string): boolean {
  const marks = inputs[defaultsKey];
  return Array.isArray(marks) && marks.includes(property);
}
