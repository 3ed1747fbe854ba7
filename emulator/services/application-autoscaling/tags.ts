/** Tags of scalable targets, by ARN. */

import type { ApplicationAutoScaling } from "@aws-sdk/client-application-auto-scaling";
import type { Autoscaler } from "../../core/autoscaler.ts";
import { AwsError, validationException } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import { tagLimit, TagStore } from "../tags.ts";
import type { Tag } from "../tags.ts";

/** Converts tags from this service's format. */
export function tagsOf(tags: Readonly<Record<string, string>> = {}): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** Creates an empty store of tags for the autoscaler's targets. */
export function targetTags(autoscaler: Pick<Autoscaler, "targets">): TagStore {
  return new TagStore({
    exists: (arn) => autoscaler.targets().some((target) => target.arn === arn),
    missing: (arn) =>
      new AwsError("ResourceNotFoundException", "The specified resource doesn't exist.", 400, { ResourceName: arn }),
    reserved: (key) => validationException(`Tag keys that start with "aws:" are reserved: ${key}`),
    tooMany(arn) {
      const members = arn === undefined ? {} : { ResourceName: arn };
      return new AwsError("TooManyTagsException", `A resource has at most ${tagLimit} tags.`, 400, members);
    },
  });
}

/** Returns the handlers of the tag operations. */
export function tagHandlers(tags: TagStore) {
  return {
    ListTagsForResource: ({ ResourceARN = "" }) => ({
      Tags: Object.fromEntries(tags.list(ResourceARN).map(({ Key, Value }) => [Key, Value])),
    }),
    TagResource({ ResourceARN = "", Tags }) {
      tags.add(ResourceARN, tagsOf(Tags));
      return {};
    },
    UntagResource({ ResourceARN = "", TagKeys }) {
      tags.remove(ResourceARN, TagKeys);
      return {};
    },
  } satisfies Handlers<ApplicationAutoScaling>;
}
