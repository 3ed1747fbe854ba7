/** The life of a resource, the same for every type: preview, create, read, diff, update, delete. */
import { autoNamed, isDefaulted } from "./check.ts";
import { changes, reconcile } from "./diff.ts";
import type { Change } from "./diff.ts";
import { CancelledError, PartialStateError, ProviderError } from "./errors.ts";
import type { Fields, Property } from "./properties.ts";
import type { ResourceType, Scope, State } from "./resource.ts";
import { readTags } from "./tags.ts";
import type { TagRules } from "./tags.ts";
import { defaultsKey, isRecord, toValues, unknown, withoutMarks } from "./values.ts";
import type { Value, Values } from "./values.ts";

/** A resource that AWS has, for the engine. */
export interface ReadResult {
  readonly id: string;
  readonly state: Values;
}

/** Difference between a resource's state and the program. */
export interface Difference {
  readonly changes: readonly Change[];
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

/** Compares the state with new checked inputs; `ignored` are the program's ignoreChanges. */
export function diff(type: ResourceType, before: Values, inputs: Values, ignored: readonly string[]): Difference {
  const isIgnored = ({ path }: Change): boolean =>
    ignored.some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));
  const all = changes(type.fields, before, withoutMarks(inputs)).filter((change) => !isIgnored(change));
  const updatable = type.update !== undefined;
  const found = all.map((change) =>
    updatable || change.root === "tags" || change.root === "tagsAll" ? change : { ...change, replaces: true },
  );
  const replaces = [...new Set(found.filter((change) => change.replaces).map((change) => change.root))];
  const name = autoNamed(type);
  const nameWasGiven = name !== undefined && !isDefaulted(inputs, name);
  return {
    changes: found,
    replaces,
    deleteBeforeReplace: replaces.length > 0 && (nameWasGiven || type.deleteBeforeReplace === true),
  };
}

/** Previews a create: its inputs, and unknowns for the values that AWS fills in. */
export function previewCreate(type: ResourceType, inputs: Values): Values {
  const filledIn = [
    ...type.outputs,
    ...Object.entries(type.fields).flatMap(([name, field]) => (field.computed === true ? [name] : [])),
  ];
  return { ...Object.fromEntries(filledIn.map((name) => [name, unknown])), ...withoutMarks(inputs), id: unknown };
}

/** Previews an update. */
export function previewUpdate(type: ResourceType, id: string, before: Values, inputs: Values): Values {
  const found = changes(type.fields, before, withoutMarks(inputs));
  const moving = found.some(({ root }) => root !== "tags" && root !== "tagsAll") ? (type.movingOutputs ?? []) : [];
  return { ...before, ...withoutMarks(inputs), ...Object.fromEntries(moving.map((name) => [name, unknown])), id };
}

/** Creates a resource and reads it. Throws PartialStateError if AWS has created it but a later step failed. */
export async function create(type: ResourceType, inputs: Values, tags: TagRules, scope: Scope): Promise<ReadResult> {
  const clean = withoutMarks(inputs);
  let made: string | undefined;
  const noting: Scope = { ...scope, created: (id) => (made = id) };
  try {
    const id = await type.create(clean, noting);
    made = id;
    const known = await read(type, id, clean, tags, scope);
    if (known === undefined) throw new ProviderError(`AWS made ${id} but does not find it when it is read`);
    return known;
  } catch (error) {
    if (made === undefined) throw error;
    const now = await read(type, made, clean, tags, scope).catch(() => undefined);
    throw partialState(made, now?.state ?? { ...clean, id: made }, inputs, error);
  }
}

/** Updates a resource, tags first, and reads it. If a step fails, throws PartialStateError with AWS's current state. */
export async function update(
  type: ResourceType,
  id: string,
  before: Values,
  inputs: Values,
  tags: TagRules,
  scope: Scope,
): Promise<ReadResult> {
  const clean = withoutMarks(inputs);
  const changed = new Set(changes(type.fields, before, clean).map((change) => change.root));
  try {
    if (changed.has("tagsAll")) await retag(type, id, before, clean, scope);
    changed.delete("tags");
    changed.delete("tagsAll");
    if (changed.size > 0) {
      if (type.update === undefined) throw new ProviderError(`${type.token} cannot be updated in place`);
      await type.update({ id, inputs: clean, before, changed }, scope);
    }
    const known = await read(type, id, { ...before, ...clean }, tags, scope, clean);
    if (known === undefined) throw new ProviderError(`${id} was not found after its update`);
    return known;
  } catch (error) {
    // With AWS's current state, the next deployment repeats only the missing steps; without it, the engine keeps the
    // state from before.
    const now = await read(type, id, { ...before, ...clean }, tags, scope).catch(() => undefined);
    throw now === undefined ? error : partialState(id, now.state, inputs, error);
  }
}

