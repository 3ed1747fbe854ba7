/**
 * Common parts of AWS's wire protocols: requests and responses as the gateway sees them, and errors resolved against
 * the model.
 */

import type { ApiModel, Operation, Shape } from "./model.ts";
import { AwsError } from "./service.ts";

/** A request whose body was read completely and, if it was compressed, unpacked. Header names are in lower case. */
export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** An HTTP response. */
export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/** An error with its entry in the model. */
export interface ResolvedError {
  readonly error: AwsError;
  /** The error's shape; absent for common errors, which no model lists. */
  readonly shape: { readonly name: string; readonly definition: Shape } | undefined;
  /** Name in the modern protocols. */
  readonly name: string;
  /** Code in the query protocol. */
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
  /** Returns the name of the request's operation; undefined if the request uses another protocol. */
  operationOf(request: WireRequest): string | undefined;
  /**
   * Decodes the operation's input with the types that handlers see.
   * @throws {AwsError} (SerializationException)
   */
  read(operation: Operation, request: WireRequest): Record<string, unknown>;
  write(operation: Operation, output: Readonly<Record<string, unknown>>, requestId: string): WireResponse;
  refuse(error: ResolvedError, requestId: string): WireResponse;
}

/** Finds the shape for an error's code or name, and the code, name and status for the wire. */
export function resolveError(model: ApiModel, error: AwsError): ResolvedError {
  const shape = model.exception(error.code);
  const name = shape?.name ?? error.code;
  const { code: queryCode = name, httpStatusCode: status = error.status } = shape?.definition.error ?? {};
  return { error, shape, name, queryCode, status, fault: status < 500 ? "Sender" : "Receiver" };
}

/** Makes an error from a refusal, which every protocol can write. */
export function asResolvedError({ name, queryCode, message, status }: Refusal): ResolvedError {
  const error = new AwsError(name, message, status);
  return { error, shape: undefined, name, queryCode, status, fault: status < 500 ? "Sender" : "Receiver" };
}

/** Returns the members of an error's document: its members, and its message under the shape's name for it. */
export function errorMembers(resolved: ResolvedError): Record<string, unknown> {
  const members = resolved.shape?.definition.members ?? {};
  const messageName = Object.keys(members).find((name) => name.toLowerCase() === "message") ?? "message";
  return { ...resolved.error.members, [messageName]: resolved.error.message };
}
