/** Adapters of types whose resources are created, read, updated and deleted by calls (row.ts describes rows). */
import { inputOf } from "./clients.ts";
import type { Operation, ServiceName } from "./clients.ts";
import type { ErrorCode } from "./errors.ts";
import { isCode } from "./errors.ts";
import { attributeOf, hasMember, toText } from "./mapping.ts";
import type { Members, Properties } from "./mapping.ts";
import { stringField } from "./properties.ts";
import type { ResourceType, Scope, Update } from "./resource.ts";
import { common, inputFor, withManaged } from "./row.ts";
import type { Row } from "./row.ts";
import { tagsAtCreation } from "./tags.ts";

/** The call that creates a resource, with the tags and all inputs for which it has members. */
export interface CreateCall<S extends ServiceName = ServiceName> {
  readonly operation: Operation<S>;
  /** The only properties that it sends: steps after it set the others. */
  readonly properties?: readonly string[];
  readonly input?: Members;
  /** Transient codes, because a new role is not known everywhere at once: the call is retried. */
  readonly retryCodes?: readonly ErrorCode[];
}

/** A step of an update. */
export type UpdateStep<S extends ServiceName = ServiceName> =
  /** For every change: sends all inputs. */
  | { readonly put: Operation<S> }
  /** Sets the changed properties as attributes: all at once, or one per call, in an order, if the operation takes one. */
  | { readonly attributes: Operation<S>; readonly order?: AttributeOrder }
  /** For a change of these properties: sends them. */
  | {
      readonly properties: readonly [string, ...string[]];
      /** Called if the first property has a value; without `clear`, also for a missing value, as an empty string. */
      readonly set?: Operation<S>;
      /** Called, without the properties, if the first one has no value, or is false or 0. */
      readonly clear?: Operation<S>;
      /** Members in addition to the resource's name and the properties. */
      readonly input?: Members;
    };

/** Orders two of the attributes in `values` by name, as a comparison for a sort. */
type AttributeOrder = (one: string, other: string, values: Properties) => number;

/** A type whose resources are created once and then changed. */
export interface CrudRow<S extends ServiceName = ServiceName> extends Row<S> {
  /** Absent for a type that is a part of another resource: the steps of the update create it. */
  readonly create?: CreateCall<S>;
  /** Absent if every change except of tags replaces the resource. */
  readonly update?: readonly UpdateStep<S>[] | ((update: Update, scope: Scope) => Promise<unknown>);
  /** Waits after a creation or an update. */
  settled?(id: string, scope: Scope, inputs: Properties): Promise<void>;
}

/** A type whose resources are put completely. */
export interface PutRow<S extends ServiceName = ServiceName> extends Row<S>, Omit<CreateCall<S>, "operation"> {
  readonly put: Operation<S>;
}

/** Makes a type with an operation for each part of a resource's life. */
export function crud<const S extends ServiceName>(given: CrudRow<S>): ResourceType;
export function crud(given: CrudRow): ResourceType {
  const row = withManaged(given);
  const { update, create } = row;
  const steps = typeof update === "function" ? [] : (update ?? []);
  return {
    ...common(row),
    async create(inputs, scope) {
      const answer = create === undefined ? {} : await callCreate(row, create, inputs, scope);
      const id = row.identity.idOf(inputs, answer);
      if (create !== undefined) scope.created(id);
      await runSteps(row, steps, { id, inputs, before: {}, changed: notCreated(row, steps, inputs) }, scope);
      await row.settled?.(id, scope, inputs);
      return id;
    },
    ...(update === undefined
      ? {}
      : {
          async update(change: Update, scope: Scope) {
            if (typeof update === "function") await update(change, scope);
            else await runSteps(row, steps, change, scope);
            await row.settled?.(change.id, scope, change.inputs);
          },
        }),
  };
}

/** Makes a type with one operation that creates and overwrites. */
export function put<const S extends ServiceName>(row: PutRow<S>): ResourceType {
  return crud({ ...row, create: { ...row, operation: row.put }, update: [{ put: row.put }] });
}

/** Makes a type that consists of attributes of another resource: setting them creates it. */
export function attributes<const S extends ServiceName>(row: Row<S> & { readonly set: Operation<S> }): ResourceType {
  return crud({ ...row, update: [{ attributes: row.set }] });
}

/**
 * Makes a connection of two resources. Creating one is idempotent: if the new one were created first, the old one's
 * deletion would undo it.
 */
