/** The gateway's own pages, below /_local/: for the administrator, except the status. */

import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { Launcher } from "../iam/launcher-client.ts";
import { containerCredentialsPath } from "./container-credentials.ts";
import type { ContainerCredentials } from "./container-credentials.ts";
import type { WireResponse } from "../wire/protocol.ts";

/** Sources of the pages. */
export interface LocalPagesOptions {
  /** Returns the document that a signed GET of `/_local/status` gets. */
  readonly status: () => object;
  /** Lets the stack's clock run fast until a moment, ms since the epoch. */
  readonly awaitMoment: (moment: number) => void;
  readonly launcher: Pick<Launcher, "decide" | "denials">;
  readonly containers: Pick<ContainerCredentials, "answer">;
}

/** A question of `npm run explain`. */
const question = z.object({
  roleArn: z.string().min(1),
  action: z.string().min(1),
  resources: z.array(z.string().min(1)).min(1),
  /** Condition keys of the call. */
  context: z.record(z.string(), z.string()).default({}),
});

/** A moment of the stack's clock that the caller awaits. */
const awaited = z.object({ until: z.iso.datetime() });

/** Pages for the administrator. */
const administratorPages: readonly string[] = ["/_local/denials", "/_local/explain", "/_local/await"];

/** Answers a request for a page that needs no signature; undefined if there is no such page. */
export async function unsignedPage(
  path: string,
  request: IncomingMessage,
  { containers }: Pick<LocalPagesOptions, "containers">,
): Promise<WireResponse | undefined> {
  if (path === "/_local/health") return { status: 200, headers: { "content-type": "text/plain" }, body: "ok" };
  return path === containerCredentialsPath ? await containers.answer(request) : undefined;
}

/**
 * Answers an authenticated request for a page; undefined if there is no such page.
 * @param isAdministrator false for sessions and users, which get only the status
 */
export async function localPage(
  path: string,
  body: Uint8Array,
  isAdministrator: boolean,
  { status, launcher, awaitMoment }: LocalPagesOptions,
): Promise<WireResponse | undefined> {
  if (path === "/_local/status") return json(200, status());
  if (!administratorPages.includes(path)) return undefined;
  if (!isAdministrator) {
    return json(403, { message: 'Only the administrator may use this page: eval "$(npm run -s local:env)"' });
  }
  if (path === "/_local/denials") return json(200, { denials: await launcher.denials() });
  if (path === "/_local/await") {
    const parsed = awaited.safeParse(contentOf(body));
    if (!parsed.success) return json(400, { message: `Send until, a time in UTC: ${parsed.error.message}` });
    awaitMoment(Date.parse(parsed.data.until));
    return json(200, status());
  }
  const parsed = question.safeParse(contentOf(body));
  if (!parsed.success) return json(400, { message: `Send roleArn, action and resources: ${parsed.error.message}` });
  const { roleArn, ...call } = parsed.data;
  return json(200, await launcher.decide({ caller: { roleArn }, ...call }, false));
}

/** Returns the value of a JSON text; undefined for any other text. */
function contentOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
}

function json(status: number, content: object): WireResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(content) };
}
