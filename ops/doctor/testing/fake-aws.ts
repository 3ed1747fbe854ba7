/** An HTTP server for tests that speaks the wire formats of the AWS services, and of Pulumi's service, that the doctor calls. */
import type { IncomingMessage } from "node:http";
import { errorAnswer, FakeAwsServer, identity, json, xml } from "../../../lib/testing/fake-aws.ts";
import type { Answer as HttpAnswer, FakeRequest } from "../../../lib/testing/fake-aws.ts";
import { requestLimits } from "../aws-clients.ts";
import type { AwsAccess } from "../aws-clients.ts";

/** An answer: the body of a successful one, in JSON or XML, or an error. */
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

/** Returns a quota as Service Quotas lists it. */
export function quota(name: string, value: number): object {
  return { ServiceCode: "sagemaker", QuotaName: name, QuotaCode: "L-0A1B2C3D", Value: value, Adjustable: true };
}

/** The server. By default its answers cause no finding; tests change single answers. */
export class FakeAws extends FakeAwsServer {
  readonly seen: Seen[] = [];
  /** Headers of answers, by operation. */
  readonly headers = new Map<string, Readonly<Record<string, string>>>();
  readonly answers = new Map<string, Answer | ((body: string) => Answer)>([
    ["GetCallerIdentity", String(identity(accountId, "user/deployer").body)],
    ["ListServiceQuotas", { Quotas: [quota("ml.g4dn.xlarge for endpoint usage", 8)] }],
    ["ListAWSDefaultServiceQuotas", { Quotas: [] }],
    ["BatchGetImage", { images: [{ imageManifest: "{}" }], failures: [] }],
    ["ListObjectsV2", `<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>`],
    ["DescribeKey", { KeyMetadata: { KeyId: "1a2b", KeyState: "Enabled" } }],
    ["DescribeEndpoint", new Refusal(400, "ValidationException", 'Could not find endpoint "it".')],
    ["DescribeLogGroups", { logGroups: [] }],
    ["/api/user", { githubLogin: "someone" }],
  ]);

  constructor() {
    super((request) => {
      const { url, headers } = request;
      const operation = request.operation ?? restOperationOf(request);
      const body = request.body.toString();
      this.seen.push({ operation, path: `${url.pathname}${url.search}`, headers, body });
      const answer = wire(operation, this.#answer(operation, body));
      return { ...answer, headers: { ...answer.headers, ...this.headers.get(operation) } };
    });
  }

  #answer(operation: string, body: string): Answer {
    const answer = this.answers.get(operation) ?? new Refusal(501, "NotImplemented");
    return typeof answer === "function" ? (answer as (body: string) => Answer)(body) : answer;
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
}

/** Starts a separate server on a free port of 127.0.0.1. */
export async function startFakeAws(): Promise<FakeAws> {
  return await new FakeAws().listen();
}

/** Names a request of S3 or of Pulumi's service. */
function restOperationOf({ url }: FakeRequest): string {
  if (url.searchParams.get("list-type") === "2") return "ListObjectsV2";
  return url.searchParams.get("x-id") === "GetObject" ? "GetObject" : url.pathname;
}

function wire(operation: string, answer: Answer): HttpAnswer {
  const isQuery = operation === "GetCallerIdentity";
  const isS3 = ["ListObjectsV2", "GetObject"].includes(operation);
  if (answer instanceof Refusal) {
    const { status, code, message } = answer;
    return errorAnswer(isQuery ? "query" : isS3 ? "s3" : "json", status, code, message);
  }
  if (typeof answer === "string") return xml(answer);
  return json(answer);
}
