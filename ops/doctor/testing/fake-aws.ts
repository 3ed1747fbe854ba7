/** An HTTP server for tests that speaks the wire formats of the AWS services, and of Pulumi's service, that the doctor calls. */
import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { requestLimits } from "../aws.ts";
import type { AwsAccess } from "../aws.ts";

/** An answer: the body of a successful one, or an error. */
export type Answer = object | string | Refusal;

/** An error in AWS's format. */
export class Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;

  constructor(status: number, code: string, message = `${code}.`) {
    this.status = status;
    this.code = code;
    this.message = message;
  }
}

/** One request that the server received. */
export interface Seen {
  readonly operation: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** AWS's account in the recorded answers. */
export const accountId = "123456789012";

const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::${accountId}:user/deployer</Arn><UserId>AIDAEXAMPLE</UserId><Account>${accountId}</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`;

/** Returns a quota as Service Quotas lists it. */
export function quota(name: string, value: number): object {
  return { ServiceCode: "sagemaker", QuotaName: name, QuotaCode: "L-0A1B2C3D", Value: value, Adjustable: true };
}

/** The server. By default its answers cause no finding; tests change single answers. */
export class FakeAws implements AsyncDisposable {
  readonly seen: Seen[] = [];
  /** Headers of answers, by operation. */
  readonly headers = new Map<string, Readonly<Record<string, string>>>();
  readonly answers = new Map<string, Answer | ((body: string) => Answer)>([
    ["GetCallerIdentity", identity],
    ["ListServiceQuotas", { Quotas: [quota("ml.g4dn.xlarge for endpoint usage", 8)] }],
    ["ListAWSDefaultServiceQuotas", { Quotas: [] }],
    ["BatchGetImage", { images: [{ imageManifest: "{}" }], failures: [] }],
    ["ListObjectsV2", `<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>`],
    ["DescribeKey", { KeyMetadata: { KeyId: "1a2b", KeyState: "Enabled" } }],
    ["DescribeEndpoint", new Refusal(400, "ValidationException", 'Could not find endpoint "it".')],
    ["DescribeLogGroups", { logGroups: [] }],
    ["/api/user", { githubLogin: "someone" }],
  ]);
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const operation = operationOf(request, body);
        this.seen.push({ operation, path: request.url ?? "", headers: request.headers, body });
        const { status, type, content } = wire(operation, this.#answer(operation, body));
        response.writeHead(status, { "content-type": type, ...this.headers.get(operation) }).end(content);
      });
    });
  }

  #answer(operation: string, body: string): Answer {
    const answer = this.answers.get(operation) ?? new Refusal(501, "NotImplemented");
    return typeof answer === "function" ? (answer as (body: string) => Answer)(body) : answer;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Options of the doctor's clients to reach it. */
  get access(): AwsAccess & Required<Pick<AwsAccess, "endpoint" | "credentials">> {
    return {
      region: "us-east-1",
      endpoint: this.url,
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      // One attempt: a test wants to see the first answer.
      maxAttempts: 1,
      requestHandler: requestLimits,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Starts a separate server on a free port of 127.0.0.1. */
export async function startFakeAws(): Promise<FakeAws> {
  const aws = new FakeAws();
  await aws.listen();
  return aws;
}

function operationOf(request: IncomingMessage, body: string): string {
  const target = request.headers["x-amz-target"];
  if (typeof target === "string") return target.split(".")[1] ?? "";
  const url = new URL(request.url ?? "/", "http://server");
  if (url.searchParams.get("list-type") === "2") return "ListObjectsV2";
  if (url.searchParams.get("x-id") === "GetObject") return "GetObject";
  return new URLSearchParams(body).get("Action") ?? url.pathname;
}

function wire(operation: string, answer: Answer): { status: number; type: string; content: string } {
  const isXml = ["GetCallerIdentity", "ListObjectsV2", "GetObject"].includes(operation);
  const type = isXml ? "text/xml" : "application/x-amz-json-1.1";
  if (!(answer instanceof Refusal)) {
    return { status: 200, type, content: typeof answer === "string" ? answer : JSON.stringify(answer) };
  }
  const { status, code, message } = answer;
  const inXml = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  const content = isXml
    ? operation === "GetCallerIdentity"
      ? `<ErrorResponse>${inXml}</ErrorResponse>`
      : inXml
    : JSON.stringify({ __type: code, message });
  return { status, type, content };
}