async function retag(type: ResourceType, id: string, before: Values, clean: Values, scope: Scope): Promise<void> {
  if (type.tagging === undefined) throw new ProviderError(`${type.token} has no tags`);
  const all = texts(clean["tagsAll"]);
  const target = { id, arn: typeof before["arn"] === "string" ? before["arn"] : id, all };
  const olds = texts(before["tagsAll"]);
  const changed = Object.fromEntries(Object.entries(all).filter(([key, value]) => olds[key] !== value));
  const removed = Object.keys(olds).filter((key) => !(key in all));
  await type.tagging(target, changed, removed, scope);
}

function texts(value: unknown): Record<string, string> {
  return isRecord(value)
    ? Object.fromEntries(
        Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
      )
    : {};
}

/**
 * Reads a resource; undefined if it does not exist. `known` is its last state or its inputs, empty for an import;
 * `written` are the program's values, whose spelling is kept if AWS's mean the same.
 */
export async function read(
  type: ResourceType,
  id: string,
  known: Values,
  tags: TagRules,
  scope: Scope,
  written: Values = known,
): Promise<ReadResult | undefined> {
  const found = await type.read(id, scope, known);
  if (found === undefined) return undefined;
  const state = merge(type, written, known, found, tags);
  const realId = typeof found["id"] === "string" ? found["id"] : id;
  return { id: realId, state: { ...state, id: realId } };
}

function merge(type: ResourceType, written: Values, known: Values, found: State, tags: TagRules): Values {
  const state: Record<string, unknown> = {};
  const answers: State = isRecord(found["tags"])
    ? { ...found, ...readTags(tags, texts(found["tags"]), written["tags"]) }
    : found;
  for (const [name, field] of Object.entries(type.fields)) {
    state[name] = name in answers ? reconcile(field, written[name], answers[name]) : known[name];
  }
  for (const name of type.outputs) state[name] = name in answers ? answers[name] : known[name];
  return toValues(state);
}

/** Returns the inputs that a program would have for the read state; for an import, all set values without defaults. */
export function inputsOf(type: ResourceType, state: Values, oldInputs: Values): Values {
  if (Object.keys(oldInputs).length > 0) return blockInputs(type.fields, oldInputs, state);
  const set = Object.entries(type.fields).filter(
    ([name, field]) => changes({ [name]: { ...field, computed: true } }, {}, { [name]: state[name] }).length > 0,
  );
  const given = set.filter(([name, field]) => JSON.stringify(field.default) !== JSON.stringify(state[name]));
  return toValues({ ...Object.fromEntries(given.map(([name]) => [name, state[name]])), [defaultsKey]: [] });
}

/**
 * Returns the properties of `state` that `old` inputs have, with their marks: values that AWS has filled in are not
 * inputs.
 */
function blockInputs(fields: Fields, old: Values, state: Values): Values {
  return Object.fromEntries(
    Object.entries(old).flatMap(([name, value]) => {
      const [field, now] = [fields[name], state[name]];
      if (field === undefined) return [[name, value]];
      return now === undefined ? [] : [[name, inputOf(field, value, now)]];
    }),
  );
}

function inputOf(field: Property, old: Value, now: Value): Value {
  const { item } = field;
  if (item !== undefined && Array.isArray(now) && Array.isArray(old)) {
    return now.map((value, index) => inputOf(item, old[index] ?? null, value));
  }
  return field.kind === "block" && isRecord(now) && isRecord(old)
    ? blockInputs(field.fields ?? {}, toValues(old), toValues(now))
    : now;
}

function partialState(id: string, state: Values, inputs: Values, error: unknown): PartialStateError {
  const reason = error instanceof Error ? error.message : String(error);
  const why = error instanceof CancelledError ? `${reason}; AWS's current state of it was kept` : reason;
  return new PartialStateError(id, state, inputs, why, error);
}
