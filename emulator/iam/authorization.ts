/** Checks, for a service behind the gateway, that the caller of an operation has the permissions that it needs. */

import { isDeepStrictEqual } from "node:util";
import { AwsError } from "../wire/service.ts";
import type { Authorization } from "../wire/service.ts";
import type { Authorizer } from "./authorizer.ts";
import type { Action, GuardedService, Permission } from "./permission.ts";

/**
 * Returns the check of a service's calls. It rejects with an AwsError for the first permission that the caller lacks,
 * and for an operation whose permissions are not listed.
 * @param administrator access key ID of the caller who may do everything. Without a question to MiniStack, the service
 * answers the administrator before MiniStack has started, and while a large upload occupies it.
 */
export function authorizationOf(
  { model, permissions }: GuardedService,
  authorizer: Authorizer,
  administrator: string,
): Authorization {
  const { operations, denied, tested } = permissions;
  return async (operation, input, { accessKeyId }) => {
    if (accessKeyId === administrator) return;
    const decide = ({ action, resources, context }: Check) =>
      authorizer.authorize({ caller: { accessKeyId }, action, resources, context });
    const needed = (await operations[operation]?.(input as never)) ?? [];
    if (needed.length === 0) {
      const message = `The emulator does not know which permissions ${model}:${operation} needs.`;
      throw new AwsError("NotImplementedException", message, 501);
    }
    for (const check of checksOf(needed)) {
      const { allowed, message } = await decide(check);
      if (!allowed) throw denied(message);
    }
    const calls = checksOf((await tested?.operations[operation]?.(input as never)) ?? []);
    const decisions = await Promise.all(calls.map(async (call) => ({ ...call, ...(await decide(call)) })));
    const missing = decisions.filter(({ allowed }) => !allowed).map(({ action }) => action);
    if (tested !== undefined && missing.length > 0) throw tested.denied([...new Set(missing)]);
  };
}

interface Check {
  readonly action: Action;
  readonly resources: readonly string[];
  readonly context: Permission["context"];
}

/** Joins permissions for the same action under the same conditions, so that one decision covers their resources. */
function checksOf(permissions: readonly Permission[]): Check[] {
  const checks: (Check & { readonly resources: string[] })[] = [];
  for (const { action, resource, context } of permissions) {
    const same = checks.find((check) => check.action === action && isDeepStrictEqual(check.context, context));
    if (same === undefined) checks.push({ action, resources: [resource], context });
    else same.resources.push(resource);
  }
  return checks;
}
