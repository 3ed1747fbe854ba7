/** Values between engine and provider: plain JSON, unknowns, assets, and the `__defaults` marks. */

/** Value of a resource's property. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** The properties of a resource, by name. */
export type Values = Record<string, Value>;

/** Placeholder of a value that a preview cannot know yet (the Pulumi SDK's `UnknownStringValue`). */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The key under which the bridge of the official provider lists the properties whose value is a default. */
export const defaultsKey = "__defaults";

const signatureKey = "4dabf18193072939515e22adb298388d";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";

/** A file, a text or an address that a program passes as an asset. */
export interface Asset {
  readonly hash: string;
  readonly path?: string;
  readonly text?: string;
  readonly uri?: string;
}

/** Tells whether a value is an object (neither null nor a list). */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the asset in a value, or undefined if there is none. */
export function asAsset(value: unknown): Asset | undefined {
  if (!isRecord(value) || value[signatureKey] !== assetSignature) return undefined;
  const text = (key: string): string | undefined => {
    const held = value[key];
    return typeof held === "string" && held !== "" ? held : undefined;
  };
  const [path, uri] = [text("path"), text("uri")];
  return {
    hash: text("hash") ?? "",
    ...(path === undefined ? {} : { path }),
    ...(uri === undefined ? {} : { uri }),
    ...(path === undefined && uri === undefined ? { text: text("text") ?? "" } : {}),
  };
}

/** Tells whether a value contains an unknown. */
export function hasUnknown(value: unknown): boolean {
  if (value === unknown) return true;
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isRecord(value) && Object.values(value).some(hasUnknown);
}

/**
 * Returns a copy that can be sent: undefined members are left out, a Date becomes ISO text. Throws TypeError for values
 * that JSON cannot represent.
 */
export function toValue(value: unknown): Value {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.filter((item) => item !== undefined).map(toValue);
  if (isRecord(value)) return toValues(value);
  throw new TypeError(`A resource's property cannot be a ${typeof value}.`);
}

/** Applies `toValue` to an object. */
export function toValues(record: object): Values {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]: [string, unknown]) =>
      value === undefined ? [] : [[key, toValue(value)]],
    ),
  );
}

/** Returns a copy without the `__defaults` marks, at any depth. */
export function withoutMarks(values: Values): Values {
  const strip = (value: Value): Value => {
    if (Array.isArray(value)) return value.map(strip);
    return typeof value === "object" && value !== null ? withoutMarks(value) : value;
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (key === defaultsKey ? [] : [[key, strip(value)]])),
  );
}
