/** Web pages that attack the emulator, in a real browser. */

import type { Browser, HTTPRequest } from "puppeteer-core";
import { attackOn, pageContent, readAttempts } from "../../emulator/testing/attacker.ts";
import type { Attempt } from "../../emulator/testing/attacker.ts";
import type { RunningEmulator } from "../../ops/local/emulator.ts";

/** Resolves `*.example` to this machine, and turns off Chromium's protection of local networks, which other browsers lack. */
export const browserArguments = [
  "--host-resolver-rules=MAP *.example 127.0.0.1",
  "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
];

/** An attack on one port of this machine. */
interface Attack {
  /** Origin of the page; it may be the attacked port itself (DNS rebinding). */
  readonly origin: string;
  /** URL of the port. */
  readonly base: string;
  /** URL of the attacker's server. */
  readonly attacker: string;
  /** Query strings of URLs that are presigned but for the signature. */
  readonly presigned: ReturnType<typeof presignedQueries>;
}

/** Opens a page that attacks; returns its attempts. */
export async function attackInBrowser(browser: Browser, attack: Attack): Promise<Attempt[]> {
  const page = await browser.newPage();
  try {
    // Serve the attacker's page by interception: at its origin, the attacked port may listen.
    await page.setRequestInterception(true);
    const deliver = (request: HTTPRequest): void =>
      void request.respond({ status: 200, contentType: "text/html", body: pageContent });
    page.once("request", deliver);
    await page.goto(`${attack.origin}/page`);
    await page.setRequestInterception(false);
    return readAttempts(await page.evaluate(attackOn(attack.base, attack.attacker, attack.presigned)));
  } finally {
    await page.close();
  }
}

/** Returns the query strings of presigned URLs with the right access key ID and a wrong signature, by service. */
export function presignedQueries({ credentials, region }: Pick<RunningEmulator, "credentials" | "region">) {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
  const query = (service: string) =>
    new URLSearchParams({
      "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
      "X-Amz-Credential": `${credentials.accessKeyId}/${stamp.slice(0, 8)}/${region}/${service}/aws4_request`,
      "X-Amz-Date": stamp,
      "X-Amz-Expires": "3600",
      "X-Amz-SignedHeaders": "host",
      "X-Amz-Signature": "0".repeat(64),
    }).toString();
  return { s3: query("s3"), sns: query("sns"), sagemaker: query("sagemaker") };
}
