/** Check for every type: tags, region, defaults, names, and the refusal of properties that are not translated. */
import { randomBytes } from "node:crypto";
import type { Fields, Property } from "./properties.ts";
import type { Failure, ResourceType } from "./resource.ts";
import type { TagRules } from "./tags.ts";
import { allTags } from "./tags.ts";
import { asAsset, defaultsKey, hasUnknown, isRecord, unknown, withoutMarks } from "./values.ts";
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
  type: ResourceType,
  olds: Values,
  news: Values,
  context: CheckContext,
): { inputs: Values; failures: readonly Failure[] } {
  const failures: Failure[] = [];
  const given = present(news);
  if ("tagsAll" in type.fields) given["tagsAll"] = allTags(context.tags, given["tags"]);
  if ("region" in type.fields) given["region"] ??= context.region;
  const inputs = fill(type.fields, given, "", failures);
  nameIt(type, inputs, olds, context, failures);
  if (failures.length === 0 && type.check !== undefined) failures.push(...type.check(withoutMarks(inputs)));
  return { inputs, failures };
}

/** Returns the inputs without nulls and without the marks of an earlier Check. */
function present(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([key, value]) => value !== null && key !== defaultsKey));
}

/** Fills in a block's properties with defaults, checks each against its kind, and marks the defaults. */
function fill(fields: Fields, given: Values, prefix: string, failures: Failure[]): Values {
  const filled: Values = {};
  const defaulted: string[] = [];
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
    if (key in filled) continue;
    if (field.default !== undefined) {
      filled[key] = field.default;
      defaulted.push(key);
    } else if (field.required === true) {
      failures.push({
        property: `${prefix}${key}`,
        reason: `"${prefix}${key}" is required but missing`,
      });
    }
  }
  filled[defaultsKey] = defaulted;
  return filled;
}

/** Accepted values of each kind, and their description in a refusal. */
const kinds: Readonly<Record<Property["kind"], { wanted: string; accepts: (value: Value) => boolean }>> = {
  asset: {
    wanted: "an asset (new pulumi.asset.FileAsset(…) or StringAsset(…))",
    accepts: (value) => asAsset(value) !== undefined,
  },
  block: { wanted: "an object", accepts: isRecord },
  boolean: { wanted: "true or false", accepts: (value) => typeof value === "boolean" },
  decimal: {
    wanted: "a number as text",
    accepts: (value) => typeof value === "string" && !Number.isNaN(Number(value)),
  },
  json: { wanted: "JSON text", accepts: isJson },
  list: { wanted: "a list", accepts: (value) => Array.isArray(value) },
  map: {
    wanted: "an object of strings",
    accepts: (value) => isRecord(value) && Object.values(value).every((one) => typeof one === "string"),
  },
  number: { wanted: "a number", accepts: (value) => typeof value === "number" },
  policy: {
    wanted: "a policy, as JSON text or as an object",
    accepts: (value) => isRecord(value) || isJson(value),
  },
  set: { wanted: "a list", accepts: (value) => Array.isArray(value) },
  string: { wanted: "a string", accepts: (value) => typeof value === "string" },
};

function checkValue(property: Property, value: Value, path: string, failures: Failure[]): Value {
  if (value === unknown) return value;
  const { wanted, accepts } = kinds[property.kind];
  if (!accepts(value)) {
    const got = Array.isArray(value) ? "a list" : isRecord(value) ? "an object" : JSON.stringify(value);
    failures.push({ property: path, reason: `"${path}" must be ${wanted}, got ${got}` });
    return value;
  }
  const { item } = property;
  if (Array.isArray(value) && item !== undefined) {
    return value.map((one, index) => checkValue(item, one, `${path}[${index}]`, failures));
  }
  if (!isRecord(value)) return value;
  if (property.kind === "block") return fill(property.fields ?? {}, value, `${path}.`, failures);
  if (property.kind !== "policy") return value;
  return hasUnknown(value) ? unknown : JSON.stringify(withoutMarks(value));
}

function isJson(value: Value): value is string {
  if (typeof value !== "string") return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return value === "" || value.includes(unknown);
  }
}

/** Generates the name that the program leaves out; one that was generated in an earlier run is kept. */
function nameIt(type: ResourceType, inputs: Values, olds: Values, context: CheckContext, failures: Failure[]): void {
  const property = autoNamed(type);
  if (property === undefined || property in inputs) return;
  const rule = type.fields[property]?.autoName;
  if (rule === undefined) return;
  const old = olds[property];
  const wasMade = isDefaulted(olds, property);
  if (wasMade && typeof old === "string" && old !== "") {
    inputs[property] = old;
  } else {
    const random = rule.random === false ? "" : `-${hex(context.seed).slice(0, randomLength)}`;
    const made = `${context.name}${random}`;
    if (made.length > rule.max) {
      const reason = `name '${context.name}' plus ${randomLength} random chars is longer than maximum length ${rule.max}: give the resource a shorter name, or set "${property}"`;
      failures.push({ property, reason });
    }
    const suffix = rule.suffixIf !== undefined && inputs[rule.suffixIf] === true ? (rule.suffix ?? "") : "";
    inputs[property] = `${rule.prefix ?? ""}${rule.lowerCase === true ? made.toLowerCase() : made}${suffix}`;
  }
  const marks = inputs[defaultsKey];
  if (Array.isArray(marks)) marks.push(property);
}

/** Returns the property of a type that is named automatically, if it has one. */
export function autoNamed(type: ResourceType): string | undefined {
  return Object.entries(type.fields).find(([, field]) => field.autoName !== undefined)?.[0];
}

/** Tells whether Check has filled in the value of a property of checked inputs. */
export function isDefaulted(inputs: Values, property: string): boolean {
  const marks = inputs[defaultsKey];
  return Array.isArray(marks) && marks.includes(property);
}

function hex(seed: Uint8Array): string {
  return Buffer.from(seed.length > 0 ? seed : randomBytes(randomLength)).toString("hex");
}