export function attachment<const S extends ServiceName>(row: Omit<CrudRow<S>, "deleteBeforeReplace">): ResourceType {
  return crud({ ...row, deleteBeforeReplace: true });
}

function memberNames(row: Row, operation: string): string[] {
  return [...inputOf(row.service, operation).structIterator()].map(([name]) => name);
}

async function callCreate(row: CrudRow, create: CreateCall, inputs: Properties, scope: Scope): Promise<Members> {
  const { operation, properties = Object.keys(row.fields) } = create;
  // As in Terraform, empty text counts as no value. SQS refuses some attributes on a standard queue even if they are
  // false.
  const hasAttributes = memberNames(row, operation).includes("Attributes");
  const isSent = (name: string): boolean =>
    inputs[name] !== "" && !(hasAttributes && inputs[name] === false && row.fields[name]?.default === false);
  const sent = Object.fromEntries(properties.filter(isSent).map((name) => [name, inputs[name]]));
  const members = {
    ...inputFor(row, operation, sent),
    ...create.input,
    ...tagsAtCreation(row, operation, inputs["tagsAll"]),
  };
  return await retry(scope, create.retryCodes, () => scope.aws.call(row.service, operation, members));
}

/**
 * Returns the properties that a step must set, because the creating call does not send them and their value is not
 * AWS's.
 */
function notCreated(row: CrudRow, steps: readonly UpdateStep[], inputs: Properties): ReadonlySet<string> {
  const { operation, properties } = row.create ?? {};
  const all = steps.flatMap((step) =>
    "attributes" in step ? Object.keys(row.fields) : "put" in step ? [] : step.properties,
  );
  return new Set(
    all.filter((name) => {
      const field = row.fields[name];
      const value = inputs[name] ?? field?.whenUnset;
      if (field === undefined || field.forceNew === true || value === undefined) return false;
      if (value === "" || value === field.default) return false;
      if (operation === undefined || properties?.includes(name) === false) return true;
      return !hasMember(name, field, inputOf(row.service, operation));
    }),
  );
}

async function runSteps(
  row: CrudRow,
  steps: readonly UpdateStep[],
  { id, inputs, changed }: Update,
  scope: Scope,
): Promise<void> {
  const key = row.identity.keyOf(id, inputs);
  const call = async (operation: string, values: Properties, input: Members = {}): Promise<void> => {
    await scope.aws.call(row.service, operation, { ...inputFor(row, operation, { ...values, ...key }), ...input });
  };
  const pick = (names: Iterable<string>): Properties =>
    Object.fromEntries([...names].map((name) => [name, inputs[name] ?? row.fields[name]?.whenUnset ?? ""]));
  for (const step of changed.size === 0 ? [] : steps) {
    if ("put" in step) {
      await call(step.put, inputs);
    } else if ("attributes" in step) {
      const ours = [...changed].filter((name) => row.fields[name]?.local !== true);
      if (ours.length > 0) await setAttributes(row, step.attributes, step.order, pick(ours), call);
    } else if (step.properties.some((name) => changed.has(name))) {
      const values = pick(step.properties);
      const value = values[step.properties[0]];
      const isOff = value === "" || value === false || value === 0;
      if (isOff && step.clear !== undefined) await call(step.clear, {}, step.input);
      else if (step.set !== undefined && (!isOff || value === "")) await call(step.set, values, step.input);
    }
  }
}

async function setAttributes(
  row: CrudRow,
  operation: string,
  order: AttributeOrder = () => 0,
  values: Properties,
  call: (operation: string, values: Properties) => Promise<void>,
): Promise<void> {
  if (!memberNames(row, operation).includes("AttributeName")) {
    await call(operation, values);
    return;
  }
  for (const name of Object.keys(values).sort((one, other) => order(one, other, values))) {
    const AttributeName = attributeOf(name, row.fields[name] ?? stringField());
    await call(operation, { AttributeName, AttributeValue: toText(values[name]) });
  }
}

/**
 * Returns the final answer of `call`. It is retried within the scope's retry budget while AWS refuses it with one of
 * `codes`; any other error is thrown.
 */
async function retry<T>(scope: Scope, codes: readonly ErrorCode[] = [], call: () => Promise<T>): Promise<T> {
  const start = performance.now();
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const seconds = Math.round((scope.retryBudget - (performance.now() - start)) / 1_000);
      if (!isCode(error, ...codes) || seconds <= 0) throw error;
      scope.progress(
        `retrying for up to ${seconds} s, because a new role is not known everywhere at once: ${error.message}`,
      );
      await scope.pause();
    }
  }
}
