/** AWS's query protocol: form fields in, XML out; older clients and CLIs still use it for CloudWatch. */

import type { ApiModel } from "./model.ts";
import type { Protocol, WireRequest, WireResponse } from "./protocol.ts";
import { AwsError } from "./service.ts";
import { decode, encode, isRecord, jsonFormat, scalarFromText } from "./values.ts";
import type { DocumentFormat } from "./values.ts";
import { escapeXml, xml } from "./xml.ts";

/** Values as `treeOf` returns them and `xml` takes them. */
const queryFormat: DocumentFormat = {
  ...jsonFormat,
  membersFrom: recordOf,
  itemsFrom: (raw) => numbered(recordOf(raw)["member"] ?? raw),
  entriesFrom(raw) {
    const entries = numbered(recordOf(raw)["entry"] ?? raw).map(recordOf);
    return entries.flatMap(({ key, value }) => (typeof key === "string" ? [[key, value] as const] : []));
  },
  scalarFrom: (raw, type) => scalarFromText(typeof raw === "string" ? raw : "", type),
  unexpected: (raw, type) =>
    new AwsError("MalformedInput", `'${typeof raw === "string" ? raw : ""}' is not of the type ${type}.`),
  itemsTo: (items) => ({ member: items }),
  entriesTo: (entries) => ({ entry: entries.map(([key, value]) => ({ key, value })) }),
  timestampTo: (value) => value.toISOString(),
};

/** Returns the query protocol of a service. */
export function queryProtocol(model: ApiModel): Protocol {
  const namespace = escapeXml(model.metadata.xmlNamespace ?? "");
  const respond = (status: number, root: string, content: object): WireResponse => ({
    status,
    headers: { "content-type": "text/xml" },
    body: `<?xml version="1.0"?><${root} xmlns="${namespace}">${xml(content)}</${root}>`,
  });
  return {
    operationOf: (request) => fieldsOf(request)?.get("Action") ?? undefined,
    read(operation, request) {
      if (operation.input === undefined) return {};
      const root = treeOf(fieldsOf(request) ?? new URLSearchParams());
      return decode(model, operation.input.shape, root, queryFormat) as Record<string, unknown>;
    },
    write({ name, output: shape }, output, requestId) {
      const { resultWrapper = `${name}Result` } = shape ?? {};
      const result = shape === undefined ? {} : { [resultWrapper]: encode(model, shape.shape, output, queryFormat) };
      return respond(200, `${name}Response`, { ...result, ResponseMetadata: { RequestId: requestId } });
    },
    refuse({ error, shape, fault, queryCode, status }, requestId) {
      const members = shape === undefined ? {} : (encode(model, shape.name, error.members, queryFormat) as object);
      const details = { Type: fault, Code: queryCode, Message: error.message, ...members };
      return respond(status, "ErrorResponse", { Error: details, RequestId: requestId });
    },
  };
}

function fieldsOf(request: WireRequest): URLSearchParams | undefined {
  if (request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true) {
    return new URLSearchParams(Buffer.from(request.body).toString("utf8"));
  }
  return request.url.searchParams.has("Action") ? request.url.searchParams : undefined;
}

interface Tree {
  [part: string]: Tree | string;
}

/** Returns the fields by the parts of their names: `A.member.1=x` is `{ A: { member: { 1: "x" } } }`. */
function treeOf(fields: URLSearchParams): Tree {
  // Without a prototype, so that any part is a plain name.
  const root = Object.create(null) as Tree;
  for (const [key, text] of fields) {
    const parts = key.split(".");
    const last = parts.pop() ?? "";
    let node = root;
    for (const part of parts) {
      const found = node[part];
      const child = typeof found === "object" ? found : (Object.create(null) as Tree);
      node[part] = child;
      node = child;
    }
    if (typeof node[last] !== "object") node[last] = text;
  }
  return root;
}

function recordOf(raw: unknown): Readonly<Record<string, unknown>> {
  return isRecord(raw) ? raw : {};
}

/** Returns the children in the order of their numbers: `.2` comes before `.10`, for any order in the request. */
function numbered(raw: unknown): unknown[] {
  return Object.entries(recordOf(raw))
    .filter(([key]) => /^\d+$/.test(key))
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, child]) => child);
}
