/** A gateway with chosen services for tests, and what an AWS SDK needs to talk to it. */

import { RealClock } from "../../simulator/real-clock.ts";
import type { Clock } from "../../simulator/clock.ts";
import { localCredentials } from "../credentials.ts";
import { startGateway, type Gateway } from "../gateway.ts";
import { WireService } from "../wire/dispatch.ts";
import type { Service } from "../wire/service.ts";
import { ownModels, testModel } from "./api-models.ts";

export const testRegion = "us-east-1";
export const testAccount = "000000000000";

/** Serves the services on a free port; what it does not serve is refused, for no MiniStack stands behind it. */
export async function startTestGateway(services: readonly Service[], clock: Clock = new RealClock()): Promise<Gateway> {
  const wired = new Map<string, WireService>();
  for (const service of services) {
    const name = ownModels.find((model) => model === service.model);
    if (name === undefined) throw new Error(`There is no model for ${service.model}.`);
    wired.set(name, new WireService(await testModel(name), service));
  }
  return await startGateway({
    port: 0,
    // Nobody listens on port 1 of a loopback interface.
    upstreamPort: 1,
    upstreamServices: ["s3"],
    clock,
    region: testRegion,
    accountId: testAccount,
    services: wired,
    status: () => ({}),
  });
}

/** The configuration of an SDK client. */
export function sdkConfig(gateway: Gateway) {
  return {
    endpoint: gateway.url,
    region: testRegion,
    credentials: localCredentials,
    // One attempt: a test wants to see the first answer.
    maxAttempts: 1,
  };
}

/** The Authorization header of a raw request, as far as the gateway reads it. */
export function authorizationFor(service: string, region = testRegion): Record<string, string> {
  return {
    authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=00`,
  };
}
