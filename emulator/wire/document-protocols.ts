/** AWS JSON 1.0/1.1 and Smithy RPC v2 CBOR: one document in, one document out. */

import { cbor } from "@smithy/core/cbor";
import type { ApiModel } from "./model.ts";
import { errorMembers } from "./protocol.ts";
import type { Protocol, ResolvedError, WireResponse } from "./protocol.ts";
import { cborFormat, decode, encode, jsonFormat, parseCbor, parseJson } from "./values.ts";
import type { DocumentFormat } from "./values.ts";

/** Makes AWS JSON: the header `X-Amz-Target` names the operation. */
export function jsonProtocol(model: ApiModel): Protocol {
  const { targetPrefix = "", jsonVersion = "1.1" } = model.metadata;
  const headers = { "content-type": `application/x-amz-json-${jsonVersion}` };
  return documentProtocol(model, {
    operationOf({ headers: { "x-amz-target": target } }) {
      return target?.startsWith(`${targetPrefix}.`) === true ? target.slice(targetPrefix.length + 1) : undefined;
    },
    parse: parseJson,
    format: jsonFormat,
    print: JSON.stringify,
    headers,
    emptyHeaders: headers,
    typeOf: (name) => name,
  });
}

/** Makes Smithy RPC v2 CBOR: the path names the operation. */
export function cborProtocol(model: ApiModel): Protocol {
  const { targetPrefix = "" } = model.metadata;
  const prefix = `/service/${targetPrefix}/operation/`;
  const emptyHeaders = { "smithy-protocol": "rpc-v2-cbor" };
  return documentProtocol(model, {
    operationOf({ headers: { "smithy-protocol": protocol }, url: { pathname } }) {
      return protocol === "rpc-v2-cbor" && pathname.startsWith(prefix) ? pathname.slice(prefix.length) : undefined;
    },
    parse: parseCbor,
    format: cborFormat,
    print: (document) => cbor.serialize(document),
    headers: { ...emptyHeaders, "content-type": "application/cbor" },
    emptyHeaders,
    typeOf: (name) => `com.amazonaws.${model.name}#${name}`,
  });
}

interface DocumentSyntax extends Pick<Protocol, "operationOf"> {
  readonly parse: (body: Uint8Array) => unknown;
  readonly format: DocumentFormat;
  readonly print: (document: unknown) => string | Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Headers of the answer of an operation without output: AWS answers with an empty body. */
  readonly emptyHeaders: Readonly<Record<string, string>>;
  /** Returns the value of the member `__type` for the name of an error. */
  readonly typeOf: (name: string) => string;
}

function documentProtocol(model: ApiModel, syntax: DocumentSyntax): Protocol {
  const { operationOf, parse, format, print, headers, emptyHeaders, typeOf } = syntax;
  return {
    operationOf,
    read({ input }, { body }) {
      return input === undefined ? {} : (decode(model, input.shape, parse(body), format) as Record<string, unknown>);
    },
    write({ output: shape }, output): WireResponse {
      if (shape === undefined) return { status: 200, headers: emptyHeaders, body: "" };
      return { status: 200, headers, body: print(encode(model, shape.shape, output, format)) };
    },
    refuse(error): WireResponse {
      const members = errorMembers(error);
      // Some shapes have no message member but still carry one on the wire.
      const shaped = error.shape === undefined ? {} : (encode(model, error.shape.name, members, format) as object);
      return {
        status: error.status,
        headers: { ...headers, ...queryError(model, error) },
        body: print({ __type: typeOf(error.name), ...members, ...shaped }),
      };
    },
  };
}

/** Services that once used the query protocol send their old codes in a header, by which SDKs name the exception. */
function queryError(model: ApiModel, error: ResolvedError): Record<string, string> {
  if (model.metadata.awsQueryCompatible === undefined) return {};
  return { "x-amzn-query-error": `${error.queryCode};${error.fault}` };
}
