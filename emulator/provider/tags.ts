/** Tags: the program's, the provider's default and ignored ones, and the calls that change them. */
import type { Operation, ServiceName } from "./clients.ts";
import { fromMembers, inputFor, tagFields } from "./mapping.ts";
import type { Members, Properties } from "./mapping.ts";
import type { Scope, Update } from "./resource.ts";
import type { Row } from "./row.ts";
import { isRecord, unknown } from "./values.ts";
import type { Value, Values } from "./values.ts";

/** The provider's rules for tags. */
export interface TagRules {
  readonly defaults: Readonly<Record<string, string>>;
  readonly ignoredKeys: readonly string[];
  readonly ignoredPrefixes: readonly string[];
}

function keep({ ignoredKeys, ignoredPrefixes }: TagRules, tags: Values): Values {
  const isIgnored = (key: string): boolean =>
    ignoredKeys.includes(key) || ignoredPrefixes.some((prefix) => key.startsWith(prefix));
  return Object.fromEntries(Object.entries(tags).filter(([key, value]) => !isIgnored(key) && value !== null));
}

/** Returns the tags of a resource whose program has `tags`: the defaults overlaid by them, without the ignored ones. */
export function allTags(rules: TagRules, tags: Value | undefined): Value {
  if (tags === unknown) return unknown;
  return keep(rules, { ...rules.defaults, ...(isRecord(tags) ? tags : {}) });
}

/**
 * Returns the tags in a state that was read: `tagsAll` has all of AWS's tags except reserved and ignored ones, `tags`
 * has those without the defaults.
 */
export function readTags(rules: TagRules, onAws: object, written: Value | undefined): Values {
  const ours = Object.entries(onAws).filter(([key]) => !key.startsWith("aws:"));
  const tagsAll = keep(rules, Object.fromEntries(ours));
  const isProgrammed = ([key, value]: [string, Value]): boolean =>
    (isRecord(written) && key in written) || rules.defaults[key] !== value;
  return { tags: Object.fromEntries(Object.entries(tagsAll).filter(isProgrammed)), tagsAll };
}

/** Operations that set, remove and list a resource's tags: names, keys and formats differ between services. */
export interface TagCalls<S extends ServiceName = ServiceName> {
  readonly set: Operation<S>;
  /** Absent if `set` replaces all tags. */
  readonly remove?: Operation<S>;
  /** Removes all tags, for a `set` that replaces all and accepts no empty list. */
  readonly clear?: Operation<S>;
  /** Absent if the calls that read the resource return its tags. */
  readonly list?: Operation<S>;
}

/** Returns the properties by which the calls for tags may name a resource: its ARN, and the key of its other calls. */
const keyOf = (row: Row, id: string, state: Properties): Properties => ({
  ...row.identity.keyOf(id, state),
  ResourceArn: state["arn"] ?? id,
});

/** Returns all tags of a resource with a state, from a separate call or from the answers of the calls that read it. */
export async function listTags(
  row: Row,
  id: string,
  state: Properties,
  answer: Members,
  scope: Scope,
): Promise<Members | undefined> {
  if (row.tags === undefined) return undefined;
  const tags: Members = {};
  const { list } = row.tags;
  const add = (found: Members) => Object.assign(tags, fromMembers(tagFields, found)["Tags"]);
  if (list === undefined) return add(answer);
  for await (const page of scope.aws.pages(row.service, list, inputFor(row, list, keyOf(row, id, state)))) add(page);
  return tags;
}

/** Changes the tags of a resource: removes keys, then sets tags. */
export async function retag(row: Row, { id, inputs, before }: Update, scope: Scope): Promise<void> {
  if (row.tags === undefined) return;
  const { set, remove, clear = set } = row.tags;
  const [olds, all] = [before, inputs].map(({ tagsAll }) => (isRecord(tagsAll) ? tagsAll : {})) as [Members, Members];
  const call = async (operation: string, values: Properties) => {
    const input = inputFor(row, operation, { ...keyOf(row, id, before), ...values });
    await scope.aws.call(row.service, operation, input);
  };
  const changed = Object.entries(all).filter(([key, value]) => olds[key] !== value);
  const TagKeys = Object.keys(olds).filter((key) => !(key in all));
  if (remove === undefined) {
    await call(Object.keys(all).length === 0 ? clear : set, { Tags: all });
    return;
  }
  if (TagKeys.length > 0) await call(remove, { TagKeys });
  if (changed.length > 0) await call(set, { Tags: Object.fromEntries(changed) });
}
