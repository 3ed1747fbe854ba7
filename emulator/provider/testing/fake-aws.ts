/**
 * For tests: an HTTP server that answers SageMaker's, Application Auto Scaling's and CloudWatch's calls with given
 * answers, and records them.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { cbor } from "@smithy/core/cbor";

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

const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::000000000000:root</Arn><UserId>000000000000</UserId><Account>000000000000</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>`;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** Starts it on a free port of 127.0.0.1. */
export async function startFakeAws(answers: Answers): Promise<FakeAws> {
  const calls: FakeCall[] = [];

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const cborOperation = /\/operation\/(\w+)$/.exec(request.url ?? "")?.[1];
    const operation = cborOperation ?? String(request.headers["x-amz-target"] ?? "").split(".")[1];
    if (operation === undefined) {
      response.writeHead(200, { "content-type": "text/xml" }).end(identity);
      return;
    }
    const isCbor = cborOperation !== undefined;
    const type = isCbor ? "application/cbor" : "application/x-amz-json-1.1";
    const write = (value: object): Uint8Array | string => (isCbor ? cbor.serialize(value) : JSON.stringify(value));
    const headers = { "content-type": type, ...(isCbor ? { "smithy-protocol": "rpc-v2-cbor" } : {}) };
    const input = (isCbor ? cbor.deserialize(body) : JSON.parse(body.toString() || "{}")) as FakeCall["input"];
    calls.push({ operation, input });
    try {
      const answer = answers[operation];
      if (answer === undefined) throw new FakeAwsError("UnknownOperationException", `no answer for ${operation}`);
      const output = write(answer(input));
      response.writeHead(200, headers).end(output);
    } catch (error) {
      const refusal = error instanceof FakeAwsError ? error : new FakeAwsError("ValidationError", String(error));
      response.writeHead(400, headers).end(write({ __type: refusal.code, message: refusal.message }));
    }
  }

  const server = createServer((request, response) => {
    void serve(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    last: (operation) => calls.findLast((one) => one.operation === operation)?.input ?? {},
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
