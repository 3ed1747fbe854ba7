/** Converts JSON and CBOR documents to the types that handlers see, and back, by a shape of the API model. */

import { cbor, tag } from "@smithy/core/cbor";
import type { ApiModel, Shape } from "./model.ts";
import { AwsError } from "./service.ts";

/** Parts of a format that JSON, CBOR and the query protocol encode differently. A method returns undefined for a value of another type. */
export interface DocumentFormat {
  /** Returns a structure's members by name. */
  membersFrom(raw: unknown): Readonly<Record<string, unknown>> | undefined;
  itemsFrom(raw: unknown): readonly unknown[] | undefined;
  entriesFrom(raw: unknown): readonly (readonly [string, unknown])[] | undefined;
  scalarFrom(raw: unknown, type: Shape["type"]): unknown;
  /** Makes the error for a value that is not of the shape's type. */
  unexpected(raw: unknown, type: Shape["type"]): AwsError;
  itemsTo(items: readonly unknown[]): unknown;
  entriesTo(entries: readonly (readonly [string, unknown])[]): unknown;
  timestampTo(value: Date): unknown;
  blobTo(value: Uint8Array): unknown;
  numberTo(value: number): unknown;
}

function documentFormat(
  timestampFrom: (raw: unknown) => Date | undefined,
  blobFrom: (raw: unknown) => Uint8Array | undefined,
): Omit<DocumentFormat, "timestampTo" | "blobTo" | "numberTo"> {
  return {
    membersFrom: (raw) => (isRecord(raw) ? raw : undefined),
    itemsFrom: (raw) => (Array.isArray(raw) ? raw : undefined),
    entriesFrom: (raw) => (isRecord(raw) ? Object.entries(raw) : undefined),
    scalarFrom(raw, type) {
      switch (type) {
        case "integer":
        case "long": {
          const number = typeof raw === "bigint" ? Number(raw) : raw;
          return Number.isInteger(number) ? number : undefined;
        }
        case "float":
        case "double": {
          const number = typeof raw === "bigint" || isNonFiniteName(raw) ? Number(raw) : raw;
          return typeof number === "number" ? number : undefined;
        }
        case "boolean":
          return typeof raw === "boolean" ? raw : undefined;
        case "timestamp":
          return validDate(timestampFrom(raw));
        case "blob":
          return blobFrom(raw);
        default:
          return typeof raw === "string" ? raw : undefined;
      }
    },
    unexpected,
    itemsTo: (items) => items,
    entriesTo: Object.fromEntries,
  };
}

/** AWS JSON 1.0 and 1.1 and the documents of rest-json: epoch seconds and base64. */
export const jsonFormat: DocumentFormat = {
  ...documentFormat(
    (raw) => {
      if (typeof raw === "number") return new Date(raw * 1000);
      return typeof raw === "string" ? dateFromText(raw) : undefined;
    },
    (raw) => (typeof raw === "string" ? Buffer.from(raw, "base64") : undefined),
  ),
  timestampTo: (value) => value.getTime() / 1000,
  blobTo: (value) => Buffer.from(value).toString("base64"),
  numberTo: (value) => (Number.isFinite(value) ? value : String(value)),
};

/** Smithy RPC v2 CBOR: tag 1 with seconds, and byte strings. */
export const cborFormat: DocumentFormat = {
  ...documentFormat(
    (raw) => (isRecord(raw) && Number(raw["tag"]) === 1 ? new Date(Number(raw["value"]) * 1000) : undefined),
    (raw) => (raw instanceof Uint8Array ? raw : undefined),
  ),
  timestampTo: (value) => tag({ tag: 1, value: value.getTime() / 1000 }),
  blobTo: (value) => value,
  numberTo: (value) => value,
};

/** Makes the parser of a body. */
function parser(name: string, parse: (body: Uint8Array) => unknown) {
  return (body: Uint8Array): unknown => {
    try {
      return body.byteLength === 0 ? {} : parse(body);
    } catch {
      throw new AwsError("SerializationException", `The request body is not valid ${name}.`);
    }
  };
}

/**
 * Decodes a CBOR body; `{}` when it is empty.
 * @throws {AwsError} SerializationException
 */
export const parseCbor = parser("CBOR", (body) => cbor.deserialize(body) as unknown);

/**
 * Decodes a JSON body; `{}` when it is empty.
 * @throws {AwsError} SerializationException
 */
export const parseJson = parser("JSON", (body) => JSON.parse(Buffer.from(body).toString("utf8")) as unknown);

