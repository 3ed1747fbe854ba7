/** The launcher's own HTTP interface on MiniStack's socket (launcher_api.py): decisions, credentials, denials. */

import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { SocketAgent } from "../processes/sockets.ts";
import type { ServerSocket } from "../processes/sockets.ts";
import type { Actor, AuthorizationDecision, AuthorizationRequest } from "./authorizer.ts";

/** The launcher's answer is not as expected. */
export class LauncherError extends Error {
  override readonly name = "LauncherError";
}

/** Start of the names of headers that only the emulator may send to MiniStack. */
export const launcherHeaders = "x-launcher-";

/** Time limit for an answer, once the launcher has started, ms. Uploads may occupy its event loop for seconds. */
const answerLimit = 60_000;

const decision = z.object({
  allowed: z.boolean(),
  message: z.string(),
  policy: z.string().exactOptional(),
  sid: z.string().exactOptional(),
});

const credentials = z.union([
  z.object({
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
    /** Only of a session. */
    sessionToken: z.string().exactOptional(),
  }),
  /** MiniStack's code for a key that is unknown, inactive or expired. */
  z.object({ unknown: z.string() }),
]);

const session = z.union([
  z.object({
    AccessKeyId: z.string(),
    SecretAccessKey: z.string(),
    Token: z.string(),
    /** Real time, ISO 8601. */
    Expiration: z.string(),
    RoleArn: z.string(),
  }),
  /** The reason why the role has no session. */
  z.object({ unknown: z.string() }),
]);

const denials = z.object({
  denials: z.array(
    z.object({
      /** Real time, ISO 8601. */
      time: z.string(),
      action: z.string(),
      principal: z.string(),
      resource: z.string(),
      policy: z.string().nullable(),
      sid: z.string().nullable(),
      message: z.string(),
    }),
  ),
});

const openness = z.object({ open: z.boolean() });

/** A key pair that IAM or STS has issued, or the reason why there is none. */
export type IssuedCredentials = z.infer<typeof credentials>;

/** Credentials of a role's session, in the format of AWS's endpoints for containers. */
export type ContainerSession = z.infer<typeof session>;

/** A call that was denied, with the policy and the statement that decided; null if no statement did. */
export type Denial = z.infer<typeof denials>["denials"][number];

/** The launcher, as other parts of the emulator use it. */
export interface Launcher {
  /**
   * Decides about a call.
   * @param record false keeps a denial out of the list and the log
   */
  decide(request: AuthorizationRequest, record: boolean): Promise<AuthorizationDecision>;
  /** Returns the secret of an access key, to verify signatures. Sessions expire by real time. */
  credentialsOf(accessKeyId: string): Promise<IssuedCredentials>;
  /** Returns the last denials, oldest first. */
  denials(): Promise<readonly Denial[]>;
  /** Tells whether a bucket's policy allows anything to callers without credentials; false if there is no such bucket. */
  isOpen(bucket: string): Promise<boolean>;
}

/** A connection to the launcher. A request waits until the launcher has started. */
export class LauncherConnection implements Launcher {
  /** Bearer token; the launcher gets it by its environment. */
  readonly token: string = randomBytes(32).toString("base64url");
  readonly #agent: SocketAgent;

  /** @param socket the Unix socket that MiniStack listens on */
  constructor(socket: ServerSocket) {
    this.#agent = new SocketAgent(socket, { maxSockets: 16, timeout: 30_000 });
  }

  async decide(request: AuthorizationRequest, record: boolean): Promise<AuthorizationDecision> {
    return decision.parse(await this.#post("/_authorize", { ...request, record }));
  }

  async credentialsOf(accessKeyId: string): Promise<IssuedCredentials> {
    return credentials.parse(await this.#post("/_credentials", { accessKeyId }));
  }

  async denials(): Promise<readonly Denial[]> {
    return denials.parse(await this.#post("/_denials", {})).denials;
  }

  async isOpen(bucket: string): Promise<boolean> {
    return openness.parse(await this.#post("/_open", { bucket })).open;
  }

  /** Issues credentials of a new session of a role. */
  async session(roleArn: string, sessionName: string): Promise<ContainerSession> {
    return session.parse(await this.#post("/_session", { roleArn, sessionName }));
  }

  /** Returns the headers of a request to MiniStack's socket that a service makes. */
  headersOf(actor: Actor): Record<string, string> {
    return { [`${launcherHeaders}token`]: this.token, [`${launcherHeaders}caller`]: JSON.stringify(actor) };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** @throws {LauncherError} if the launcher does not answer, or refuses the request */
  async #post(path: string, content: object): Promise<unknown> {
    const headers = { "content-type": "application/json", authorization: `Bearer ${this.token}` };
    const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const fail = (error: unknown): void => {
        reject(
          new LauncherError(`The launcher does not answer ${path}: ${(error as Error).message}`, { cause: error }),
        );
      };
      const options = { method: "POST", path, headers, agent: this.#agent, timeout: answerLimit };
      const request = httpRequest(options, (response) => {
        text(response).then((received) => {
          resolve({ status: response.statusCode ?? 0, body: received });
        }, fail);
      });
      request.on("timeout", () => {
        request.destroy(new Error(`no answer within ${answerLimit / 1000} s`));
      });
      request.on("error", fail);
      request.end(JSON.stringify(content));
    });
    if (status !== 200) throw new LauncherError(`The launcher answers ${path} with ${status}: ${body}`);
    return JSON.parse(body);
  }
}
