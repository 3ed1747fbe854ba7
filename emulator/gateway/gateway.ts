/**
 * The emulator's only URL: authenticates the caller, reads the service from the signature, and serves it or forwards
 * the request to MiniStack.
 */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Clock } from "../core/clock.ts";
import { anonymousBucket, anonymousRefusal, anonymousSignature, refusePages } from "./anonymous.ts";
import { readBody, tooLarge, unpacked } from "./body.ts";
import type { Credentials } from "./credentials.ts";
import { corsHeaders } from "./cors.ts";
import type { CorsRule } from "./cors.ts";
import { KnownKeys } from "./known-keys.ts";
import { localPage, unsignedPage } from "./local-pages.ts";
import type { LocalPagesOptions } from "./local-pages.ts";
import { checkHost, ForeignRequestError, isFromPage } from "./origin.ts";
import type { Addressed } from "./origin.ts";
import type { Launcher } from "../iam/launcher-client.ts";
import type { ServerSocket } from "../processes/sockets.ts";
import { Proxy } from "./proxy.ts";
import { refuse, signatureRefusal } from "./refusal.ts";
import { firstSegment, isBucket, s3Target } from "./s3-target.ts";
import { isPresignedV2, verifyPresignedV2 } from "./signature-v2.ts";
import { StackDate } from "./stack-date.ts";
import { isUnsignedForm, isWebIdentityCall } from "./web-identity.ts";
import { readSignature, SignatureVerifier, unsigned } from "./signature.ts";
import type { Signature } from "./signature.ts";
import type { WireService } from "../wire/dispatch.ts";
import type { Refusal, WireRequest, WireResponse } from "../wire/protocol.ts";

/** Default port; it is LocalStack's and MiniStack's, so tools often try it. */
export const defaultPort = 4566;

/** Options of the gateway. */
export interface GatewayOptions extends LocalPagesOptions {
  /** Port; 0 takes a free one. */
  readonly port: number;
  /** The administrator's key pair. Signatures with those that IAM and STS have issued are accepted, too. */
  readonly credentials: Credentials;
  readonly launcher: Launcher;
  /** The Unix socket that MiniStack listens on. */
  readonly upstream: ServerSocket;
  /** SigV4 names of the services that MiniStack serves. */
  readonly upstreamServices: readonly string[];
  /** Returns a bucket's CORS configuration; no rules if it has none, or if there is no such bucket. */
  readonly corsRules: (bucket: string) => Promise<readonly CorsRule[]>;
  readonly clock: Clock;
  readonly region: string;
  readonly accountId: string;
  /** Services by the name of their API model. */
  readonly services: ReadonlyMap<string, WireService>;
}

/** A listening gateway. */
export interface Gateway {
  readonly url: string;
  readonly port: number;
  /** Closes all connections at once. */
  stop(): Promise<void>;
}

