/** For tests: an authorizer that records its requests and denies chosen actions. */

import type { AuthorizationDecision, AuthorizationRequest, Authorizer } from "../iam/authorizer.ts";

/** Allows every action that `denied` does not have. */
export class RecordingAuthorizer implements Authorizer {
  readonly requests: AuthorizationRequest[] = [];
  readonly denied = new Set<string>();

  async authorize(request: AuthorizationRequest): Promise<AuthorizationDecision> {
    await Promise.resolve();
    this.requests.push(request);
    const { action, resources } = request;
    if (!this.denied.has(action)) return { allowed: true, message: "" };
    return { allowed: false, message: denialOf(action, resources[0] ?? "") };
  }
}

/** Returns AWS's words for a denial to the role `reader`. */
export function denialOf(action: string, resource: string): string {
  return `User: arn:aws:sts::000000000000:assumed-role/reader/test is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`;
}
