/** Converts JSON and CBOR documents to the types that handlers see, and back, by a shape of the API model. */

import { cbor, tag } from "@smithy/core/cbor";
import type { ApiModel } from "./model.ts";
import { AwsError } from "./service.ts";

/** Parts of a document format that JSON and CBOR encode differently. */
export interface DocumentFormat {
  timestampFrom(raw: unknown): Date | undefined;
  timestampTo(value: Date): unknown;
  blobFrom(raw: unknown): Uint8Array | undefined;
  blobTo(value: Uint8Array): unknown;
}

/** AWS JSON 1.0 and 1.1 and the documents of rest-json: epoch seconds and base64. */
export const jsonFormat: DocumentFormat = {
  timestampFrom(raw) {
    if (typeof raw === "number") return new Date(raw * 1000);
    return typeof raw === "string" ? dateFromText(raw) : undefined;
  },
  timestampTo: (value) => value.getTime() / 1000,
  blobFrom: (raw) => (typeof raw === "string" ? Buffer.from(raw, "base64") : undefined),
  blobTo: (value) => Buffer.from(value).toString("base64"),
};

/** Smithy RPC v2 CBOR: tag 1 with seconds, and byte strings. */
export const cborFormat: DocumentFormat = {
  timestampFrom(raw) {
    if (!isRecord(raw) || Number(raw["tag"]) !== 1) return undefined;
    return new Date(Number(raw["value"]) * 1000);
  },
  timestampTo: (value) => tag({ tag: 1, value: value.getTime() / 1000 }),
  blobFrom: (raw) => (raw instanceof Uint8Array ? raw : undefined),
  blobTo: (value) => value,
};

/** Decodes a CBOR body; `{}` when it is empty. Throws SerializationException. */
export function parseCbor(body: Uint8Array): unknown {
  if (body.byteLength === 0) return {};
  try {
    const parsed: unknown = cbor.deserialize(body);
    return parsed;
  } catch {
    throw new AwsError("SerializationException", "The request body is not valid CBOR.");
  }
}

/** Encodes a document from `encode` as CBOR. */
export function writeCbor(document: unknown): Uint8Array {
  return cbor.serialize(document);
}

/** Decodes a JSON body; `{}` when it is empty. Throws SerializationException. */
export function parseJson(body: Uint8Array): unknown {
  if (body.byteLength === 0) return {};
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    throw new AwsError("SerializationException", "The request body is not valid JSON.");
  }
}

/**
 * Converts a document's value to the shape's type. Unknown members and nulls are left out, as in AWS. Throws
 * SerializationException if a value is not of the shape's type.
 */
export function decode(model: ApiModel, shapeName: string, raw: unknown, format: DocumentFormat): unknown {
  const shape = model.shape(shapeName);
  switch (shape.type) {
    case "structure": {
      if (!isRecord(raw)) throw unexpected(raw, "Structure");
      const result: Record<string, unknown> = {};
      for (const [name, ref] of Object.entries(shape.members ?? {})) {
        const member = raw[ref.locationName ?? name];
        if (member !== undefined && member !== null) result[name] = decode(model, ref.shape, member, format);
      }
      return result;
    }
    case "list": {
      const { member } = shape;
      if (!Array.isArray(raw) || member === undefined) throw unexpected(raw, "List");
      return raw
        .filter((item) => item !== null && item !== undefined)
        .map((item) => decode(model, member.shape, item, format));
    }
    case "map": {
      const { value } = shape;
      if (!isRecord(raw) || value === undefined) throw unexpected(raw, "Map");
      const entries = Object.entries(raw).filter(([, item]) => item !== null && item !== undefined);
      return Object.fromEntries(entries.map(([key, item]) => [key, decode(model, value.shape, item, format)]));
    }
    case "string":
    case "character":
      if (typeof raw !== "string") throw unexpected(raw, "String");
      return raw;
    case "integer":
    case "long": {
      const number = typeof raw === "bigint" ? Number(raw) : raw;
      if (typeof number !== "number" || !Number.isInteger(number)) {
        throw unexpected(raw, shape.type === "integer" ? "Integer" : "Long");
      }
      return number;
    }
    case "float":
    case "double": {
      const number = typeof raw === "bigint" || isNonFiniteName(raw) ? Number(raw) : raw;
      if (typeof number !== "number") throw unexpected(raw, shape.type === "float" ? "Float" : "Double");
      return number;
    }
    case "boolean":
      if (typeof raw !== "boolean") throw unexpected(raw, "Boolean");
      return raw;
    case "timestamp": {
      const date = format.timestampFrom(raw);
      if (date === undefined || Number.isNaN(date.getTime())) throw unexpected(raw, "Timestamp");
      return date;
    }
    case "blob": {
      const bytes = format.blobFrom(raw);
      if (bytes === undefined) throw unexpected(raw, "Blob");
      return bytes;
    }
  }
}

/** Converts a handler's value to a document; only members that the model knows are written. */
export function encode(model: ApiModel, shapeName: string, value: unknown, format: DocumentFormat): unknown {
  const shape = model.shape(shapeName);
  switch (shape.type) {
    case "structure": {
      const source = value as Readonly<Record<string, unknown>>;
      const result: Record<string, unknown> = {};
      for (const [name, ref] of Object.entries(shape.members ?? {})) {
        const member = source[name];
        if (member !== undefined && member !== null) {
          result[ref.locationName ?? name] = encode(model, ref.shape, member, format);
        }
      }
      return result;
    }
    case "list": {
      const { member } = shape;
      if (member === undefined) return value;
      return (value as readonly unknown[]).map((item) => encode(model, member.shape, item, format));
    }
    case "map": {
      const { value: item } = shape;
      if (item === undefined) return value;
      const entries = Object.entries(value as object).filter(([, each]) => each !== undefined);
      return Object.fromEntries(entries.map(([key, each]) => [key, encode(model, item.shape, each, format)]));
    }
    case "timestamp":
      return format.timestampTo(value as Date);
    case "blob":
      return format.blobTo(value as Uint8Array);
    case "float":
    case "double":
      return format === jsonFormat && !Number.isFinite(value) ? String(value) : value;
    case "string":
    case "character":
    case "integer":
    case "long":
    case "boolean":
      return value;
  }
}

/** Parses a moment in ISO 8601 or epoch seconds. */
export function dateFromText(text: string): Date {
  return /^-?\d+(\.\d+)?$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
}

function unexpected(raw: unknown, wanted: string): AwsError {
  if (Array.isArray(raw)) return new AwsError("SerializationException", "Start of list found where not expected.");
  if (typeof raw === "object") {
    return new AwsError("SerializationException", "Start of structure or map found where not expected.");
  }
  const found = typeof raw === "boolean" ? (raw ? "TRUE_VALUE" : "FALSE_VALUE") : `${(typeof raw).toUpperCase()}_VALUE`;
  return new AwsError("SerializationException", `${found} can not be converted to ${wanted}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function isNonFiniteName(value: unknown): boolean {
  return value === "NaN" || value === "Infinity" || value === "-Infinity";
}
