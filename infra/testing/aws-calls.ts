/** Stands before an AWS endpoint, passes every request on, and tells which permission each needed. */
import { once } from "node:events";
import { createServer, request as send, type IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import type { Statement } from "./documents.ts";

/** A permission as IAM asks for it. */
export interface Call {
  readonly action: string;
  /** The ARN; `*` for what takes none. */
  readonly resource: string;
}

/** A recorder at work. */
export interface Recorder {
  readonly url: string;
  readonly calls: readonly Call[];
  stop(): void;
}

/** Where the calls' resources are. */
interface Place {
  readonly region: string;
  readonly accountId: string;
}

/** Starts to record on a free port of 127.0.0.1. */
export async function recordCalls(endpoint: string, place: Place): Promise<Recorder> {
  const target = new URL(endpoint);
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      calls.push(callOf(request, body.toString("utf8"), place));
      const { method, url: path } = request;
      // The body is here already: nothing is left to be waited for.
      const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => name !== "expect"));
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

/** Whether statements allow a call; conditions aside, of which the policies under test have none. */
export function allows(statements: readonly Statement[], { action, resource }: Call): boolean {
  const matches = (pattern: string): boolean => {
    const escaped = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
    return new RegExp(`^${escaped.replaceAll("*", ".*")}$`).test(resource);
  };
  return statements.some(
    ({ Effect, Action, Resource = [] }) => Effect === "Allow" && Action.includes(action) && Resource.some(matches),
  );
}

const names = z.looseObject({
  EndpointName: z.string().optional(),
  QueueName: z.string().optional(),
  QueueUrl: z.string().optional(),
});

function callOf(request: IncomingMessage, body: string, { region, accountId }: Place): Call {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const service = /Credential=[^,]*\/([^/,]+)\/aws4_request/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  if (service === "s3") return s3Call(request.method ?? "GET", url);
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
  // SQS's batches need what their single calls need.
  const action = `${prefix}:${operation.replace(/Batch$/, "")}`;
  if (service === "sns") return { action, resource: query.get("TopicArn") ?? "*" };
  const { EndpointName, QueueName, QueueUrl } = names.parse(target === undefined ? {} : JSON.parse(body));
  if (service === "sqs") return { action, resource: arn(QueueName ?? QueueUrl?.split("/").at(-1) ?? "") };
  if (service === "sagemaker") return { action, resource: arn(`endpoint/${EndpointName ?? ""}`) };
  return { action, resource: "*" };
}

/** S3's operations are not its permissions: a HEAD reads, and each step of an upload in parts writes (S3 user guide). */
function s3Call(method: string, url: URL): Call {
  const [, bucket = "", key = ""] = /^\/([^/]+)\/?(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  const resource = `arn:aws:s3:::${bucket}${key === "" ? "" : `/${key}`}`;
  const has = (name: string): boolean => url.searchParams.has(name);
  if (key === "") {
    if (has("delete")) return { action: "s3:DeleteObject", resource: `${resource}/*` };
    // A bucket's own settings: no caller or operator may change any of them, so one name will do.
    if (method === "PUT") return { action: "s3:PutBucket*", resource };
    if (method === "DELETE") return { action: "s3:DeleteBucket*", resource };
    return { action: has("versions") ? "s3:ListBucketVersions" : "s3:ListBucket", resource };
  }
  switch (method) {
    case "PUT":
    case "POST":
      return { action: "s3:PutObject", resource };
    case "DELETE":
      return { action: has("uploadId") ? "s3:AbortMultipartUpload" : "s3:DeleteObject", resource };
    default:
      return { action: has("uploadId") ? "s3:ListMultipartUploadParts" : "s3:GetObject", resource };
  }
}
