/** Tags of SageMaker resources, by ARN. */

import type {
  AddTagsInput,
  AddTagsOutput,
  DeleteTagsInput,
  DeleteTagsOutput,
  ListTagsInput,
  ListTagsOutput,
  Tag,
} from "@aws-sdk/client-sagemaker";
import { AwsError } from "../../wire/service.ts";

// Quota of tags per resource; the same for all of AWS.
const tagLimit = 50;

/** Tags by ARN. */
export class Tags {
  readonly #byArn = new Map<string, Map<string, string>>();

  /** Stores the tags of a new resource. Throws ValidationException for tags that AWS reserves. */
  create(arn: string, tags: readonly Tag[] = []): void {
    const own = new Map<string, string>();
    merge(own, tags);
    this.#byArn.set(arn, own);
  }

  /** Checks the tags of a resource that is about to be created. */
  check(tags: readonly Tag[] = []): void {
    merge(new Map(), tags);
  }

  forget(arn: string): void {
    this.#byArn.delete(arn);
  }

  readonly handlers = {
    AddTags: ({ ResourceArn = "", Tags: tags = [] }: AddTagsInput): AddTagsOutput => {
      const merged = new Map(this.#of(ResourceArn));
      merge(merged, tags);
      this.#byArn.set(ResourceArn, merged);
      return { Tags: toList(merged) };
    },
    DeleteTags: ({ ResourceArn = "", TagKeys = [] }: DeleteTagsInput): DeleteTagsOutput => {
      const own = this.#of(ResourceArn);
      for (const key of TagKeys) own.delete(key);
      return {};
    },
    // A resource has up to 50 tags and a page at least 50: there is never a second page.
    ListTags: ({ ResourceArn = "" }: ListTagsInput): ListTagsOutput => ({ Tags: toList(this.#of(ResourceArn)) }),
  };

  #of(arn: string): Map<string, string> {
    const own = this.#byArn.get(arn);
    if (own === undefined) throw new AwsError("ValidationException", `Could not find resource "${arn}".`);
    return own;
  }
}

function merge(own: Map<string, string>, tags: readonly Tag[]): void {
  for (const { Key = "", Value = "" } of tags) {
    if (Key.toLowerCase().startsWith("aws:")) {
      throw new AwsError("ValidationException", `aws: prefixed tag key names are not allowed for external use: ${Key}`);
    }
    own.set(Key, Value);
  }
  if (own.size > tagLimit) {
    throw new AwsError("ValidationException", `The number of tags exceeds the limit of ${tagLimit}.`);
  }
}

function toList(own: ReadonlyMap<string, string>): Tag[] {
  return [...own].map(([Key, Value]) => ({ Key, Value }));
}
