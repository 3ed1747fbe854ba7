/** What Check does for every type: tags, region, defaults, names, and the refusal of what is not translated. */
import { randomBytes } from "node:crypto";
import type { Fields, Property } from "./properties.ts";
import type { Failure, ResourceType } from "./resource.ts";
import type { TagRules } from "./tags.ts";
import { allTags } from "./tags.ts";
import { asAsset, defaultsKey, hasUnknown, isRecord, unknown, withoutMarks } from "./values.ts";
import type { Value, Values } from "./values.ts";

/** What Check needs beside the inputs. */
export interface CheckContext {
  /** The resource's name in the program. */
  readonly name: string;
  /** The provider's region. */
  readonly region: string;
  readonly tags: TagRules;
  /** The engine's random bytes for this resource; empty if it gave none. */
  readonly seed: Uint8Array;
}

/** How many random characters a made name ends in (the bridge of the official provider). */
const randomLength = 7;

/** Checks new inputs, and fills in what the program left to the provider. `olds` are the inputs of the last run. */
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

/** The inputs without nulls and without the marks of an earlier Check. */
function present(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([key, value]) => value !== null && key !== defaultsKey));
}

/** A block's properties, each checked against its kind, with defaults, and the list of which ones are defaults. */
function fill(fields: Fields, given: Values, prefix: string, failures: Failure[]): Values {
  const filled: Values = {};
  const defaulted: string[] = [];
  for (const [key, value] of Object.entries(present(given))) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field === undefined) {
      const reason =
        `"${prefix}${key}" is not translated by the local AWS's provider, so it would be lost: ` +
        `leave it out here, or deploy to AWS, where the official provider knows it`;
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
        reason: `"${prefix}${key}" is required but the program gives none`,
      });
    }
  }
  filled[defaultsKey] = defaulted;
  return filled;
}

const wanted: Readonly<Record<Property["kind"], string>> = {
  asset: "an asset (new pulumi.asset.FileAsset(…) or StringAsset(…))",
  block: "an object",
  boolean: "true or false",
  decimal: "a number as text",
  json: "JSON text",
  list: "a list",
  map: "an object of texts",
  number: "a number",
  policy: "a policy, as JSON text or as an object",
  set: "a list",
  string: "text",
};

function checkValue(property: Property, value: Value, path: string, failures: Failure[]): Value {
  if (value === unknown) return value;
  const refuse = (): Value => {
    const got = Array.isArray(value) ? "a list" : isRecord(value) ? "an object" : JSON.stringify(value);
    failures.push({ property: path, reason: `"${path}" must be ${wanted[property.kind]}, got ${got}` });
    return value;
  };
  switch (property.kind) {
    case "string":
    case "decimal":
      if (typeof value !== "string") return refuse();
      return property.kind === "decimal" && Number.isNaN(Number(value)) ? refuse() : value;
    case "number":
      return typeof value === "number" ? value : refuse();
    case "boolean":
      return typeof value === "boolean" ? value : refuse();
    case "asset":
      return asAsset(value) === undefined ? refuse() : value;
    case "list":
    case "set": {
      const item = property.item;
      if (!Array.isArray(value) || item === undefined) return refuse();
      return value.map((one, index) => checkValue(item, one, `${path}[${index}]`, failures));
    }
    case "map":
      return isRecord(value) && Object.values(value).every((one) => typeof one === "string") ? value : refuse();
    case "block":
      return isRecord(value) ? fill(property.fields ?? {}, value, `${path}.`, failures) : refuse();
    case "policy":
      if (isRecord(value)) return hasUnknown(value) ? unknown : JSON.stringify(withoutMarks(value));
      return isJson(value) ? value : refuse();
    case "json":
      return isJson(value) ? value : refuse();
  }
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

/** Makes the name that the program left out; one that was made in an earlier run is kept for life. */
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

/** The property of a type that is named automatically, if it has one. */
export function autoNamed(type: ResourceType): string | undefined {
  return Object.entries(type.fields).find(([, field]) => field.autoName !== undefined)?.[0];
}

/** Whether the value of a property of checked inputs was filled in by Check. */
export function isDefaulted(inputs: Values, property: string): boolean {
  const marks = inputs[defaultsKey];
  return Array.isArray(marks) && marks.includes(property);
}

function hex(seed: Uint8Array): string {
  return Buffer.from(seed.length > 0 ? seed : randomBytes(randomLength)).toString("hex");
}
