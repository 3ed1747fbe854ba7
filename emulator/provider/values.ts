/** Values between engine and provider: plain JSON, unknowns, assets, and the list of defaults. */

/** Value of a resource's property. */
export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

/** The properties of a resource, by name. */
export type Values = Record<string, Value>;

/** Placeholder of a value that a preview cannot know yet (the Pulumi SDK's `UnknownStringValue`). */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The key of the inputs that lists the properties whose value is a default, as in the official provider. */
export const defaultsKey = "__defaults";

const signatureKey = "4dabf18193072939515e22adb298388d";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";

/** A file, a text or an address that a program passes as an asset. An empty member is the same as a missing one. */
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

/** Tells whether a value is an asset. */
export function isAsset(value: unknown): value is Asset {
  return isRecord(value) && value[signatureKey] === assetSignature;
}

/** Returns a copy that can be sent: undefined members are left out, a Date becomes ISO text. */
export function toValues(record: object): Values {
  return JSON.parse(JSON.stringify(record)) as Values;
}

/** Returns the properties of checked inputs, without the list of defaults. */
export function withoutMarks(inputs: Values): Values {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => key !== defaultsKey));
}
