/** Tags: the program's, the provider's default and ignored ones, and the calls that change them. */
import { inputOf } from "./clients.ts";
import type { Operation, ServiceName } from "./clients.ts";
import { fromMembers, hasMember, toMembers } from "./mapping.ts";
import type { Members, Properties } from "./mapping.ts";
import { mapField, stringField } from "./properties.ts";
import type { Scope, Tagging, TagTarget } from "./resource.ts";
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
export function readTags(rules: TagRules, onAws: Record<string, string>, written: Value | undefined): Values {
  const ours = Object.fromEntries(Object.entries(onAws).filter(([key]) => !key.startsWith("aws:")));
  const tagsAll = keep(rules, ours);
  const writtenTags = isRecord(written) ? (written as Record<string, Value>) : {};
  const tags = Object.fromEntries(
    Object.entries(tagsAll).filter(([key, value]) => key in writtenTags || rules.defaults[key] !== value),
  );
  return { tags, tagsAll };
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

const tagFields = { Tags: mapField({ member: ["Tags", "Tagging.TagSet", "TagSet"] }) };

/** Returns the members of a tag call, with the resource's ARN or the name that its other calls have. */
function inputFor(row: Row, operation: string, values: Properties): Members {
  return toMembers({ ...row.fields, ...tagFields }, values, inputOf(row.service, operation));
}

/**
 * Returns the member of a creating call for tags; none if there are no tags, because some of AWS's calls refuse an
 * empty list.
 */
export function tagsAtCreation(row: Row, operation: string, tags: unknown): Members {
  return Object.keys(tags ?? {}).length === 0
    ? {}
    : toMembers(tagFields, { Tags: tags }, inputOf(row.service, operation));
}

/** Returns all tags of a resource, by its key or from the answers of the calls that read it. */
export async function listTags(
  row: Row,
  { list }: TagCalls,
  key: Properties,
  answer: Members,
  scope: Scope,
): Promise<Members> {
  const tags: Members = {};
  const add = (found: Members) => Object.assign(tags, fromMembers(tagFields, found)["Tags"]);
  if (list === undefined) add(answer);
  else for await (const page of scope.aws.pages(row.service, list, inputFor(row, list, key))) add(page);
  return tags;
}

/** Makes the function by which lifecycle.ts changes the tags of a row's resources. */
export function taggingOf(row: Row, { set, remove, clear }: TagCalls): Tagging {
  const call = async (operation: string, { id, arn }: TagTarget, scope: Scope, values: Properties) => {
    const byArn = hasMember("ResourceArn", stringField(), inputOf(row.service, operation));
    const key = byArn ? { ResourceArn: arn } : row.identity.keyOf(id, {});
    await scope.aws.call(row.service, operation, inputFor(row, operation, { ...key, ...values }));
  };
  return async (target, changed, removed, scope) => {
    if (remove === undefined) {
      const isEmpty = Object.keys(target.all).length === 0;
      await call(isEmpty ? (clear ?? set) : set, target, scope, { Tags: target.all });
      return;
    }
    if (removed.length > 0) await call(remove, target, scope, { TagKeys: removed });
    if (Object.keys(changed).length > 0) await call(set, target, scope, { Tags: changed });
  };
}
