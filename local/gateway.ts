/** The one URL of the local AWS: reads a request's service from its signature, serves it or passes it on to MiniStack. */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Clock } from "../simulator/clock.ts";
import { Proxy } from "./proxy.ts";
import type { WireService } from "./wire/dispatch.ts";
import type { WireRequest, WireResponse } from "./wire/protocol.ts";

/** Where the local AWS listens unless told otherwise; LocalStack's and MiniStack's, so tools often guess it. */
export const defaultPort = 4566;

export interface GatewayOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** MiniStack's own port. */
  readonly upstreamPort: number;
  /** SigV4 names of the services that MiniStack serves. */
  readonly upstreamServices: readonly string[];
  readonly clock: Clock;
  readonly region: string;
  readonly accountId: string;
  /** By the name of their API model. */
  readonly services: ReadonlyMap<string, WireService>;
  /** What `/_local/status` shows. */
  readonly status: () => object;
}

export interface Gateway {
  readonly url: string;
  readonly port: number;
  /** Ends all connections at once. */
  stop(): Promise<void>;
}

/** The gateway cannot listen. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
}

// SigV4 names of the services that MiniStack never sees.
const ownScopes: Readonly<Record<string, string>> = {
  sagemaker: "sagemaker",
  "application-autoscaling": "application-autoscaling",
  monitoring: "cloudwatch",
};

// Above the largest body that any operation of the own services takes (InvokeEndpointAsync's inline Body: 128,000 bytes; PutMetricData: 1 MB).
const bodyLimit = 4 * 1024 * 1024;

/** Starts the gateway on 127.0.0.1. Throws GatewayError if the port is taken. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const proxy = new Proxy(options.upstreamPort);
  const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 });
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    response.sendDate = false;
    void answer(request, response, options, proxy);
  };
  server.on("request", serve);
  server.on("checkContinue", serve);
  await listen(server, options.port);
  const address = server.address();
  if (address === null || typeof address === "string") throw new GatewayError("The gateway has no TCP port.");
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    async stop(): Promise<void> {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      proxy.close();
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EADDRINUSE" || code === "EACCES") {
      const why = code === "EADDRINUSE" ? "is taken by another process" : "needs privileges";
      throw new GatewayError(`Port ${port} on 127.0.0.1 ${why}. Choose another one with --port.`, { cause: error });
    }
    throw error;
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: GatewayOptions,
  proxy: Proxy,
): Promise<void> {
  const stamp = () => ({ date: new Date(options.clock.now()).toUTCString() });
  try {
    // Host is of no interest here; the base only makes a path a URL.
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (url.pathname === "/_local/health" || url.pathname === "/_local/status") {
      const document = url.pathname === "/_local/health" ? { status: "ok" } : options.status();
      response.writeHead(200, { "content-type": "application/json", ...stamp() });
      response.end(JSON.stringify(document));
      return;
    }
    const scope = scopeOf(request, url);
    // Without a signature it can only be for S3 or a queue's URL.
    if (scope === undefined || options.upstreamServices.includes(scope.service)) {
      proxy.forward(request, response, stamp);
      return;
    }
    const requestId = randomUUID();
    // Own services take small bodies: no need to let the client wait. For the others MiniStack says when to go on.
    if (request.headers.expect !== undefined) response.writeContinue();
    const reply = await serveOwn(request, url, scope, options, requestId);
    const body = Buffer.from(reply.body);
    response.writeHead(reply.status, {
      ...reply.headers,
      "content-length": body.byteLength,
      "x-amzn-requestid": requestId,
      ...stamp(),
    });
    response.end(body);
  } catch (error) {
    console.error("The gateway failed at a request:", error);
    if (!response.headersSent) response.writeHead(500, stamp());
    response.end();
  }
}

async function serveOwn(
  request: IncomingMessage,
  url: URL,
  target: Scope,
  options: GatewayOptions,
  requestId: string,
): Promise<WireResponse> {
  const model = ownScopes[target.service];
  if (model !== undefined && target.region !== options.region) {
    return refuse(
      request,
      400,
      "InvalidSignatureException",
      `The local AWS serves ${target.service} in ${options.region}; the request was signed for ${target.region}.`,
    );
  }
  // Control plane and runtime share a signing name; on AWS their host names differ.
  const isRuntime = model === "sagemaker" && url.pathname.startsWith("/endpoints/");
  const service = model === undefined ? undefined : options.services.get(isRuntime ? "sagemaker-runtime" : model);
  if (service === undefined) {
    return refuse(request, 501, "NotImplementedException", `The local AWS does not implement ${target.service}.`);
  }
  const body = await readBody(request);
  if (body === undefined) {
    return refuse(request, 413, "RequestEntityTooLargeException", `A request body may have ${bodyLimit} bytes here.`);
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(", ") : (value ?? ""),
    ]),
  );
  const wireRequest: WireRequest = { method: request.method ?? "GET", url, headers, body };
  return await service.handle(wireRequest, {
    region: options.region,
    accountId: options.accountId,
    requestId,
    now: new Date(options.clock.now()),
  });
}

/** An error that clients of any protocol find their way in: those of JSON and REST by header and body, those of query by XML. */
function refuse(request: IncomingMessage, status: number, code: string, message: string): WireResponse {
  if (request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true) {
    const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
    return { status, headers: { "content-type": "text/xml" }, body: `<ErrorResponse>${error}</ErrorResponse>` };
  }
  return {
    status,
    headers: { "content-type": "application/json", "x-amzn-errortype": code },
    body: JSON.stringify({ __type: code, message }),
  };
}

interface Scope {
  readonly service: string;
  readonly region: string;
}

/** SigV4's credential scope: key/date/region/service/aws4_request, from the header or, presigned, the query string. */
function scopeOf(request: IncomingMessage, url: URL): Scope | undefined {
  const credential =
    /Credential=([^,\s]+)/.exec(request.headers.authorization ?? "")?.[1] ?? url.searchParams.get("X-Amz-Credential");
  // The key may hold slashes; the other parts do not.
  const parts = credential?.split("/").slice(-4);
  if (parts?.length !== 4) return undefined;
  const [, region = "", service = ""] = parts;
  return { region, service };
}

/** The whole body, unpacked; undefined if it is larger than the limit. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > bodyLimit) return undefined;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (request.headers["content-encoding"] !== "gzip") return body;
  try {
    return await promisify(gunzip)(body, { maxOutputLength: bodyLimit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return undefined;
    throw error;
  }
}