/** The gateway cannot listen. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
}

// SigV4 names of the services that the gateway serves, with the names of their API models.
const ownScopes: ReadonlyMap<string, string> = new Map([
  ["sagemaker", "sagemaker"],
  ["application-autoscaling", "application-autoscaling"],
  ["monitoring", "cloudwatch"],
]);

// Paths of services other than S3: the root, or the path of a queue's URL.
const servicePath = /^\/(\d{12}\/[\w-]{1,80}(\.fifo)?)?$/;

/**
 * Starts the gateway on 127.0.0.1.
 * @throws {GatewayError} if the port is taken
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const server = createServer({ keepAliveTimeout: 75_000, requestTimeout: 0 });
  await listen(server, options.port);
  const address = server.address();
  if (address === null || typeof address === "string") throw new GatewayError("The gateway has no TCP port.");
  const { port } = address;
  const keys = new KnownKeys(options.credentials, options.launcher);
  const dates = new StackDate(options.clock);
  const parts: Parts = {
    options,
    port,
    proxy: new Proxy(options.upstream, `127.0.0.1:${port}`),
    keys,
    dates,
    verifier: new SignatureVerifier(keys, options.clock, dates),
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    response.sendDate = false;
    void answer(request, response, parts);
  };
  server.on("request", serve);
  server.on("checkContinue", serve);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async stop(): Promise<void> {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
      parts.proxy.close();
    },
  };
}

interface Parts {
  readonly options: GatewayOptions;
  readonly port: number;
  readonly proxy: Proxy;
  readonly keys: KnownKeys;
  readonly dates: StackDate;
  readonly verifier: SignatureVerifier;
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

async function answer(request: IncomingMessage, response: ServerResponse, parts: Parts): Promise<void> {
  const { options } = parts;
  const stamp = () => parts.dates.stamp();
  const requestId = randomUUID();
  const send = (reply: WireResponse): void => {
    const body = Buffer.from(reply.body);
    response.writeHead(reply.status, {
      ...reply.headers,
      "content-length": body.byteLength,
      "x-amzn-requestid": requestId,
      ...stamp(),
    });
    response.end(body);
  };
  try {
    const addressed = checkHost(request.headers, parts.port);
    const [path = "/"] = (request.url ?? "/").split("?", 1);
    const fromPage = isFromPage(request.headers);
    if (fromPage) {
      const cors = await corsOf(request, addressed, path, options);
      response.setHeaders(new Map(Object.entries(cors)));
      if (request.method === "OPTIONS") {
        send({ status: 200, headers: {}, body: "" });
        return;
      }
    }
    const reply =
      (await unsignedPage(path, request, options)) ??
      (await serve(request, response, parts, { addressed, path, fromPage, requestId, stamp }));
    if (reply !== undefined) send(reply);
  } catch (error) {
    if (error instanceof ForeignRequestError) {
      // The connection ends, too: the body of a refused request is not read.
      send({ status: 403, headers: { "content-type": "text/plain", connection: "close" }, body: error.message });
      return;
    }
    console.error("The gateway failed at a request:", error);
    if (!response.headersSent) response.writeHead(500, stamp());
    response.end();
  }
}

interface Arrival {
  readonly addressed: Addressed;
  readonly path: string;
  /** True if a web page makes the request; a bucket's CORS configuration must then allow it. */
  readonly fromPage: boolean;
  readonly requestId: string;
  readonly stamp: () => Readonly<Record<string, string>>;
}

/** Answers a request from this machine; undefined if MiniStack answers it. */
async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { options, verifier, keys, proxy }: Parts,
  { addressed, path, fromPage, requestId, stamp }: Arrival,
): Promise<WireResponse | undefined> {
  const received = { method: request.method ?? "GET", target: request.url ?? "/", headers: request.headers };
  // Clients of proxies send a whole URL, and OPTIONS may have an asterisk.
  if (!received.target.startsWith("/")) return refuse(request, noSuchPath(path));
  if (isUnsignedForm(received)) {
    const body = await readBody(request);
    if (body === undefined) return refuse(request, tooLarge);
    if (!isWebIdentityCall(body)) return refuse(request, { ...signatureRefusal(unsigned), s3Code: undefined });
    proxy.forward(request, response, { target: "/", signature: undefined, stamp, body });
    return undefined;
  }
  let signature: Signature;
  let bodyHash: string | undefined;
  try {
    if (isPresignedV2(received)) {
      const target = s3Target(addressed, path, received.target);
      if (target === undefined) return refuse(request, noSuchPath(path));
      signature = await verifyPresignedV2({ ...received, target }, keys, options.region);
      proxy.forward(request, response, { target, signature, stamp });
      return undefined;
    }
    const open = anonymousBucket(received, addressed, path);
    if (open !== undefined) {
      refusePages(request.headers);
      const refusal = await anonymousRefusal(received, open, options.launcher);
      if (refusal !== undefined) return refuse(request, refusal);
      proxy.forward(request, response, {
        target: received.target,
        signature: anonymousSignature(options.region),
        stamp,
      });
      return undefined;
    }
    signature = readSignature(received);
    if (signature.scope.service === "s3") bodyHash = await verifier.verify(received, signature);
  } catch (error) {
    return refuse(request, signatureRefusal(error));
  }
  const { service } = signature.scope;
  if (service === "s3") {
    const target = s3Target(addressed, path, received.target);
    if (target === undefined) return refuse(request, noSuchPath(path));
    proxy.forward(request, response, { target, signature, stamp, bodyHash });
    return undefined;
  }
  if (fromPage) throw new ForeignRequestError("A bucket's CORS configuration applies only to requests to S3.");
  // No need to let the client wait: all services except S3 have small bodies.
  if (request.headers.expect !== undefined) response.writeContinue();
  const body = await readBody(request);
  if (body === undefined) return refuse(request, tooLarge);
  const own = ownService(service, path, options);
  const wireRequest: WireRequest = {
    method: received.method,
    // Not relative to a base: a path that starts with two slashes would count as a host.
    url: new URL(`http://127.0.0.1${received.target}`),
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(", ")]),
    ),
    body,
  };
  try {
    await verifier.verify(received, signature, body);
  } catch (error) {
    const refusal = signatureRefusal(error);
    return own?.refuse(wireRequest, refusal, requestId) ?? refuse(request, { ...refusal, s3Code: undefined });
  }
  const isAdministrator = signature.accessKeyId === options.credentials.accessKeyId;
  const page = await localPage(path, body, isAdministrator, options);
  if (page !== undefined) return page;
  if (own !== undefined) return await serveOwn(request, wireRequest, own, { signature, options, requestId });
  if (!options.upstreamServices.includes(service)) return refuse(request, notImplemented(service));
  if (addressed.bucket !== undefined || !servicePath.test(path)) return refuse(request, noSuchPath(path));
  proxy.forward(request, response, { target: received.target, signature, stamp, body });
  return undefined;
}

