/** Resources of the emulated SageMaker by name: models, endpoint configurations, endpoints, each with its tags. */

import type { ListModelsInput } from "@aws-sdk/client-sagemaker";
import { validationException } from "../../wire/service.ts";
import { pager } from "../page.ts";
import type { Page } from "../page.ts";

/** Kind of a resource, as in its ARN. */
export type Kind = "model" | "endpoint-config" | "endpoint";

/** A resource with a name. */
export interface Named {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: Date;
}

/** Filters and order of a list operation. */
export type ListOptions = Omit<ListModelsInput, "SortBy"> & { readonly SortBy?: string | undefined };

const paged = pager("ValidationException", "Invalid pagination token");

/** Resources of one kind. */
export class Registry<Item extends Named> {
  /** The kind in messages. */
  readonly #words: string;
  readonly #arnPrefix: string;
  // Names are unique regardless of case (API reference, CreateEndpoint).
  readonly #items = new Map<string, Item>();

  constructor(kind: Kind, region: string, accountId: string) {
    this.#words = kind.replace("-config", " configuration");
    this.#arnPrefix = `arn:aws:sagemaker:${region}:${accountId}:${kind}/`;
  }

  arnOf(name: string): string {
    return this.#arnPrefix + name;
  }

  /**
   * Checks that the name is free.
   * @throws {AwsError} ValidationException if it is taken
   */
  assertFree(name: string): void {
    if (this.#items.has(name.toLowerCase())) {
      throw validationException(`Cannot create already existing ${this.#words} "${this.arnOf(name)}".`);
    }
  }

  add(item: Item): void {
    this.assertFree(item.name);
    this.#items.set(item.name.toLowerCase(), item);
  }

  find(name: string): Item | undefined {
    return this.#items.get(name.toLowerCase());
  }

  /**
   * Returns the item of that name.
   * @throws {AwsError} ValidationException if there is none
   */
  get(name: string): Item {
    const found = this.find(name);
    if (found === undefined) {
      throw validationException(`Could not find ${this.#words} "${this.arnOf(name)}".`);
    }
    return found;
  }

  /** Removes exactly this item; a newer one of the same name stays. */
  remove(item: Item): void {
    if (this.find(item.name) === item) this.#items.delete(item.name.toLowerCase());
  }

  /** Tells whether there is a resource of this ARN. */
  has(arn: string): boolean {
    return this.values().some((item) => item.arn === arn);
  }

  values(): Item[] {
    return [...this.#items.values()];
  }

  /** Returns one page; SageMaker's lists start with the newest by default. */
  list(options: ListOptions, matches: (item: Item) => boolean = () => true): Page<Item> {
    const { NameContains, CreationTimeBefore, CreationTimeAfter, SortBy, MaxResults, NextToken } = options;
    const ascending = options.SortOrder === "Ascending" ? 1 : -1;
    const compare =
      SortBy === "Name"
        ? (a: Item, b: Item) => a.name.localeCompare(b.name)
        : (a: Item, b: Item) => a.createdAt.getTime() - b.createdAt.getTime();
    const found = this.values()
      .filter(
        (item) =>
          (NameContains === undefined || item.name.includes(NameContains)) &&
          (CreationTimeBefore === undefined || item.createdAt < CreationTimeBefore) &&
          (CreationTimeAfter === undefined || item.createdAt > CreationTimeAfter) &&
          matches(item),
      )
      .sort((a, b) => ascending * compare(a, b));
    // 10 is the default of SageMaker's list operations.
    return paged(found, MaxResults ?? 10, NextToken);
  }
}
