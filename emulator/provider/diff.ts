/** Compares AWS's state with the program's inputs, property by property. */
import { sameJson, samePolicy } from "./policy.ts";
import type { Fields, Property } from "./properties.ts";
import { isAsset, isRecord, unknown } from "./values.ts";

/** Kind of a property's change. */
export type ChangeKind = "add" | "delete" | "update";

/** A property that changed. */
export interface Change {
  /** Path in the engine's notation: `productionVariants[0].initialInstanceCount`. */
  readonly path: string;
  /** The resource's property that contains it. */
  readonly root: string;
  readonly kind: ChangeKind;
  /** True if the resource must be replaced. */
  readonly replaces: boolean;
}

/**
 * Tells whether a value is one of Terraform's zero values: the same as a missing value for a property that has neither
 * a default nor a value from AWS.
 */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === false || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isRecord(value) && Object.values(value).every(isEmpty);
}

type Found = Omit<Change, "root">;

function kindOf(before: unknown, after: unknown): ChangeKind {
  if (before === undefined || before === null) return "add";
  return after === undefined || after === null ? "delete" : "update";
}

function sameScalar(property: Property, before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (isAsset(before) && isAsset(after)) return before.hash === after.hash;
  if (typeof before !== "string" || typeof after !== "string") return false;
  if (property.same?.(before, after) === true) return true;
  switch (property.kind) {
    case "policy":
      return samePolicy(before, after);
    case "json":
      return sameJson(before, after);
    case "decimal":
      return before.trim() !== "" && after.trim() !== "" && Number(before) === Number(after);
    default:
      return false;
  }
}

function compareLists(property: Property, before: unknown[], after: unknown[], whole: Found): Found[] {
  const { item = { kind: "string" }, kind } = property;
  if (before.length !== after.length) return [whole];
  const olds = kind === "set" ? inOrderOf(item, after, before) : before;
  const found = after.flatMap((value, index) =>
    compare(item, olds[index], value, `${whole.path}[${index}]`, whole.replaces),
  );
  return kind === "set" && found.length > 0 ? [whole] : found;
}

function compareMaps(before: Record<string, unknown>, after: Record<string, unknown>, whole: Found): Found[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys
    .filter((key) => before[key] !== after[key])
    .map((key) => ({
      ...whole,
      path: /^\w+$/.test(key) ? `${whole.path}.${key}` : `${whole.path}[${JSON.stringify(key)}]`,
      kind: kindOf(before[key], after[key]),
    }));
}

function compare(property: Property, before: unknown, after: unknown, path: string, within: boolean): Found[] {
  const replaces = property.forceNew === true || within;
  const whole: Found = { path, kind: kindOf(before, after), replaces };
  if ((isEmpty(before) && isEmpty(after)) || (property.computed === true && whole.kind === "delete")) return [];
  if (after === unknown || whole.kind !== "update") return [whole];
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(property, before, after, whole);
  if (property.kind === "block" && isRecord(before) && isRecord(after)) {
    return Object.entries(property.fields ?? {}).flatMap(([name, field]) =>
      compare(field, before[name], after[name], `${path}.${name}`, replaces),
    );
  }
  if (property.kind === "map" && isRecord(before) && isRecord(after)) return compareMaps(before, after, whole);
  return sameScalar(property, before, after) ? [] : [whole];
}

/** Returns the changes from the state `before` to the wanted inputs `after`; an unknown is a change. */
export function changes(
  fields: Fields,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
): readonly Change[] {
  return Object.entries(fields).flatMap(([root, field]) =>
    compare(field, before[root], after[root], root, false).map((found) => ({ ...found, root })),
  );
}

/**
 * Returns AWS's answer (`read`) in the program's spelling (`written`) if both mean the same: the text of a policy, the
 * order of a set, an empty value or none.
 */
export function reconcile(property: Property, written: unknown, read: unknown): unknown {
  if (isEmpty(written) && isEmpty(read)) return written ?? read;
  if (written === undefined || written === null || read === undefined || read === null) return read;
  if (Array.isArray(written) && Array.isArray(read)) {
    const item = property.item ?? { kind: "string" };
    const answers: unknown[] = property.kind === "set" ? inOrderOf(item, written, read) : read;
    return answers.map((value, index) => reconcile(item, written[index], value));
  }
  if (property.kind === "block" && isRecord(written) && isRecord(read)) {
    const fields = property.fields ?? {};
    return Object.fromEntries(
      [...new Set([...Object.keys(written), ...Object.keys(read)])]
        .filter((name) => name in fields)
        .map((name) => [
          name,
          name in read ? reconcile(fields[name] ?? property, written[name], read[name]) : written[name],
        ]),
    );
  }
  return compare(property, read, written, "", false).length === 0 ? written : read;
}

/** Returns the members of a set in the program's order, followed by those that it does not have. */
function inOrderOf(item: Property, written: readonly unknown[], read: readonly unknown[]): unknown[] {
  const left = [...read];
  const known = written.flatMap((value) => {
    const match = left.findIndex((candidate) => compare(item, candidate, value, "", false).length === 0);
    return match < 0 ? [] : left.splice(match, 1);
  });
  return [...known, ...left];
}
