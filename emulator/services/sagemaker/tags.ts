/** Tags of SageMaker resources, by ARN. */

import type { SageMaker } from "@aws-sdk/client-sagemaker";
import { validationException } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import { tagLimit, TagStore } from "../tags.ts";

/**
 * Creates an empty store of tags.
 * @param exists tells whether there is a resource of this ARN
 */
export function resourceTags(exists: (arn: string) => boolean): TagStore {
  return new TagStore({
    exists,
    missing: (arn) => validationException(`Could not find resource "${arn}".`),
    reserved: (key) => validationException(`aws: prefixed tag key names are not allowed for external use: ${key}`),
    tooMany: () => validationException(`The number of tags exceeds the limit of ${tagLimit}.`),
  });
}

/** Returns the handlers of the tag operations. */
export function tagHandlers(tags: TagStore) {
  return {
    AddTags({ ResourceArn = "", Tags }) {
      tags.add(ResourceArn, Tags);
      return { Tags: tags.list(ResourceArn) };
    },
    DeleteTags({ ResourceArn = "", TagKeys }) {
      tags.remove(ResourceArn, TagKeys);
      return {};
    },
    // A resource has up to 50 tags and a page at least 50: there is never a second page.
    ListTags: ({ ResourceArn = "" }) => ({ Tags: tags.list(ResourceArn) }),
  } satisfies Handlers<SageMaker>;
}
