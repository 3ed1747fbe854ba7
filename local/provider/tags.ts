/** Tags: the program's, the provider's default ones, and those that the provider leaves alone. */
import { isRecord, unknown } from "./values.ts";
import type { Value, Values } from "./values.ts";

/** The provider's rules for tags. */
export interface TagRules {
  readonly defaults: Readonly<Record<string, string>>;
  readonly ignoredKeys: readonly string[];
  readonly ignoredPrefixes: readonly string[];
}

/** Tags as most of AWS's APIs write them. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

function isIgnored(rules: TagRules, key: string): boolean {
  return rules.ignoredKeys.includes(key) || rules.ignoredPrefixes.some((prefix) => key.startsWith(prefix));
}

function keep(rules: TagRules, tags: Values): Values {
  return Object.fromEntries(Object.entries(tags).filter(([key, value]) => !isIgnored(rules, key) && value !== null));
}

/** The tags of a resource whose program gives `tags`: the defaults overlaid by them, less the ignored ones. */
export function allTags(rules: TagRules, tags: Value | undefined): Value {
  if (tags === unknown) return unknown;
  return keep(rules, { ...rules.defaults, ...(isRecord(tags) ? tags : {}) });
}

/** What a read answers: `tagsAll` is all that AWS has but its own and the ignored ones, `tags` is that less the defaults. */
export function readTags(rules: TagRules, onAws: Record<string, string>, written: Value | undefined): Values {
  const ours = Object.fromEntries(Object.entries(onAws).filter(([key]) => !key.startsWith("aws:")));
  const tagsAll = keep(rules, ours);
  const writtenTags = isRecord(written) ? (written as Record<string, Value>) : {};
  const tags = Object.fromEntries(
    Object.entries(tagsAll).filter(([key, value]) => key in writtenTags || rules.defaults[key] !== value),
  );
  return { tags, tagsAll };
}

/** The tags to set and the keys to remove to come from `before` to `after`. */
export function tagChanges(
  before: Record<string, string>,
  after: Record<string, string>,
): { set: Record<string, string>; remove: string[] } {
  return {
    set: Object.fromEntries(Object.entries(after).filter(([key, value]) => before[key] !== value)),
    remove: Object.keys(before).filter((key) => !(key in after)),
  };
}

/** As AWS's lists of Key and Value; undefined if there are none, because AWS refuses an empty list here and there. */
export function toTagList(tags: Record<string, string>): Tag[] | undefined {
  const all = Object.entries(tags).map(([Key, value]) => ({ Key, Value: value }));
  return all.length === 0 ? undefined : all;
}

/** The other way round. */
export function fromTagList(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined,
): Record<string, string> {
  return Object.fromEntries((tags ?? []).flatMap(({ Key, Value }) => (Key === undefined ? [] : [[Key, Value ?? ""]])));
}
