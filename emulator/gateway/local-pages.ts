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
  { status, launcher }: LocalPagesOptions,
): Promise<WireResponse | undefined> {
  if (path === "/_local/status") return json(200, status());
  if (path !== "/_local/denials" && path !== "/_local/explain") return undefined;
  if (!isAdministrator) {
    return json(403, { message: 'Only the administrator may read this page: eval "$(npm run -s local:env)"' });
  }
  if (path === "/_local/denials") return json(200, { denials: await launcher.denials() });
  let asked: unknown;
  try {
    asked = JSON.parse(Buffer.from(body).toString());
  } catch {
    asked = undefined;
  }
  const parsed = question.safeParse(asked);
  if (!parsed.success) return json(400, { message: `Send roleArn, action and resources: ${parsed.error.message}` });
  const { roleArn, ...call } = parsed.data;
  return json(200, await launcher.decide({ caller: { roleArn }, ...call }, false));
}

function json(status: number, content: object): WireResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(content) };
}
