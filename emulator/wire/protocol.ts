/** What AWS's wire protocols have in common: requests and responses as the gateway sees them, and errors resolved against the model. */

import type { ApiModel, Operation, Shape } from "./model.ts";
import { AwsError } from "./service.ts";

/** A request whose body was read whole and, if it was compressed, unpacked. Header names are in lower case. */
export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/** An error with what the model says about it. */
export interface ResolvedError {
  readonly error: AwsError;
  /** The error's shape; absent for common errors, which no model lists. */
  readonly shape: { readonly name: string; readonly definition: Shape } | undefined;
  /** The name that the modern protocols carry. */
  readonly name: string;
  /** The code that the query protocol carries. */
  readonly queryCode: string;
  readonly status: number;
  readonly fault: "Sender" | "Receiver";
}

/** A refusal that no model lists: its name in the modern protocols, its code in the query protocol. */
export interface Refusal {
  readonly name: string;
  readonly queryCode: string;
  readonly message: string;
  readonly status: number;
}

/** One of AWS's protocols, for one service. */
export interface Protocol {
  /** The name of the operation that the request is for; undefined if the request is not of this protocol. */
  operationOf(request: WireRequest): string | undefined;
  /** The operation's input with the types that handlers see. Throws AwsError (SerializationException). */
  read(operation: Operation, request: WireRequest): Record<string, unknown>;
  write(operation: Operation, output: Readonly<Record<string, unknown>>, requestId: string): WireResponse;
  refuse(error: ResolvedError, requestId: string): WireResponse;
}

/** Finds the shape that an error's code or name belongs to, and the code, name and status that go onto the wire. */
export function resolveError(model: ApiModel, error: AwsError): ResolvedError {
  for (const [name, definition] of model.shapes()) {
    if (definition.exception === true && (name === error.code || definition.error?.code === error.code)) {
      const status = definition.error?.httpStatusCode ?? error.status;
      return {
        error,
        shape: { name, definition },
        name,
        queryCode: definition.error?.code ?? name,
        status,
        fault: status < 500 ? "Sender" : "Receiver",
      };
    }
  }
  return {
    error,
    shape: undefined,
    name: error.code,
    queryCode: error.code,
    status: error.status,
    fault: error.status < 500 ? "Sender" : "Receiver",
  };
}

/** A refusal as an error that every protocol can write. */
export function asResolvedError({ name, queryCode, message, status }: Refusal): ResolvedError {
  const error = new AwsError(name, message, status);
  return { error, shape: undefined, name, queryCode, status, fault: status < 500 ? "Sender" : "Receiver" };
}

/** The members of an error's document: its own and its message under the name that the shape gives it. */
export function errorMembers(resolved: ResolvedError): Record<string, unknown> {
  const members = resolved.shape?.definition.members ?? {};
  const messageName = Object.keys(members).find((name) => name.toLowerCase() === "message") ?? "message";
  return { ...resolved.error.members, [messageName]: resolved.error.message };
}
