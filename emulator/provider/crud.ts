/** Adapters of types whose resources are created, read, updated and deleted by calls (row.ts describes rows). */
import { inputOf } from "./clients.ts";
import type { Operation, ServiceName } from "./clients.ts";
import { isCode } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import { attributeOf, inputFor, locate, toText } from "./mapping.ts";
import type { Members, Properties } from "./mapping.ts";
import { stringField } from "./properties.ts";
import type { ResourceType, Scope, Update } from "./resource.ts";
import { common, withManaged } from "./row.ts";
import type { Row } from "./row.ts";

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
  | { readonly put: Operation<S>; readonly input?: Members | undefined }
  /** Sets the changed properties as attributes: all at once, or one per call by rank, if the operation takes one. */
  | { readonly attributes: Operation<S>; readonly rank?: (name: string, values: Properties) => number }
  /** For a change of a property: sends it. */
  | {
      readonly property: string;
      /** Without `clear`, also called for a missing value, as an empty string. */
      readonly set: Operation<S>;
      /** Called, without the property, if it has no value, or is false or 0. */
      readonly clear?: Operation<S>;
      /** Members in addition to the resource's name and the property. */
      readonly input?: Members;
    };

/** A type whose resources are created once and then changed. */
export interface CrudRow<S extends ServiceName = ServiceName> extends Row<S> {
  readonly create: CreateCall<S>;
  /** Absent if every change except of tags replaces the resource. */
  readonly update?: readonly UpdateStep<S>[] | ((update: Update, scope: Scope) => Promise<void>);
  /** Waits after a creation or an update. */
  settled?(id: string, scope: Scope): Promise<void>;
}

/** A type whose resources are put completely. */
export interface PutRow<S extends ServiceName = ServiceName> extends Row<S>, Omit<CreateCall<S>, "operation"> {
  readonly put: Operation<S>;
}

/** Makes a type with an operation for each part of a resource's life. */
export function crud<const S extends ServiceName>(given: CrudRow<S>): ResourceType;
export function crud(given: CrudRow): ResourceType {
  const row = withManaged(given);
  const { update } = row;
  const steps = typeof update === "function" ? [] : (update ?? []);
  const run =
    typeof update === "function" ? update : (change: Update, scope: Scope) => runSteps(row, steps, change, scope);
  return {
    ...common(row),
    create: async (inputs, scope) => row.identity.idOf(inputs, await callCreate(row, inputs, scope)),
    async finish(id, inputs, scope) {
      await runSteps(row, steps, { id, inputs, before: {}, changed: notCreated(row, steps, inputs) }, scope);
      await row.settled?.(id, scope);
    },
    update:
      update &&
      (async (change, scope) => {
        await run(change, scope);
        await row.settled?.(change.id, scope);
      }),
  };
}

/** Makes a type with one operation that creates and overwrites. */
export function put<const S extends ServiceName>(row: PutRow<S>): ResourceType {
  return crud({ ...row, create: { ...row, operation: row.put }, update: [{ put: row.put, input: row.input }] });
}

/**
 * Makes a connection of two resources. Creating one is idempotent: if the new one were created first, the old one's
 * deletion would undo it.
 */
export function attachment<const S extends ServiceName>(row: Omit<CrudRow<S>, "deleteBeforeReplace">): ResourceType {
  return crud({ ...row, deleteBeforeReplace: true });
}

async function callCreate(row: CrudRow, inputs: Properties, scope: Scope): Promise<Members> {
  const { operation, properties = Object.keys(row.fields), input, retryCodes } = row.create;
  // As in Terraform, empty text counts as no value.
  const sent = Object.entries(inputs).filter(([name, value]) => value !== "" && properties.includes(name));
  // Some of AWS's calls refuse an empty list of tags.
  const Tags = Object.keys(inputs["tagsAll"] ?? {}).length === 0 ? undefined : inputs["tagsAll"];
  const members = { ...inputFor(row, operation, { ...Object.fromEntries(sent), Tags }), ...input };
  return await retry(scope, retryCodes, () => scope.aws.call(row.service, operation, members));
}

/**
 * Returns the properties that a step must set, because the creating call does not send them and their value is not
 * AWS's.
 */
function notCreated({ service, fields, create }: CrudRow, steps: readonly UpdateStep[], inputs: Properties) {
  const shape = inputOf(service, create.operation);
  const all = steps.flatMap((step) => {
    if ("property" in step) return [step.property];
    return "attributes" in step ? Object.keys(fields) : [];
  });
  const isSet = (name: string): boolean => {
    const { [name]: field = stringField() } = fields;
    const { [name]: value = "" } = inputs;
    if (field.forceNew === true || field.local === true || value === "" || value === field.default) return false;
    return create.properties?.includes(name) === false || locate(name, field, shape) === undefined;
  };
  return new Set(all.filter(isSet));
}

async function runSteps(
  row: CrudRow,
  steps: readonly UpdateStep[],
  { id, inputs, changed }: Update,
  scope: Scope,
): Promise<void> {
  if (changed.size === 0) return;
  const key = row.identity.keyOf(id, inputs);
  const call = async (operation: string, values: Properties, input: Members = {}): Promise<void> => {
    await scope.aws.call(row.service, operation, { ...inputFor(row, operation, { ...values, ...key }), ...input });
  };
  for (const step of steps) {
    if ("put" in step) {
      await call(step.put, inputs, step.input);
    } else if ("attributes" in step) {
      const values = Object.fromEntries([...changed].map((name) => [name, inputs[name] ?? ""]));
      await setAttributes(row, step, values, call);
    } else if (changed.has(step.property)) {
      const { [step.property]: value = "" } = inputs;
      const isOff = value === "" || value === false || value === 0;
      if (isOff && step.clear !== undefined) await call(step.clear, {}, step.input);
      else await call(step.set, { [step.property]: value }, step.input);
    }
  }
}

async function setAttributes(
  row: CrudRow,
  { attributes: operation, rank = () => 0 }: Extract<UpdateStep, { attributes: string }>,
  values: Properties,
  call: (operation: string, values: Properties) => Promise<void>,
): Promise<void> {
  const members = [...inputOf(row.service, operation).structIterator()].map(([name]) => name);
  if (!members.includes("AttributeName")) {
    await call(operation, values);
    return;
  }
  for (const name of Object.keys(values).sort((one, other) => rank(one, values) - rank(other, values))) {
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
