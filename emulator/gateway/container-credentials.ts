/** Credentials for containers, as AWS's endpoints for containers give them: sessions of a role, for a secret token. */

import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { ContainerSession } from "../iam/launcher-client.ts";
import type { WireResponse } from "../wire/protocol.ts";

/** Path of the page; a container gets its URL by AWS_CONTAINER_CREDENTIALS_FULL_URI. */
export const containerCredentialsPath = "/_local/container-credentials";

/** Issues sessions of roles. */
interface Sessions {
  session(roleArn: string, sessionName: string): Promise<ContainerSession>;
}

/** Access of one container. */
export interface ContainerAccess {
  /** Environment variables of AWS SDKs, without those of the region and the endpoint. */
  readonly environment: (gatewayUrl: string) => Readonly<Record<string, string>>;
  /** Refuses later requests of the container. Sessions that it has stay valid until they expire. */
  readonly revoke: () => void;
}

/** The containers that run, by the hash of their token: a look-up then takes no time that depends on a secret. */
export class ContainerCredentials {
  readonly #sessions: Sessions;
  readonly #roles = new Map<string, { readonly roleArn: string; readonly sessionName: string }>();

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** Lets a new container get sessions of a role. */
  admit(roleArn: string, sessionName: string): ContainerAccess {
    const token = randomBytes(32).toString("base64url");
    const name = hashOf(token);
    this.#roles.set(name, { roleArn, sessionName });
    return {
      // Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
      environment: (gatewayUrl) => ({
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${gatewayUrl}${containerCredentialsPath}`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
      }),
      revoke: () => void this.#roles.delete(name),
    };
  }

  /** Answers a request that comes from no web page and names this host. */
  async answer({ method, headers }: IncomingMessage): Promise<WireResponse> {
    const role = this.#roles.get(hashOf(headers.authorization ?? ""));
    if (method !== "GET" || role === undefined) {
      return json(403, { code: "AccessDenied", message: "The emulator knows no container with this token." });
    }
    const session = await this.#sessions.session(role.roleArn, role.sessionName);
    if ("unknown" in session) return json(404, { code: "NoSuchEntity", message: session.unknown });
    return json(200, session);
  }
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function json(status: number, content: object): WireResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(content) };
}
