/** AWS's rest-json: members are in the path, in headers, in the query string and in the body. */

import type { ApiModel, Operation, ShapeRef } from "./model.ts";
import { errorMembers } from "./protocol.ts";
import type { Protocol, WireRequest, WireResponse } from "./protocol.ts";
import { AwsError } from "./service.ts";
import { decode, encode, jsonFormat, parseJson, scalarFromText } from "./values.ts";

/** Returns the rest-json protocol of a service. */
export function restJsonProtocol(model: ApiModel): Protocol {
  const routes = [...model.operations()].map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.http.requestUri.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
  }));
  const routeOf = (request: WireRequest) =>
    routes.find(
      ({ operation, pattern }) => operation.http.method === request.method && pattern.test(request.url.pathname),
    );
  return {
    operationOf: (request) => routeOf(request)?.operation.name,
    read(operation, request) {
      const labels = routeOf(request)?.pattern.exec(request.url.pathname)?.groups ?? {};
      return readBindings(model, operation, request, labels);
    },
    write: (operation, output) => writeBindings(model, operation, output),
    refuse(error): WireResponse {
      const members = errorMembers(error);
      return {
        status: error.status,
        headers: { "content-type": "application/json", "x-amzn-errortype": error.name },
        body: JSON.stringify(
          error.shape === undefined ? members : encode(model, error.shape.name, members, jsonFormat),
        ),
      };
    },
  };
}

function readBindings(
  model: ApiModel,
  operation: Operation,
  request: WireRequest,
  labels: Readonly<Record<string, string>>,
): Record<string, unknown> {
  if (operation.input === undefined) return {};
  const shape = model.shape(operation.input.shape);
  const input: Record<string, unknown> = {};
  const inBody: string[] = [];
  for (const [name, ref] of Object.entries(shape.members ?? {})) {
    const text = boundText(name, ref, request, labels);
    if (text !== undefined) input[name] = fromText(model, ref, text);
    else if (name === shape.payload) {
      if (request.body.byteLength > 0) input[name] = request.body;
    } else if (ref.location === undefined) inBody.push(name);
  }
  if (shape.payload === undefined && inBody.length > 0) {
    Object.assign(input, decode(model, operation.input.shape, parseJson(request.body), jsonFormat));
  }
  return input;
}

function boundText(
  name: string,
  ref: ShapeRef,
  request: WireRequest,
  labels: Readonly<Record<string, string>>,
): string | undefined {
  const wireName = ref.locationName ?? name;
  switch (ref.location) {
    case "header":
      return request.headers[wireName.toLowerCase()];
    case "uri": {
      const label = labels[wireName];
      return label === undefined ? undefined : decodeLabel(label);
    }
    case "querystring":
      return request.url.searchParams.get(wireName) ?? undefined;
    case "headers":
    case "statusCode":
    case undefined:
      return undefined;
  }
}

function decodeLabel(label: string): string {
  try {
    return decodeURIComponent(label);
  } catch {
    throw new AwsError("SerializationException", `The path holds a malformed escape: ${label}`);
  }
}

function fromText(model: ApiModel, ref: ShapeRef, text: string): unknown {
  const { type } = model.shape(ref.shape);
  const value = scalarFromText(text, type);
  if (value === undefined) throw jsonFormat.unexpected(text, type);
  return value;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function writeBindings(model: ApiModel, operation: Operation, output: Readonly<Record<string, unknown>>): WireResponse {
  const headers: Record<string, string> = { "content-type": "application/json" };
  const status = operation.http.responseCode ?? 200;
  if (operation.output === undefined) return { status, headers, body: "" };
  const shape = model.shape(operation.output.shape);
  const inBody: Record<string, unknown> = {};
  for (const [name, ref] of Object.entries(shape.members ?? {})) {
    const value = output[name];
    if (value === undefined || value === null) continue;
    if (ref.location === "header") headers[ref.locationName ?? name] = textOf(value);
    else if (ref.location === undefined) inBody[name] = value;
  }
  if (shape.payload !== undefined) {
    return { status, headers, body: (output[shape.payload] as Uint8Array | undefined) ?? "" };
  }
  return { status, headers, body: JSON.stringify(encode(model, operation.output.shape, inBody, jsonFormat)) };
}
