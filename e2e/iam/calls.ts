/** The calls that permissions are for: the recorded ones, for each stack of the account, and those that services are known to make. */
import { environments } from "../../infra/bootstrap/environments.ts";
import type { EnvironmentName } from "../../infra/bootstrap/environments.ts";
import type { RecordedCall } from "./recording.ts";
import type { Call } from "./replay.ts";
import { environmentStacks, roleArn, stackNames } from "./account-policies.ts";
import type { AccountPolicies } from "./account-policies.ts";

const stackPattern = "(?:local|full|dev|prod|pr-\\d+)";

/** Returns the environment of a stack; undefined for a stack outside the bootstrap's environments. */
export function environmentOf(stack: string): EnvironmentName | undefined {
  return Object.values(environments).find(({ name }) => environmentStacks[name] === stack)?.name;
}

/** Returns the last part of the ARN of the key of a stack's data. */
export function keyNameOf(stack: string): string {
  const environment = environmentOf(stack);
  return environment === undefined ? `video-${stack}-0a1b2c3` : `async-video-${environment}`;
}

/** Returns a recorded call as a call of another stack, with the names that it has there. */
export function onStack(call: Call, stack: string): Call {
  const environment = environmentOf(stack);
  let text = JSON.stringify(call)
    .replaceAll(
      new RegExp(`key/(?:video-${stackPattern}-0a1b2c3|async-video-[a-z]+)(?=")`, "g"),
      `key/${keyNameOf(stack)}`,
    )
    .replaceAll(new RegExp(`(?<!async-)video-${stackPattern}-`, "g"), `video-${stack}-`)
    .replaceAll(new RegExp(`role/${stackPattern}-(caller|operator|team|tester)(?=")`, "g"), `role/${stack}-$1`)
    .replaceAll(new RegExp(`("aws:(?:resource|request)tag/stack":)"${stackPattern}"`, "g"), `$1"${stack}"`);
  if (environment !== undefined) {
    text = text
      .replaceAll(/async-video-(?:dev|production|ephemeral)(?=[-"])/g, `async-video-${environment}`)
      .replaceAll(/\/(?:dev|production|ephemeral)\/\.pulumi/g, `/${environment}/.pulumi`)
      .replaceAll(/:environment:(?:dev|production|ephemeral)"/g, `:environment:${environment}"`);
  }
  return JSON.parse(text) as Call;
}

/** A call, and the recorded call that it stands for. */
export interface Translated {
  readonly call: Call;
  readonly recorded: number;
}

/** Returns the recorded calls on every stack whose principals exist. */
export function translations(recorded: readonly RecordedCall[], account: AccountPolicies): Translated[] {
  return recorded.flatMap(({ caller: by, action, resource, context }, index) =>
    stackNames.flatMap((stack) => {
      const call = onStack({ caller: by, action, resource, context }, stack);
      const { caller } = call;
      if (!("role" in caller)) return [{ call, recorded: index }];
      const roles = [caller.role, ...alike(caller.role, stack)];
      return roles
        .filter((role) => role in account.roles)
        .map((role) => ({ call: { ...call, caller: { ...caller, role } }, recorded: index }));
    }),
  );
}

/**
 * Returns the roles that make the same calls as a recorded one: the role for another account makes those of callers, and the
 * deploy role tests stacks, as a team does.
 */
function alike(role: string, stack: string): string[] {
  if (role === roleArn(`${stack}-caller`)) return [roleArn(`video-${stack}-caller-0a1b2c3`)];
  // On the emulator, operators have the callers' policy, too (ops/local/roles.ts).
  if (role === roleArn(`${stack}-operator`)) return [roleArn(`${stack}-team`)];
  if (role !== roleArn(`${stack}-tester`)) return [];
  return [roleArn(`${stack}-team`), roleArn(`async-video-${environmentOf(stack) ?? "none"}-deploy-0a1b2c3`)];
}

/**
 * Returns the calls of the roles that deployments create, as calls of a role that may do everything: only the permissions
 * boundary limits it.
 */
export function withinBoundaries(calls: readonly Call[]): Call[] {
  return calls.flatMap((call) => {
    const role = "role" in call.caller ? call.caller.role : "";
    const stack = /role\/video-([a-z0-9-]+)-(?:execution|caller)-0a1b2c3$/.exec(role)?.[1];
    return stack === undefined || environmentOf(stack) === undefined
      ? []
      : [{ ...call, caller: { role: roleArn(`video-${stack}-created-0a1b2c3`) } }];
  });
}