async function serveOwn(
  request: IncomingMessage,
  wireRequest: WireRequest,
  service: WireService,
  { signature, options, requestId }: { signature: Signature; options: GatewayOptions; requestId: string },
): Promise<WireResponse> {
  const { scope } = signature;
  if (scope.region !== options.region) {
    const message = `The emulator serves ${scope.service} in ${options.region}; the request was signed for ${scope.region}.`;
    return refuse(request, {
      name: "InvalidSignatureException",
      queryCode: "SignatureDoesNotMatch",
      message,
      status: 400,
    });
  }
  const body = await unpacked(wireRequest);
  if (body === undefined) return refuse(request, tooLarge);
  // Answering is work: on a slow machine, minutes of a fast clock would pass between a request and its answer's date.
  const release = options.clock.hold();
  const context = {
    region: options.region,
    accountId: options.accountId,
    requestId,
    accessKeyId: signature.accessKeyId,
    now: new Date(options.clock.now()),
  };
  return await service.handle({ ...wireRequest, body }, context).finally(release);
}

/**
 * Returns the headers for a web page, from a bucket's CORS configuration.
 * @throws ForeignRequestError if the request is not for a bucket, or the bucket does not allow it
 */
async function corsOf(
  { method = "GET", headers }: IncomingMessage,
  { bucket = "" }: Addressed,
  path: string,
  { corsRules }: GatewayOptions,
): Promise<Record<string, string>> {
  const name = bucket === "" ? firstSegment(path) : bucket;
  const allowed = isBucket(name) ? corsHeaders(await corsRules(name), method, headers) : undefined;
  if (allowed !== undefined) return allowed;
  throw new ForeignRequestError(
    `The emulator accepts no requests from web pages (Origin: ${headers.origin ?? "none"}), except to a bucket whose CORS configuration allows them.`,
  );
}

/**
 * Returns the service for a request: control plane and runtime of SageMaker share a signing name; on AWS their host
 * names differ.
 */
function ownService(signingName: string, path: string, { services }: GatewayOptions): WireService | undefined {
  const model = ownScopes.get(signingName);
  if (model === undefined) return undefined;
  return services.get(model === "sagemaker" && path.startsWith("/endpoints/") ? "sagemaker-runtime" : model);
}

function noSuchPath(path: string): Refusal {
  const message = `The emulator serves nothing at ${path}.`;
  return { name: "UnknownOperationException", queryCode: "InvalidAction", message, status: 404 };
}

function notImplemented(service: string): Refusal {
  const message = `The emulator does not implement ${service}.`;
  return { name: "NotImplementedException", queryCode: "NotImplementedException", message, status: 501 };
}
