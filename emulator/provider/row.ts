/**
 * Rows: one per type of resource. A row has the type's properties, the AWS operations that create, read, change and
 * delete it, the form of its id, and the codes of AWS's answers if it does not exist. An adapter turns a row into a
 * {@link ResourceType}:
 *
 * - {@link crud} (crud.ts): one operation each to create, read and delete, and steps that update properties;
 * - `put` (crud.ts): one operation that creates and overwrites;
 * - `attachment` (crud.ts): a connection between two resources, never updated;
 * - the bucket and the object of S3 (s3.ts, s3-object.ts), which add calls to their rows.
 *
 * To add a type, write its row in the file of its service and list it in registry.ts. The mapping finds AWS's names
 * (mapping.ts); set `member` only if it cannot. The contract test (contract.test.ts) requires an example of each
 * property.
 */
import type { Operation, ServiceName } from "./clients.ts";
import { ignoreNotFound, ProviderError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import { fromMembers, inputFor, memberAt } from "./mapping.ts";
import type { Members, Properties } from "./mapping.ts";
import { regional, stringField, tagged } from "./properties.ts";
import type { Fields } from "./properties.ts";
import type { Scope, Update } from "./resource.ts";
import { listTags, retag } from "./tags.ts";
import type { TagCalls } from "./tags.ts";
import { isRecord } from "./values.ts";

/** Form of a resource's id, and its key in AWS's calls. */
export interface Identity {
  /** Returns the id of a resource with these checked inputs, from the answer of the call that created it. */
  idOf(inputs: Properties, answer: Members): string;
  /** Returns the properties, or AWS's members, by which calls name the resource; `known` is its last state. */
  keyOf(id: string, known: Properties): Properties;
}

/** Makes an id from properties, such as `role:name`. The last one may contain the separator. */
export function byProperties(names: readonly [string, ...string[]], separator = "/"): Identity {
  return {
    idOf: (inputs) => names.map((name) => String(inputs[name])).join(separator),
    keyOf: (id) => {
      const parts = id.split(separator);
      const last = names.length - 1;
      return Object.fromEntries(
        names.map((name, index) => [name, index < last ? parts[index] : parts.slice(last).join(separator)]),
      );
    },
  };
}

/** Makes the identity of a resource whose id AWS generates and returns at `path`; later calls have it as `member`. */
export function byAnswer(path: string, member: string = path): Identity {
  return {
    idOf: (_inputs, answer) => {
      const id = memberAt(answer, path.split("."));
      if (typeof id !== "string") throw new ProviderError(`AWS's answer has no ${path}`);
      return id;
    },
    keyOf: (id) => ({ [member]: id }),
  };
}

/** A call that reads a part of a resource. */
export interface ReadCall<S extends ServiceName = ServiceName> {
  readonly operation: Operation<S>;
  /** Members in addition to the resource's name; may depend on the answers so far. */
  readonly input?: Members | ((answer: Members) => Members);
  /** Path to the resource in the answer; a list stands for its first member. */
  readonly at?: string;
  /** For list operations: the member of the entries by which the resource is found, on any page. */
  readonly find?: string;
  /** Codes of AWS's answers if this part is not set. */
  readonly notFoundCodes?: readonly ErrorCode[];
}

/** The call that deletes a resource. */
export interface DeleteCall<S extends ServiceName = ServiceName> {
  readonly operation: Operation<S>;
  /** Members in addition to the resource's name. */
  readonly input?: Members | ((known: Properties, scope: Scope) => Members);
  /** True if there is no call to make. */
  unless?(known: Properties): boolean;
  /** Steps before it. */
  before?(id: string, scope: Scope): Promise<unknown>;
  /** Further codes that mean that the resource is deleted, or is being deleted. */
  readonly notFoundCodes?: readonly ErrorCode[];
  /** The deletion waits until the resource is no longer found. */
  readonly awaited?: true;
}

/** Parts of a row that all adapters read. */
export interface Row<S extends ServiceName = ServiceName> {
  /** Pulumi's type token. */
  readonly token: string;
  readonly service: S;
  readonly fields: Fields;
  /** Properties that AWS fills in, in addition to the inputs. */
  readonly outputs?: Fields;
  /** Outputs that an update may change. */
  readonly movingOutputs?: readonly string[];
  readonly identity: Identity;
  /** Calls that read the resource. The first one shows whether it exists. */
  readonly read: readonly [ReadCall<S>, ...ReadCall<S>[]];
  /** True if an answer of the first call means that the resource does not exist, or is being deleted. */
  isMissing?(answer: Members): boolean;
  /** Properties that are computed from the answers. */
  derive?(answer: Members, scope: Scope, id: string): Properties | Promise<Properties>;
  /** Codes of AWS's answers if the resource does not exist. */
  readonly notFoundCodes: readonly ErrorCode[];
  readonly delete: DeleteCall<S>;
  readonly tags?: TagCalls<S>;
  /** The old resource is deleted first whenever it is replaced. */
  readonly deleteBeforeReplace?: true;
}

/** Adds the properties that Check fills in: tags, and the region for all services except global ones. */
export function withManaged<R extends Row>(row: R): R {
  const fields = {
    ...row.fields,
    ...(row.tags === undefined ? {} : tagged),
    ...(row.service === "iam" ? {} : regional),
  };
  return { ...row, fields };
}

/** Returns the part of an answer about the resource; undefined if a list does not have it. */
async function ask(
  row: Row,
  call: ReadCall,
  key: Properties,
  scope: Scope,
  answer: Members = {},
): Promise<Members | undefined> {
  const more = typeof call.input === "function" ? call.input(answer) : call.input;
  const input = { ...inputFor(row, call.operation, key), ...more };
  const path = call.at?.split(".") ?? [];
  const { find } = call;
  if (find === undefined) {
    const found = memberAt(await scope.aws.call(row.service, call.operation, input), path);
    const part: unknown = Array.isArray(found) ? found[0] : found;
    return isRecord(part) ? part : undefined;
  }
  const field = { [find]: row.fields[find] ?? stringField() };
  for await (const page of scope.aws.pages(row.service, call.operation, input)) {
    const entries = memberAt(page, path);
    const all = Array.isArray(entries) ? entries.filter(isRecord) : [];
    const found = all.find((entry) => fromMembers(field, entry)[find] === key[find]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Returns the answer of the first call; undefined if the resource does not exist. */
async function describe(row: Row, key: Properties, scope: Scope) {
  const found = await ignoreNotFound(ask(row, row.read[0], key, scope), ...row.notFoundCodes);
  return found === undefined || row.isMissing?.(found) === true ? undefined : found;
}

/** Reads a resource, with its tags; undefined if it does not exist. */
async function read(row: Row, id: string, scope: Scope, known: Properties): Promise<Properties | undefined> {
  const key = row.identity.keyOf(id, known);
  const first = await describe(row, key, scope);
  if (first === undefined) return undefined;
  const answer: Members = { ...first };
  for (const call of row.read.slice(1)) {
    Object.assign(answer, await ignoreNotFound(ask(row, call, key, scope, answer), ...(call.notFoundCodes ?? [])));
  }
  const state = {
    ...fromMembers({ ...row.fields, ...row.outputs }, answer),
    ...key,
    ...(await row.derive?.(answer, scope, id)),
  };
  return { ...state, tags: await listTags(row, id, state, answer, scope) };
}

/** Deletes a resource; succeeds if it does not exist. */
async function remove(row: Row, id: string, scope: Scope, known: Properties): Promise<void> {
  const { operation, input, notFoundCodes = [], ...call } = row.delete;
  if (call.unless?.(known) === true) return;
  const codes = [...row.notFoundCodes, ...notFoundCodes];
  if (call.before !== undefined) await ignoreNotFound(call.before(id, scope), ...codes);
  const key = row.identity.keyOf(id, known);
  const members = { ...inputFor(row, operation, key), ...(typeof input === "function" ? input(known, scope) : input) };
  if ((await ignoreNotFound(scope.aws.call(row.service, operation, members), ...codes)) === undefined) return;
  while (call.awaited === true && (await describe(row, key, scope)) !== undefined) await scope.pause();
}

/** Makes the parts of a type that are the same for all adapters. */
export function common<R extends Row>(row: R) {
  return {
    ...row,
    retag: (update: Update, scope: Scope) => retag(row, update, scope),
    read: (id: string, scope: Scope, known: Properties) => read(row, id, scope, known),
    delete: (id: string, scope: Scope, known: Properties) => remove(row, id, scope, known),
  };
}
