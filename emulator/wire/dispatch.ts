/**
 * Answers requests for one service: finds protocol and operation, checks the caller's permissions and the input, calls
 * the handler.
 */

import { cborProtocol, jsonProtocol } from "./document-protocols.ts";
import { checkInput } from "./check.ts";
import type { ApiModel } from "./model.ts";
import { asResolvedError, resolveError } from "./protocol.ts";
import type { Protocol, Refusal, WireRequest, WireResponse } from "./protocol.ts";
import { queryProtocol } from "./query.ts";
import { restJsonProtocol } from "./rest-json.ts";
import { AwsError } from "./service.ts";
import type { Authorization, Handler, RequestContext, Service } from "./service.ts";

type AnyHandler = Handler<Record<string, unknown>, object>;

const protocols: Readonly<Record<string, (model: ApiModel) => Protocol>> = {
  "smithy-rpc-v2-cbor": cborProtocol,
  json: jsonProtocol,
  "rest-json": restJsonProtocol,
  query: queryProtocol,
};

/** One service on the wire. */
export class WireService {
  readonly #model: ApiModel;
  readonly #handlers: ReadonlyMap<string, AnyHandler>;
  readonly #protocols: readonly [Protocol, ...Protocol[]];
  readonly #authorize: Authorization;

  /** @throws {Error} if a handler is for an operation that the model does not have, or if no protocol is implemented */
  constructor(model: ApiModel, service: Service, authorize: Authorization) {
    this.#model = model;
    this.#authorize = authorize;
    // The model's check of each input makes the handlers' parameter types true.
    this.#handlers = new Map(Object.entries(service.handlers as unknown as Readonly<Record<string, AnyHandler>>));
    for (const name of this.#handlers.keys()) {
      if (model.operation(name) === undefined) {
        throw new Error(`The service ${service.model} has a handler for ${name}, which its API model does not know.`);
      }
    }
    const [first, ...others] = model.metadata.protocols.flatMap((name) => protocols[name]?.(model) ?? []);
    if (first === undefined) throw new Error(`The emulator implements no protocol of the service ${service.model}.`);
    this.#protocols = [first, ...others];
  }

  /** Handles a request. Never rejects: errors are answers, too. */
  async handle(request: WireRequest, context: RequestContext): Promise<WireResponse> {
    const protocol = this.#protocolOf(request);
    const name = protocol.operationOf(request);
    const { signingName } = this.#model;
    try {
      if (name === undefined) {
        throw new AwsError("UnknownOperationException", "The request names no operation of this service.", 404);
      }
      const operation = this.#model.operation(name);
      if (operation === undefined) {
        throw new AwsError("UnknownOperationException", `${signingName} has no operation ${name}.`, 404);
      }
      const handler = this.#handlers.get(name);
      if (handler === undefined) {
        const message = `The emulator does not implement ${signingName}:${name}.`;
        // SDKs do not retry status 501.
        throw new AwsError("NotImplementedException", message, 501);
      }
      const input = protocol.read(operation, request);
      // Before the input is checked: a caller without permissions learns nothing else. Source: Application Auto Scaling
      // user guide, "Permissions validation for API calls on target resources", which tells permissions from invalid
      // parameters by CloudWatch's answer.
      await this.#authorize(name, input, context);
      if (operation.input !== undefined) checkInput(this.#model, operation.input.shape, input);
      return protocol.write(operation, { ...(await handler(input, context)) }, context.requestId);
    } catch (error) {
      return protocol.refuse(resolveError(this.#model, this.#awsError(error, name ?? "")), context.requestId);
    }
  }

  /** Returns a refusal in the protocol of the request, before anything of it is read. */
  refuse(request: WireRequest, refusal: Refusal, requestId: string): WireResponse {
    return this.#protocolOf(request).refuse(asResolvedError(refusal), requestId);
  }

  /** Returns the protocol of the request, or the first one if it is none of this service. */
  #protocolOf(request: WireRequest): Protocol {
    return this.#protocols.find((protocol) => protocol.operationOf(request) !== undefined) ?? this.#protocols[0];
  }

  #awsError(error: unknown, operation: string): AwsError {
    if (error instanceof AwsError) {
      // The check uses one code for all services; those whose model has ValidationError (runtime, CloudWatch) rename
      // it.
      const hasError = (code: string) => this.#model.exception(code) !== undefined;
      if (error.code === "ValidationException" && !hasError("ValidationException") && hasError("ValidationError")) {
        return new AwsError("ValidationError", error.message, error.status, error.members);
      }
      return error;
    }
    console.error(`${this.#model.signingName}:${operation} failed:`, error);
    const message = error instanceof Error ? error.message : String(error);
    return new AwsError("InternalFailure", `The emulator failed at ${operation}: ${message}`, 500);
  }
}
