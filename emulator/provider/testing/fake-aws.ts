/**
 * For tests: an HTTP server that answers SageMaker's, Application Auto Scaling's and CloudWatch's calls with given
 * answers, and records them.
 */
import { cbor } from "@smithy/core/cbor";
import { FakeAwsServer, identity } from "../../../lib/testing/fake-aws.ts";

/** A recorded call: the operation's name and its input. */
export interface FakeCall {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * Makes the answer to an operation.
 * @throws {FakeAwsError} to refuse
 */
export type Answers = Readonly<Record<string, (input: Readonly<Record<string, unknown>>) => object>>;

/** A refusal with AWS's message. */
export class FakeAwsError extends Error {
  override readonly name = "FakeAwsError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The running server. */
export interface FakeAws {
  readonly endpoint: string;
  /** All calls so far, oldest first. */
  readonly calls: FakeCall[];
  /** Returns the input of the last call of an operation. */
  last(operation: string): Readonly<Record<string, unknown>>;
  stop(): Promise<void>;
}

/** Starts it on a free port of 127.0.0.1. */
export async function startFakeAws(answers: Answers): Promise<FakeAws> {
  const calls: FakeCall[] = [];

  const server = await new FakeAwsServer(({ operation = "", url, body }) => {
    if (operation === "GetCallerIdentity") return identity("000000000000", "root");
    const isCbor = url.pathname.includes("/operation/");
    const type = isCbor ? "application/cbor" : "application/x-amz-json-1.1";
    const headers = { "content-type": type, ...(isCbor ? { "smithy-protocol": "rpc-v2-cbor" } : {}) };
    const write = (status: number, value: object) => ({
      status,
      headers,
      body: isCbor ? cbor.serialize(value) : JSON.stringify(value),
    });
    const input = (isCbor ? cbor.deserialize(body) : JSON.parse(body.toString() || "{}")) as FakeCall["input"];
    calls.push({ operation, input });
    try {
      const answer = answers[operation];
      if (answer === undefined) throw new FakeAwsError("UnknownOperationException", `no answer for ${operation}`);
      return write(200, answer(input));
    } catch (error) {
      const refusal = error instanceof FakeAwsError ? error : new FakeAwsError("ValidationError", String(error));
      return write(400, { __type: refusal.code, message: refusal.message });
    }
  }).listen();
  return {
    endpoint: server.url,
    calls,
    last: (operation) => calls.findLast((one) => one.operation === operation)?.input ?? {},
    stop: () => server[Symbol.asyncDispose](),
  };
}
