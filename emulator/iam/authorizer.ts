/** Permission checks of the emulator: the interface between services that need a decision and the launcher, which makes it. */

import type { Launcher } from "./launcher-client.ts";

/** Who makes a call. */
export type Caller =
  /** A signed call; the launcher resolves the principal. */
  { readonly accessKeyId: string } | Actor;

/** A service that acts with a role's permissions. */
export interface RoleActor {
  readonly roleArn: string;
  readonly sessionName?: string;
}

/** A service that makes a call. */
export type Actor =
  | RoleActor
  /** A service that acts with its own permissions, such as "sns.amazonaws.com". */
  | { readonly service: string; readonly sourceArn?: string; readonly sourceAccount?: string };

/** One permission check. */
export interface AuthorizationRequest {
  readonly caller: Caller;
  /** Service prefix and action, such as "sagemaker:CreateModel". */
  readonly action: string;
  /** ARNs, or "*" for an action without resources. The call is allowed if it is allowed for each of them. */
  readonly resources: readonly string[];
  /** Condition keys with their values, such as "aws:RequestTag/project". */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

/** The decision, with the statement that decided. */
export interface AuthorizationDecision {
  readonly allowed: boolean;
  /** AWS's words; empty if allowed. */
  readonly message: string;
  /** Name or ARN of the policy that decided; undefined if no statement applies. */
  readonly policy?: string;
  /** Sid of the statement that decided. */
  readonly sid?: string;
}

/** Decides whether a caller may make a call. */
export interface Authorizer {
  /** Returns the decision, also for a caller that is unknown. */
  authorize(request: AuthorizationRequest): Promise<AuthorizationDecision>;
}

/** Lets the launcher decide, with the policies that MiniStack has. Denials are recorded. */
export class LauncherAuthorizer implements Authorizer {
  readonly #launcher: Pick<Launcher, "decide">;

  constructor(launcher: Pick<Launcher, "decide">) {
    this.#launcher = launcher;
  }

  /** @throws LauncherError if the launcher does not answer */
  authorize(request: AuthorizationRequest): Promise<AuthorizationDecision> {
    return this.#launcher.decide(request, true);
  }
}
