/** The key pairs whose signatures the gateway accepts: the administrator's, and those that IAM and STS have issued. */

import type { Launcher } from "../iam/launcher-client.ts";
import type { Credentials } from "./credentials.ts";
import { SignatureError } from "./signature-error.ts";

/** Finds key pairs by their IDs. */
export class KnownKeys {
  readonly administrator: Credentials;
  readonly #launcher: Pick<Launcher, "credentialsOf">;

  constructor(administrator: Credentials, launcher: Pick<Launcher, "credentialsOf">) {
    this.administrator = administrator;
    this.#launcher = launcher;
  }

  /**
   * Returns the key pair that a request must be signed with.
   * @param token the request's session token
   * @throws SignatureError (unknown-key, expired-token) if there is none, or if the token is not its session's
   */
  async find(accessKeyId: string, token: string | undefined): Promise<Credentials> {
    const isAdministrator = accessKeyId === this.administrator.accessKeyId;
    const found = isAdministrator ? this.administrator : await this.#launcher.credentialsOf(accessKeyId);
    if ("unknown" in found && found.unknown === "ExpiredTokenException") {
      throw new SignatureError("expired-token", "The security token included in the request is expired");
    }
    if ("unknown" in found || ("sessionToken" in found ? found.sessionToken : undefined) !== token) {
      throw new SignatureError(
        "unknown-key",
        `The security token included in the request is invalid. The emulator that runs now knows no such credentials (${accessKeyId}); set new ones with: eval "$(npm run -s local:env)"`,
      );
    }
    return found;
  }
}
