/** Permissions that a call to one of the emulator's own services needs. */

import type { AwsError, Service } from "../wire/service.ts";
import type { AuthorizationRequest } from "./authorizer.ts";
import data from "./service-authorization.json" with { type: "json" };

/** An action that a policy can name, such as "sagemaker:CreateModel". */
export type Action = keyof typeof data.actions;

/** An action with its conditions, as AWS's Service Authorization Reference describes it. */
interface ActionData {
  readonly resourceTypes: readonly string[];
  readonly conditionKeys: readonly string[];
}

const actions: Readonly<Record<Action, ActionData>> = data.actions;
const resourceTypes: Readonly<Record<string, { readonly conditionKeys: readonly string[] }>> = data.resourceTypes;

/** A permission that a call needs. */
export interface Permission {
  readonly action: Action;
  /** An ARN; "*" for an action without a resource. */
  readonly resource: string;
  readonly context: AuthorizationRequest["context"];
}

/** Tags by key. */
export type Tags = Readonly<Record<string, string>>;

/** Values of condition keys; undefined for a key that the request does not have. */
export type KeyValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Facts about a request that conditions depend on. */
export interface ConditionValues {
  /** Tags in the request. */
  readonly requestTags?: Tags;
  /** Keys of the tags in a request that removes them. */
  readonly tagKeys?: readonly string[];
  /** Tags that the resource has. */
  readonly resourceTags?: Tags;
  /** Values of the service's own condition keys. */
  readonly keys?: KeyValues;
}

/** Makes a permission. Of the tags, it has the condition keys that AWS defines for the action and its resources. */
export function permission(action: Action, resource: string, values: ConditionValues = {}): Permission {
  const { conditionKeys, resourceTypes: types } = actions[action];
  const { requestTags = {}, resourceTags = {}, tagKeys = Object.keys(requestTags), keys = {} } = values;
  const context: Record<string, string | readonly string[]> = {};
  const addTags = (defined: readonly string[], kind: string, tags: Tags): void => {
    for (const key of new Set(defined.filter((each) => each.endsWith(`:${kind}/\${TagKey}`)))) {
      for (const [tag, value] of Object.entries(tags)) context[key.replace("${TagKey}", tag)] = value;
    }
  };
  addTags(conditionKeys, "RequestTag", requestTags);
  if (conditionKeys.includes("aws:TagKeys") && tagKeys.length > 0) context["aws:TagKeys"] = tagKeys;
  addTags(
    types.flatMap((type) => resourceTypes[type]?.conditionKeys ?? []),
    "ResourceTag",
    resourceTags,
  );
  for (const [key, value] of Object.entries(keys)) if (value !== undefined) context[key] = value;
  return { action, resource, context };
}

/** Permissions of one operation: from its input, which has the model's types but is not checked otherwise. */
export type OperationPermissions<Input> = (input: Input) => readonly Permission[] | Promise<readonly Permission[]>;

/** Permissions of a service's operations by name, with the types of the SDK's client. */
export type PermissionsOf<Client> = {
  readonly [Method in keyof Client & string as Capitalize<Method>]?: Client[Method] extends (
    input: infer Input,
    options: never,
    callback: never,
  ) => void
    ? OperationPermissions<Input>
    : never;
};

/** A service's permissions, and its answers to calls without them. */
export interface ServicePermissions {
  /** An operation that is not listed is refused. */
  readonly operations: Readonly<Record<string, OperationPermissions<never>>>;
  /** Makes the service's error from AWS's words. */
  readonly denied: (message: string) => AwsError;
  /** Permissions that the service tests with calls in the caller's name, once the call itself is allowed. */
  readonly tested?: {
    readonly operations: Readonly<Record<string, OperationPermissions<never>>>;
    /** Makes the service's error from the actions that the caller may not take. */
    readonly denied: (actions: readonly Action[]) => AwsError;
  };
}

/** A service that checks the permissions of every call. */
export interface GuardedService extends Service {
  readonly permissions: ServicePermissions;
}
