/** The life of a resource, the same for every type: preview, create, read, diff, update, delete. */
import { autoNamed, isDefaulted } from "./check.ts";
import { changes, isEmpty, reconcile } from "./diff.ts";
import type { Change } from "./diff.ts";
import { CancelledError, PartialStateError, ProviderError } from "./errors.ts";
import type { Property } from "./properties.ts";
import type { ResourceType, Scope } from "./resource.ts";
import { readTags } from "./tags.ts";
import { defaultsKey, isRecord, toValues, unknown, withoutMarks } from "./values.ts";
import type { Values } from "./values.ts";

/** A resource that AWS has, for the engine. */
export interface ReadResult {
  readonly id: string;
  readonly state: Values;
}

/** Compares the state with new checked inputs; `ignored` are the program's ignoreChanges. */
export function diff(type: ResourceType, before: Values, inputs: Values, ignored: readonly string[]) {
  const isIgnored = ({ path }: Change): boolean =>
    ignored.some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));
  const isUpdatable = ({ root }: Change): boolean => type.update !== undefined || isTags(root);
  const found = changes(type.fields, before, inputs)
    .filter((change) => !isIgnored(change))
    .map((change) => (isUpdatable(change) ? change : { ...change, replaces: true }));
  const replaces = [...new Set(found.filter((change) => change.replaces).map((change) => change.root))];
  const name = autoNamed(type.fields);
  const nameWasGiven = name !== undefined && !isDefaulted(inputs, name);
  return {
    changes: found,
    replaces,
    deleteBeforeReplace: replaces.length > 0 && (nameWasGiven || type.deleteBeforeReplace === true),
  };
}

const isTags = (name: string): boolean => name === "tags" || name === "tagsAll";

const allUnknown = (names: readonly string[]): Values => Object.fromEntries(names.map((name) => [name, unknown]));

/** Previews a create: its inputs, and unknowns for the values that AWS fills in. */
export function previewCreate({ fields, outputs = {} }: ResourceType, inputs: Values): Values {
  const computed = Object.keys(fields).filter((name) => fields[name]?.computed === true);
  return { ...allUnknown([...Object.keys(outputs), ...computed]), ...withoutMarks(inputs), id: unknown };
}

/** Previews an update. */
export function previewUpdate(type: ResourceType, id: string, before: Values, inputs: Values): Values {
  const isChanged = changes(type.fields, before, inputs).some(({ root }) => !isTags(root));
  return { ...before, ...withoutMarks(inputs), ...allUnknown(isChanged ? (type.movingOutputs ?? []) : []), id };
}

/**
 * Creates a resource and reads it.
 * @throws {PartialStateError} if AWS has created it but a later step failed
 */
export async function create(type: ResourceType, inputs: Values, scope: Scope): Promise<ReadResult> {
  const clean = withoutMarks(inputs);
  const id = await type.create(clean, scope);
  try {
    await type.finish(id, clean, scope);
    const known = await read(type, id, clean, scope);
    if (known === undefined) throw new ProviderError(`AWS made ${id} but does not find it when it is read`);
    return known;
  } catch (error) {
    const now = await read(type, id, clean, scope).catch(() => undefined);
    throw partialState(id, now?.state ?? { ...clean, id }, inputs, error);
  }
}

/** Updates a resource, tags first, and reads it. If a step fails, throws PartialStateError with AWS's current state. */
export async function update(
  type: ResourceType,
  id: string,
  before: Values,
  inputs: Values,
  scope: Scope,
): Promise<ReadResult> {
  const clean = withoutMarks(inputs);
  const roots = changes(type.fields, before, clean).map(({ root }) => root);
  const change = { id, inputs: clean, before, changed: new Set(roots.filter((root) => !isTags(root))) };
  try {
    if (roots.includes("tagsAll")) await type.retag(change, scope);
    if (change.changed.size > 0) {
      if (type.update === undefined) throw new ProviderError(`${type.token} cannot be updated in place`);
      await type.update(change, scope);
    }
    const known = await read(type, id, { ...before, ...clean }, scope, clean);
    if (known === undefined) throw new ProviderError(`${id} was not found after its update`);
    return known;
  } catch (error) {
    // With AWS's current state, the next deployment repeats only the missing steps; without it, the engine keeps the
    // state from before.
    const now = await read(type, id, { ...before, ...clean }, scope).catch(() => undefined);
    throw now === undefined ? error : partialState(id, now.state, inputs, error);
  }
}

/**
 * Reads a resource; undefined if it does not exist. `known` is its last state or its inputs, empty for an import;
 * `written` are the program's values, whose spelling is kept if AWS's mean the same.
 */
export async function read(
  type: ResourceType,
  id: string,
  known: Values,
  scope: Scope,
  written: Values = known,
): Promise<ReadResult | undefined> {
  const found = await type.read(id, scope, known);
  if (found === undefined) return undefined;
  const { tags, id: realId = id } = found;
  const answers = { ...found, ...(isRecord(tags) ? readTags(scope.tags, tags, written["tags"]) : {}) };
  const { fields, outputs } = type;
  const state: Record<string, unknown> = {};
  for (const [name, field] of Object.entries({ ...fields, ...outputs })) {
    const { [name]: answer } = answers;
    if (!(name in answers)) state[name] = known[name];
    else state[name] = name in fields ? reconcile(field, written[name], answer) : answer;
  }
  return { id: String(realId), state: toValues({ ...state, id: realId }) };
}

/** Returns the inputs that a program would have for the read state; for an import, all set values without defaults. */
export function inputsOf({ fields }: ResourceType, state: Values, oldInputs: Values): Values {
  if (Object.keys(oldInputs).length > 0) return toValues(programmed({ fields }, oldInputs, state) as object);
  const isGiven = ([name, field]: [string, Property]): boolean =>
    !isEmpty(state[name]) && JSON.stringify(field.default) !== JSON.stringify(state[name]);
  const given = Object.entries(fields).filter(isGiven);
  return toValues({ ...Object.fromEntries(given.map(([name]) => [name, state[name]])), [defaultsKey]: [] });
}

/** Returns a value of AWS without the properties of blocks that the program's old value leaves to AWS. */
function programmed({ item, fields }: Partial<Property>, old: unknown, now: unknown): unknown {
  if (item !== undefined && Array.isArray(now) && Array.isArray(old)) {
    return now.map((value, index) => programmed(item, old[index], value));
  }
  if (fields === undefined || !isRecord(now) || !isRecord(old)) return now;
  const members = Object.entries(old).map(([name, value]) => {
    const { [name]: field } = fields;
    return [name, field === undefined ? value : programmed(field, value, now[name])];
  });
  return Object.fromEntries(members);
}

function partialState(id: string, state: Values, inputs: Values, error: unknown): PartialStateError {
  const reason = error instanceof Error ? error.message : String(error);
  const why = error instanceof CancelledError ? `${reason}; AWS's current state of it was kept` : reason;
  return new PartialStateError(id, state, inputs, why, error);
}
