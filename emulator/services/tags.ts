/** Tags of a service's resources, by ARN. */

import type { AwsError } from "../wire/service.ts";

/** Maximum number of tags per resource; the same for all of AWS. */
export const tagLimit = 50;

/** A tag as most services spell it. */
export interface Tag {
  readonly Key: string | undefined;
  readonly Value: string | undefined;
}

/** Returns tags by key; of tags with the same key, the last one. */
export function tagsByKey(tags: readonly Tag[] = []): Readonly<Record<string, string>> {
  return Object.fromEntries(tags.map(({ Key = "", Value = "" }) => [Key, Value]));
}

/** Properties of a service's tags. */
export interface TagRules {
  /** Tells whether there is a resource of this ARN. */
  exists(arn: string): boolean;
  /** Makes the error for an ARN without a resource. */
  missing(arn: string): AwsError;
  /** Makes the error for a key that AWS reserves. */
  reserved(key: string): AwsError;
  /** Makes the error for more than `tagLimit` tags. The ARN is absent for a resource that is about to be created. */
  tooMany(arn: string | undefined): AwsError;
}

type TagMap = ReadonlyMap<string, string>;

/** Tags by ARN; the tags of a resource that no longer exists are dropped. */
export class TagStore {
  readonly #rules: TagRules;
  readonly #byArn = new Map<string, TagMap>();

  constructor(rules: TagRules) {
    this.#rules = rules;
  }

  /** @throws for tags that AWS refuses */
  check(tags: readonly Tag[] = []): void {
    this.#merge(new Map(), tags);
  }

  /**
   * Stores the tags of a new resource.
   * @throws for tags that AWS refuses
   */
  create(arn: string, tags: readonly Tag[] = []): void {
    for (const known of this.#byArn.keys()) if (!this.#rules.exists(known)) this.#byArn.delete(known);
    this.#byArn.set(arn, this.#merge(new Map(), tags));
  }

  /**
   * Returns the tags of a resource.
   * @throws if there is none
   */
  list(arn: string): { Key: string; Value: string }[] {
    return [...this.#of(arn)].map(([Key, Value]) => ({ Key, Value }));
  }

  /** Returns the tags of a resource by key; none if there is no such resource. */
  find(arn: string): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#rules.exists(arn) ? (this.#byArn.get(arn) ?? []) : []);
  }

  /**
   * Adds tags to a resource, or changes their values.
   * @throws if there is none, and for tags that AWS refuses
   */
  add(arn: string, tags: readonly Tag[] = []): void {
    this.#byArn.set(arn, this.#merge(this.#of(arn), tags, arn));
  }

  /**
   * Removes tags from a resource.
   * @throws if there is none
   */
  remove(arn: string, keys: readonly string[] = []): void {
    this.#byArn.set(arn, new Map([...this.#of(arn)].filter(([key]) => !keys.includes(key))));
  }

  #of(arn: string): TagMap {
    if (!this.#rules.exists(arn)) throw this.#rules.missing(arn);
    return this.#byArn.get(arn) ?? new Map<string, string>();
  }

  #merge(existing: TagMap, tags: readonly Tag[], arn?: string): TagMap {
    const merged = new Map(existing);
    for (const { Key = "", Value = "" } of tags) {
      if (Key.toLowerCase().startsWith("aws:")) throw this.#rules.reserved(Key);
      merged.set(Key, Value);
    }
    if (merged.size > tagLimit) throw this.#rules.tooMany(arn);
    return merged;
  }
}
