/** Attempts of principals to act beyond their part: on another environment's resources, or with another's permissions. */
import { environments } from "../../infra/bootstrap/environments.ts";
import { openActions } from "../testing/bootstrap/separation.ts";
import { strangerAccount } from "./forbidden-calls.ts";
import type { Call } from "./replay.ts";
import { environmentStacks, roleArn, stackNames } from "./account-policies.ts";
import type { AccountPolicies } from "./account-policies.ts";

const names = Object.values(environments).map(({ name }) => name);

/** Roles that act for an environment. */
function rolesOf(environment: (typeof names)[number], account: AccountPolicies): string[] {
  const stack = environmentStacks[environment];
  return [
    `async-video-${environment}-deploy-0a1b2c3`,
    `async-video-${environment}-preview-0a1b2c3`,
    ...["created", "execution", "caller"].map((kind) => `video-${stack}-${kind}-0a1b2c3`),
    `${stack}-caller`,
    `${stack}-operator`,
  ]
    .map(roleArn)
    .filter((role) => role in account.roles);
}

const isRead = (action: string): boolean => /:(Get|List|Describe|Head|Decrypt|FilterLogEvents)/.test(action);

/** Services whose calls only operators, and only callers, make. */
const operatorsOnly = /^(sqs|sns|logs|cloudwatch|application-autoscaling):|^sagemaker:Describe/;
const callersOnly = /^(s3):|^sagemaker:Invoke/;

/**
 * Returns attempts that must all be denied, made of others' calls, allowed or not. Actions that no policy can limit to an
 * environment are left out (`infra/bootstrap/unlimited-actions.ts`).
 */
export function separationAttempts(calls: readonly Call[], account: AccountPolicies): Call[] {
  const byRole = calls.filter((call): call is Call & { caller: { role: string } } => "role" in call.caller);
  const attempts: Call[] = [];
  for (const owner of names) {
    const stack = environmentStacks[owner];
    const own = byRole.filter(
      ({ resource, action }) =>
        !openActions.includes(action) &&
        (resource.includes(`video-${stack}-`) || resource.includes(`async-video-${owner}`)),
    );
    const strangers = names.filter((name) => name !== owner).flatMap((name) => rolesOf(name, account));
    for (const role of strangers) attempts.push(...own.map((call) => ({ ...call, caller: { role } })));
    const user = { user: `arn:aws:iam::${strangerAccount}:user/other` };
    attempts.push(
      ...own.filter(({ resource }) => resource in account.attached).map((call) => ({ ...call, caller: user })),
    );
    const preview = roleArn(`async-video-${owner}-preview-0a1b2c3`);
    if (preview in account.roles) {
      const writes = byRole.filter(
        ({ caller, action }) => caller.role === roleArn(`async-video-${owner}-deploy-0a1b2c3`) && !isRead(action),
      );
      attempts.push(...writes.map((call) => ({ ...call, caller: { role: preview } })));
    }
  }
  for (const stack of stackNames) {
    const [caller, operator] = [roleArn(`${stack}-caller`), roleArn(`${stack}-operator`)];
    const exchange = (from: string, to: string, only: RegExp): Call[] =>
      byRole
        .filter((call) => call.caller.role === from && only.test(call.action))
        .map((call) => ({ ...call, caller: { role: to } }));
    attempts.push(...exchange(operator, caller, operatorsOnly), ...exchange(caller, operator, callersOnly));
  }
  return attempts.concat(tokenAttempts(calls));
}

/** Returns attempts with each token on every role that it is not for. */
function tokenAttempts(calls: readonly Call[]): Call[] {
  const own = calls.filter(({ caller }) => "provider" in caller);
  const isOwn = new Set(own.map((call) => JSON.stringify(call)));
  const roles = [...new Set(own.map(({ resource }) => resource))];
  return own
    .flatMap((call) => roles.map((resource) => ({ ...call, resource })))
    .filter((call) => !isOwn.has(JSON.stringify(call)));
}