/**
 * Converts a document's value to the shape's type. Unknown members and nulls are left out, as in AWS.
 * @throws the format's error if a value is not of the shape's type
 */
export function decode(model: ApiModel, shapeName: string, raw: unknown, format: DocumentFormat): unknown {
  const shape = model.shape(shapeName);
  switch (shape.type) {
    case "structure": {
      const source = format.membersFrom(raw);
      if (source === undefined) throw format.unexpected(raw, shape.type);
      const members = Object.entries(shape.members ?? {}).flatMap(([name, ref]) => {
        const member = source[ref.locationName ?? name];
        return isAbsent(member) ? [] : [[name, decode(model, ref.shape, member, format)] as const];
      });
      return Object.fromEntries(members);
    }
    case "list": {
      const items = format.itemsFrom(raw);
      const { member } = shape;
      if (items === undefined || member === undefined) throw format.unexpected(raw, shape.type);
      return items.filter((item) => !isAbsent(item)).map((item) => decode(model, member.shape, item, format));
    }
    case "map": {
      const entries = format.entriesFrom(raw);
      const { value } = shape;
      if (entries === undefined || value === undefined) throw format.unexpected(raw, shape.type);
      const present = entries.filter(([, item]) => !isAbsent(item));
      return Object.fromEntries(present.map(([key, item]) => [key, decode(model, value.shape, item, format)]));
    }
    default: {
      const value = format.scalarFrom(raw, shape.type);
      if (value === undefined) throw format.unexpected(raw, shape.type);
      return value;
    }
  }
}

/** Converts a handler's value to a document; only members that the model knows are written. */
export function encode(model: ApiModel, shapeName: string, value: unknown, format: DocumentFormat): unknown {
  const shape = model.shape(shapeName);
  switch (shape.type) {
    case "structure": {
      const source = value as Readonly<Record<string, unknown>>;
      const members = Object.entries(shape.members ?? {}).flatMap(([name, ref]) => {
        const member = source[name];
        return isAbsent(member) ? [] : [[ref.locationName ?? name, encode(model, ref.shape, member, format)] as const];
      });
      return Object.fromEntries(members);
    }
    case "list": {
      const { member } = shape;
      if (member === undefined) return value;
      return format.itemsTo((value as readonly unknown[]).map((item) => encode(model, member.shape, item, format)));
    }
    case "map": {
      const { value: item } = shape;
      if (item === undefined) return value;
      const entries = Object.entries(value as object).filter(([, each]) => each !== undefined);
      return format.entriesTo(entries.map(([key, each]) => [key, encode(model, item.shape, each, format)]));
    }
    case "timestamp":
      return format.timestampTo(value as Date);
    case "blob":
      return format.blobTo(value as Uint8Array);
    case "float":
    case "double":
      return format.numberTo(value as number);
    default:
      return value;
  }
}

/** Converts the text of a header or a form field; undefined if it is not of the type. */
export function scalarFromText(text: string, type: Shape["type"]): unknown {
  switch (type) {
    case "integer":
    case "long":
    case "float":
    case "double": {
      const number = text.trim() === "" ? NaN : Number(text);
      const isWhole = type === "integer" || type === "long";
      return Number.isNaN(number) || (isWhole && !Number.isInteger(number)) ? undefined : number;
    }
    case "boolean":
      return text === "true" || text === "false" ? text === "true" : undefined;
    case "timestamp":
      return validDate(dateFromText(text));
    case "blob":
      return Buffer.from(text, "base64");
    default:
      return text;
  }
}

/** Parses a moment in ISO 8601 or epoch seconds. */
function dateFromText(text: string): Date {
  return /^-?\d+(\.\d+)?$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
}

function validDate(date: Date | undefined): Date | undefined {
  return Number.isNaN(date?.getTime()) ? undefined : date;
}

function unexpected(raw: unknown, type: Shape["type"]): AwsError {
  if (Array.isArray(raw)) return new AwsError("SerializationException", "Start of list found where not expected.");
  if (typeof raw === "object") {
    return new AwsError("SerializationException", "Start of structure or map found where not expected.");
  }
  const found = typeof raw === "boolean" ? (raw ? "TRUE_VALUE" : "FALSE_VALUE") : `${(typeof raw).toUpperCase()}_VALUE`;
  const wanted = type.charAt(0).toUpperCase() + type.slice(1);
  return new AwsError("SerializationException", `${found} can not be converted to ${wanted}`);
}

/** Tells whether a value is an object with members. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

function isNonFiniteName(value: unknown): boolean {
  return value === "NaN" || value === "Infinity" || value === "-Infinity";
}
