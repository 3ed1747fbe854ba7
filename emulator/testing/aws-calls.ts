/** A proxy for an AWS endpoint that forwards every request and records the permission that each needs. */
import { once } from "node:events";
import { createServer, request as send } from "node:http";
import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import type { Credentials } from "../gateway/credentials.ts";
import { resigned } from "./resign.ts";

/** A permission as IAM checks it. */
export interface Call {
  readonly action: string;
  /** The ARN; `*` for actions without a resource. */
  readonly resource: string;
  /** Values of the condition keys of SNS and of S3's conditional writes. */
  readonly context?: Readonly<Record<string, string>>;
}

/** A running recorder. */
export interface Recorder {
  readonly url: string;
  readonly calls: readonly Call[];
  stop(): void;
}

/** The emulator behind the recorder, and the account and region of the resources. */
interface RecordedAws {
  readonly url: string;
  readonly region: string;
  readonly accountId: string;
  readonly credentials: Credentials;
}

/** Records, on a free port of 127.0.0.1, the calls that clients with the emulator's key pair make. */
export async function recordCalls(aws: RecordedAws): Promise<Recorder> {
  const target = new URL(aws.url);
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then(async (body) => {
      calls.push(callOf(request, body.toString("utf8"), aws));
      const { method = "GET", url: path = "/" } = request;
      const signed = await resigned({ method, target: path, headers: request.headers, body }, aws.url, aws.credentials);
      // The body has arrived already.
      const headers = Object.fromEntries(Object.entries(signed).filter(([name]) => name !== "expect"));
      const passed = send({ host: target.hostname, port: target.port, method, path, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      passed.on("error", (error) => response.destroy(error));
      passed.end(body);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const names = z.looseObject({
  EndpointName: z.string().optional(),
  QueueName: z.string().optional(),
  QueueUrl: z.string().optional(),
});

function callOf(request: IncomingMessage, body: string, { region, accountId }: RecordedAws): Call {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const service = /Credential=[^,]*\/([^/,]+)\/aws4_request/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  if (service === "s3") return s3Call(request.method ?? "GET", url, request.headers);
  const arn = (resource: string): string => `arn:aws:${service}:${region}:${accountId}:${resource}`;
  const invoked = /^\/endpoints\/([^/]+)\/async-invocations$/.exec(url.pathname)?.[1];
  if (invoked !== undefined) {
    return { action: "sagemaker:InvokeEndpointAsync", resource: arn(`endpoint/${invoked}`) };
  }
  const query = new URLSearchParams(body);
  const target = request.headers["x-amz-target"];
  const operation =
    (typeof target === "string" ? target.split(".").at(-1) : undefined) ??
    /\/operation\/(\w+)$/.exec(url.pathname)?.[1] ??
    query.get("Action") ??
    "";
  const prefix = service === "monitoring" ? "cloudwatch" : service;
  // SQS's batches need the permissions of their single calls.
  const action = `${prefix}:${operation.replace(/Batch$/, "")}`;
  if (service === "sns") {
    const context = { "sns:Protocol": query.get("Protocol") ?? "", "sns:Endpoint": query.get("Endpoint") ?? "" };
    return { action, resource: query.get("TopicArn") ?? "*", context };
  }
  if (action === "sqs:ListQueues") return { action, resource: "*" };
  const { EndpointName, QueueName, QueueUrl } = names.parse(target === undefined ? {} : JSON.parse(body));
  if (service === "sqs") return { action, resource: arn(QueueName ?? QueueUrl?.split("/").at(-1) ?? "") };
  if (service === "sagemaker") return { action, resource: arn(`endpoint/${EndpointName ?? ""}`) };
  return { action, resource: "*" };
}

/** Maps S3's operations to permissions: a HEAD reads, and each step of an upload in parts writes (S3 user guide). */
function s3Call(method: string, url: URL, headers: IncomingMessage["headers"]): Call {
  const [, bucket = "", key = ""] = /^\/([^/]+)\/?(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  const resource = `arn:aws:s3:::${bucket}${key === "" ? "" : `/${key}`}`;
  const has = (name: string): boolean => url.searchParams.has(name);
  if (key === "") {
    if (has("delete")) return { action: "s3:DeleteObject", resource: `${resource}/*` };
    // A bucket's settings: no caller or operator may change any of them, so one name is enough.
    if (method === "PUT") return { action: "s3:PutBucket*", resource };
    if (method === "DELETE") return { action: "s3:DeleteBucket*", resource };
    return { action: has("versions") ? "s3:ListBucketVersions" : "s3:ListBucket", resource };
  }
  switch (method) {
    case "PUT":
    case "POST": {
      const { "if-match": etag, "if-none-match": absent } = headers;
      const context = {
        ...(etag === undefined ? {} : { "s3:if-match": etag }),
        ...(absent === undefined ? {} : { "s3:if-none-match": absent }),
      };
      return { action: "s3:PutObject", resource, context };
    }
    case "DELETE":
      return { action: has("uploadId") ? "s3:AbortMultipartUpload" : "s3:DeleteObject", resource };
    default:
      return { action: has("uploadId") ? "s3:ListMultipartUploadParts" : "s3:GetObject", resource };
  }
}
