/** For tests: a gateway with chosen services, and the settings that an AWS SDK needs to use it. */

import { RealClock } from "../core/real-clock.ts";
import type { Clock } from "../core/clock.ts";
import { Sha256 } from "@smithy/core/checksum";
import { escapeUri, HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { ContainerCredentials } from "../gateway/container-credentials.ts";
import { randomCredentials } from "../gateway/credentials.ts";
import type { Credentials } from "../gateway/credentials.ts";
import { startGateway } from "../gateway/gateway.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Launcher } from "../iam/launcher-client.ts";
import { WireService } from "../wire/dispatch.ts";
import type { Authorization, Service } from "../wire/service.ts";
import { ownModels, testModel } from "./api-models.ts";

export const testRegion = "us-east-1";
export const testAccount = "000000000000";
export const testCredentials = randomCredentials();

/** A launcher that knows no issued credentials, allows everything to those who sign, and has no open bucket. */
export const permissiveLauncher: Launcher = {
  decide: () => Promise.resolve({ allowed: true, message: "" }),
  credentialsOf: () => Promise.resolve({ unknown: "UnrecognizedClientException" }),
  denials: () => Promise.resolve([]),
  isOpen: () => Promise.resolve(false),
};

/** Credentials of containers for a gateway that has none. */
export const noContainers = new ContainerCredentials({
  session: () => Promise.resolve({ unknown: "This gateway has no containers." }),
});

/** Allows every call. */
const allowAll: Authorization = () => Promise.resolve();

/**
 * Serves the services on a free port; others are refused, because there is no MiniStack.
 * @param authorize checks the calls of all services; by default, every call is allowed
 */
export async function startTestGateway(
  services: readonly Service[],
  clock: Clock = new RealClock(),
  authorize: Authorization = allowAll,
): Promise<Gateway> {
  const wired = new Map<string, WireService>();
  for (const service of services) {
    const name = ownModels.find((model) => model === service.model);
    if (name === undefined) throw new Error(`There is no model for ${service.model}.`);
    wired.set(name, new WireService(await testModel(name), service, authorize));
  }
  return await startGateway({
    port: 0,
    credentials: testCredentials,
    launcher: permissiveLauncher,
    containers: noContainers,
    upstream: { path: "/nonexistent/ministack", ready: Promise.resolve() },
    corsRules: () => Promise.resolve([]),
    upstreamServices: ["s3"],
    clock,
    region: testRegion,
    accountId: testAccount,
    services: wired,
    awaitMoment: () => undefined,
    status: () => ({}),
  });
}

/** Returns the configuration of an SDK client. */
export function sdkConfig(
  gateway: Pick<Gateway, "url">,
  credentials: Credentials & { sessionToken?: string } = testCredentials,
) {
  return {
    endpoint: gateway.url,
    region: testRegion,
    credentials,
    // One attempt: a test needs to see the first answer.
    maxAttempts: 1,
  };
}

/** A request to sign. */
export interface RawRequest {
  /** The service's SigV4 name. */
  readonly service: string;
  /** @default "us-east-1" */
  readonly region?: string;
  /** @default "GET", or "POST" with a body */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | URLSearchParams;
  /** @default now */
  readonly signingDate?: Date;
  /** @default the test gateway's */
  readonly credentials?: Credentials & { readonly sessionToken?: string };
}

/** Signs a request for `fetch`: its method, body, and headers with x-amz-date and Authorization. */
export async function signed(
  url: string,
  request: RawRequest,
): Promise<{ method: string; headers: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> }> {
  const { service, region = testRegion, credentials = testCredentials, signingDate = new Date() } = request;
  const { host, pathname, searchParams } = new URL(url);
  const encodedOnce = pathname
    .split("/")
    .map((segment) => escapeUri(decodeURIComponent(segment)))
    .join("/");
  const body = request.body instanceof URLSearchParams ? request.body.toString() : request.body;
  const method = request.method ?? (body === undefined ? "GET" : "POST");
  const type = request.body instanceof URLSearchParams ? { "content-type": "application/x-www-form-urlencoded" } : {};
  const signer = new SignatureV4({
    credentials,
    region,
    service,
    sha256: Sha256,
    uriEscapePath: service !== "s3",
    // As SDKs do: only S3 requires the header.
    applyChecksum: service === "s3",
  });
  const toSign = new HttpRequest({
    method,
    path: service === "s3" ? encodedOnce : pathname,
    query: Object.fromEntries(searchParams),
    headers: { ...type, ...request.headers, host },
    body,
  });
  const { headers: withHost } = await signer.sign(toSign, { signingDate });
  const headers = Object.fromEntries(Object.entries(withHost).filter(([name]) => name !== "host"));
  return { method, headers, ...(body === undefined ? {} : { body }) };
}
