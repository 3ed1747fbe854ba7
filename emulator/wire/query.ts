/** AWS's query protocol: form fields in, XML out; older clients and CLIs still use it for CloudWatch. */

import type { ApiModel, Operation, Shape } from "./model.ts";
import { errorMembers, type Protocol, type WireRequest, type WireResponse } from "./protocol.ts";
import { AwsError } from "./service.ts";
import { dateFromText } from "./values.ts";

/** Returns the query protocol of a service. */
export function queryProtocol(model: ApiModel): Protocol {
  const namespace = model.metadata.xmlNamespace ?? "";
  const respond = (status: number, xml: string): WireResponse => ({
    status,
    headers: { "content-type": "text/xml" },
    body: `<?xml version="1.0"?>${xml}`,
  });
  return {
    operationOf: (request) => fieldsOf(request)?.get("Action") ?? undefined,
    read(operation, request) {
      if (operation.input === undefined) return {};
      const root = treeOf(fieldsOf(request) ?? new URLSearchParams());
      return (readNode(model, operation.input.shape, root) ?? {}) as Record<string, unknown>;
    },
    write(operation: Operation, output, requestId): WireResponse {
      const { name } = operation;
      const wrapper = operation.output?.resultWrapper ?? `${name}Result`;
      const result =
        operation.output === undefined ? "" : element(wrapper, writeNode(model, operation.output.shape, output));
      const metadata = element("ResponseMetadata", element("RequestId", escapeXml(requestId)));
      return respond(200, `<${name}Response xmlns="${escapeXml(namespace)}">${result}${metadata}</${name}Response>`);
    },
    refuse(error, requestId): WireResponse {
      const message = element("Message", escapeXml(error.error.message));
      const extra = Object.entries(errorMembers(error))
        .filter(([name]) => name.toLowerCase() !== "message")
        .map(([name, value]) => {
          const ref = error.shape?.definition.members?.[name];
          return ref === undefined ? "" : element(name, writeNode(model, ref.shape, value));
        })
        .join("");
      const body = element(
        "Error",
        `${element("Type", error.fault)}${element("Code", escapeXml(error.queryCode))}${message}${extra}`,
      );
      return respond(
        error.status,
        `<ErrorResponse xmlns="${escapeXml(namespace)}">${body}${element("RequestId", escapeXml(requestId))}</ErrorResponse>`,
      );
    },
  };
}

function fieldsOf(request: WireRequest): URLSearchParams | undefined {
  if (request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true) {
    return new URLSearchParams(Buffer.from(request.body).toString("utf8"));
  }
  return request.url.searchParams.has("Action") ? request.url.searchParams : undefined;
}

interface Node {
  text?: string;
  readonly children: Map<string, Node>;
}

function treeOf(fields: URLSearchParams): Node {
  const root: Node = { children: new Map() };
  for (const [key, text] of fields) {
    let node = root;
    for (const part of key.split(".")) {
      let child = node.children.get(part);
      if (child === undefined) {
        child = { children: new Map() };
        node.children.set(part, child);
      }
      node = child;
    }
    node.text = text;
  }
  return root;
}

function readNode(model: ApiModel, shapeName: string, node: Node): unknown {
  const shape = model.shape(shapeName);
  switch (shape.type) {
    case "structure": {
      const result: Record<string, unknown> = {};
      for (const [name, ref] of Object.entries(shape.members ?? {})) {
        const child = node.children.get(ref.locationName ?? name);
        if (child !== undefined) result[name] = readNode(model, ref.shape, child);
      }
      return result;
    }
    case "list":
      return numbered(node.children.get("member") ?? node).map((item) =>
        readNode(model, shape.member?.shape ?? shapeName, item),
      );
    case "map":
      return readMap(model, shape, node);
    default:
      return readScalar(shape, node.text ?? "");
  }
}

function readMap(model: ApiModel, shape: Shape, node: Node): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const entry of numbered(node.children.get("entry") ?? node)) {
    const key = entry.children.get("key")?.text;
    const value = entry.children.get("value");
    if (key !== undefined && value !== undefined && shape.value !== undefined) {
      result[key] = readNode(model, shape.value.shape, value);
    }
  }
  return result;
}

/** Returns the children in the order of their numbers: `.2` comes before `.10`, for any order in the request. */
function numbered(node: Node): Node[] {
  return [...node.children]
    .filter(([key]) => /^\d+$/.test(key))
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, child]) => child);
}

function readScalar(shape: Shape, text: string): unknown {
  switch (shape.type) {
    case "integer":
    case "long":
    case "float":
    case "double": {
      const number = Number(text);
      const whole = shape.type === "integer" || shape.type === "long";
      if (text.trim() === "" || Number.isNaN(number) || (whole && !Number.isInteger(number))) {
        throw new AwsError("MalformedInput", `'${text}' is not ${whole ? "an integer" : "a number"}.`);
      }
      return number;
    }
    case "boolean":
      if (text !== "true" && text !== "false") throw new AwsError("MalformedInput", `'${text}' is not a boolean.`);
      return text === "true";
    case "timestamp": {
      const date = dateFromText(text);
      if (Number.isNaN(date.getTime())) throw new AwsError("MalformedInput", `'${text}' is not a timestamp.`);
      return date;
    }
    case "blob":
      return Buffer.from(text, "base64");
    default:
      return text;
  }
}

function writeNode(model: ApiModel, shapeName: string, value: unknown): string {
  const shape = model.shape(shapeName);
  switch (shape.type) {
    case "structure":
      return Object.entries(shape.members ?? {})
        .map(([name, ref]) => {
          const member = (value as Readonly<Record<string, unknown>>)[name];
          if (member === undefined || member === null) return "";
          return element(ref.locationName ?? name, writeNode(model, ref.shape, member));
        })
        .join("");
    case "list":
      return (value as readonly unknown[])
        .map((item) => element("member", writeNode(model, shape.member?.shape ?? shapeName, item)))
        .join("");
    case "map":
      return Object.entries(value as Readonly<Record<string, unknown>>)
        .map(([key, item]) => {
          const text = shape.value === undefined ? "" : writeNode(model, shape.value.shape, item);
          return element("entry", `${element("key", escapeXml(key))}${element("value", text)}`);
        })
        .join("");
    case "timestamp":
      return (value as Date).toISOString();
    case "blob":
      return Buffer.from(value as Uint8Array).toString("base64");
    default:
      return escapeXml(String(value));
  }
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

/** Escapes text for XML content. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\r", "&#xD;");
}
