/** For tests: the skeleton of the servers that stand for AWS's services. */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A request as the server received it. */
export interface FakeRequest {
  /** AWS's name of the operation; undefined if the URL and the method name it, as in a REST service. */
  readonly operation: string | undefined;
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** One HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** Makes the answer to a request; `hang` never answers, and `break` ends the connection without an answer. */
export type Respond = (request: FakeRequest, response: ServerResponse) => Promise<Answer | "hang" | "break"> | Answer;

/** A server on a free port of 127.0.0.1. */
export class FakeAwsServer implements AsyncDisposable {
  readonly #server: Server;

  constructor(respond: Respond) {
    this.#server = createServer((request, response) => {
      void serve(request, response, respond);
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends all connections; new ones are accepted. */
  breakConnections(): void {
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function serve(request: IncomingMessage, response: ServerResponse, respond: Respond): Promise<void> {
  const body = await buffer(request).catch(() => undefined);
  // The caller broke off its upload.
  if (body === undefined) return;
  const { method = "GET", headers } = request;
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const answer = await respond({ operation: operationOf(headers, url, body), method, url, headers, body }, response);
  if (answer === "hang") return;
  if (answer === "break") {
    request.socket.destroy();
    return;
  }
  response.writeHead(answer.status, answer.headers).end(method === "HEAD" ? undefined : answer.body);
}

/** Finds the operation in AWS's protocols: JSON, CBOR and query. */
function operationOf(headers: IncomingMessage["headers"], url: URL, body: Buffer): string | undefined {
  const target = headers["x-amz-target"];
  if (typeof target === "string") return target.split(".")[1];
  const cbor = /\/operation\/(\w+)$/.exec(url.pathname)?.[1];
  if (cbor !== undefined) return cbor;
  if (headers["content-type"] !== "application/x-www-form-urlencoded") return undefined;
  return new URLSearchParams(body.toString()).get("Action") ?? undefined;
}

/** Makes a JSON service's answer. */
export function json(body: object, status = 200): Answer {
  return { status, headers: { "content-type": "application/x-amz-json-1.1" }, body: JSON.stringify(body) };
}

/** Makes the answer of a service that uses XML. */
export function xml(body: string, status = 200): Answer {
  return { status, headers: { "content-type": "application/xml" }, body };
}

/** Makes an error answer in JSON, in S3's XML, or in the XML of a query service. */
export function errorAnswer(format: "json" | "s3" | "query", status: number, code: string, message = code): Answer {
  if (format === "json") return json({ __type: code, message }, status);
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
  return xml(format === "s3" ? error : `<ErrorResponse>${error}</ErrorResponse>`, status);
}

/** Makes STS's answer to GetCallerIdentity. */
export function identity(accountId: string, name: string): Answer {
  return xml(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::${accountId}:${name}</Arn><UserId>AIDAEXAMPLE</UserId><Account>${accountId}</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`);
}
