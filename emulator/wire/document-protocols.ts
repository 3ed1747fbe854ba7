/** AWS JSON 1.0/1.1 and Smithy RPC v2 CBOR: one document in, one document out. */

import type { ApiModel, Operation } from "./model.ts";
import { errorMembers } from "./protocol.ts";
import type { Protocol, ResolvedError, WireRequest, WireResponse } from "./protocol.ts";
import { cborFormat, decode, encode, jsonFormat, parseCbor, parseJson, writeCbor } from "./values.ts";

/** Makes AWS JSON: the header `X-Amz-Target` names the operation. */
export function jsonProtocol(model: ApiModel): Protocol {
  const { targetPrefix = "", jsonVersion = "1.1" } = model.metadata;
  const contentType = `application/x-amz-json-${jsonVersion}`;
  const respond = (status: number, document: unknown, headers: Record<string, string> = {}): WireResponse => ({
    status,
    headers: { "content-type": contentType, ...headers },
    body: JSON.stringify(document),
  });
  return {
    operationOf(request: WireRequest): string | undefined {
      const target = request.headers["x-amz-target"];
      return target?.startsWith(`${targetPrefix}.`) === true ? target.slice(targetPrefix.length + 1) : undefined;
    },
    read: (operation, request) => readDocument(model, operation, parseJson(request.body), jsonFormat),
    write(operation, output): WireResponse {
      // An operation without output answers with an empty body, as AWS does.
      if (operation.output === undefined) return { status: 200, headers: { "content-type": contentType }, body: "" };
      return respond(200, encode(model, operation.output.shape, output, jsonFormat));
    },
    refuse: (error) =>
      respond(
        error.status,
        { __type: error.name, ...errorDocument(model, error, jsonFormat) },
        queryError(model, error),
      ),
  };
}

/** Makes Smithy RPC v2 CBOR: the path names the operation. */
export function cborProtocol(model: ApiModel): Protocol {
  const { targetPrefix = "" } = model.metadata;
  const prefix = `/service/${targetPrefix}/operation/`;
  const headers = { "smithy-protocol": "rpc-v2-cbor", "content-type": "application/cbor" };
  return {
    operationOf(request: WireRequest): string | undefined {
      const isCbor = request.headers["smithy-protocol"] === "rpc-v2-cbor" && request.url.pathname.startsWith(prefix);
      return isCbor ? request.url.pathname.slice(prefix.length) : undefined;
    },
    read: (operation, request) => readDocument(model, operation, parseCbor(request.body), cborFormat),
    write(operation, output): WireResponse {
      if (operation.output === undefined) {
        return { status: 200, headers: { "smithy-protocol": headers["smithy-protocol"] }, body: "" };
      }
      return { status: 200, headers, body: writeCbor(encode(model, operation.output.shape, output, cborFormat)) };
    },
    refuse: (error) => ({
      status: error.status,
      headers: { ...headers, ...queryError(model, error) },
      body: writeCbor({
        __type: `com.amazonaws.${model.name}#${error.name}`,
        ...errorDocument(model, error, cborFormat),
      }),
    }),
  };
}

function readDocument(
  model: ApiModel,
  operation: Operation,
  document: unknown,
  format: typeof jsonFormat,
): Record<string, unknown> {
  if (operation.input === undefined) return {};
  return decode(model, operation.input.shape, document, format) as Record<string, unknown>;
}

function errorDocument(model: ApiModel, error: ResolvedError, format: typeof jsonFormat): object {
  const members = errorMembers(error);
  if (error.shape === undefined) return members;
  // Some shapes have no message member but still carry one on the wire.
  return { ...members, ...(encode(model, error.shape.name, members, format) as object) };
}

/** Services that once used the query protocol send their old codes in a header, by which SDKs name the exception. */
function queryError(model: ApiModel, error: ResolvedError): Record<string, string> {
  if (model.metadata.awsQueryCompatible === undefined) return {};
  return { "x-amzn-query-error": `${error.queryCode};${error.fault}` };
}
