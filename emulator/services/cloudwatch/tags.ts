/** Tags of alarms and dashboards, by ARN. */

import type {
  ListTagsForResourceInput,
  ListTagsForResourceOutput,
  Tag,
  TagResourceInput,
  UntagResourceInput,
} from "@aws-sdk/client-cloudwatch";
import { AwsError } from "../../wire/service.ts";
import { resourceMissing } from "./errors.ts";

/** Maximum number of tags per resource; the same for all of AWS. */
const tagLimit = 50;

/** Tags by ARN. */
export class ResourceTags {
  readonly #exists: (arn: string) => boolean;
  readonly #byArn = new Map<string, ReadonlyMap<string, string>>();

  /** @param exists tells whether there is a resource of this ARN */
  constructor(exists: (arn: string) => boolean) {
    this.#exists = exists;
  }

  /** Throws for tags that AWS refuses. */
  check(tags: readonly Tag[] = []): void {
    merge(new Map(), tags);
  }

  /** Stores the tags of a new resource. */
  create(arn: string, tags: readonly Tag[] = []): void {
    this.#byArn.set(arn, merge(new Map(), tags));
  }

  forget(arn: string): void {
    this.#byArn.delete(arn);
  }

  readonly handlers = {
    ListTagsForResource: ({ ResourceARN = "" }: ListTagsForResourceInput): ListTagsForResourceOutput => ({
      Tags: [...this.#of(ResourceARN)].map(([Key, Value]) => ({ Key, Value })),
    }),
    TagResource: ({ ResourceARN = "", Tags = [] }: TagResourceInput): object => {
      this.#byArn.set(ResourceARN, merge(this.#of(ResourceARN), Tags));
      return {};
    },
    UntagResource: ({ ResourceARN = "", TagKeys = [] }: UntagResourceInput): object => {
      const kept = [...this.#of(ResourceARN)].filter(([key]) => !TagKeys.includes(key));
      this.#byArn.set(ResourceARN, new Map(kept));
      return {};
    },
  };

  #of(arn: string): ReadonlyMap<string, string> {
    if (!this.#exists(arn)) throw resourceMissing(arn);
    return this.#byArn.get(arn) ?? new Map<string, string>();
  }
}

function merge(existing: ReadonlyMap<string, string>, tags: readonly Tag[]): ReadonlyMap<string, string> {
  const merged = new Map(existing);
  for (const { Key = "", Value = "" } of tags) {
    if (Key.toLowerCase().startsWith("aws:")) {
      throw new AwsError("InvalidParameterValue", `Tag keys that start with "aws:" are reserved: ${Key}`);
    }
    merged.set(Key, Value);
  }
  if (merged.size > tagLimit) {
    throw new AwsError("InvalidParameterValue", `A resource has at most ${tagLimit} tags.`);
  }
  return merged;
}
