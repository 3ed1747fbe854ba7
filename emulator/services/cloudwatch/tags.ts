/** Tags of alarms and dashboards, by ARN. */

import type { CloudWatch } from "@aws-sdk/client-cloudwatch";
import { AwsError } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import { tagLimit, TagStore } from "../tags.ts";

/**
 * Creates an empty store of tags.
 * @param exists tells whether there is a resource of this ARN
 */
export function resourceTags(exists: (arn: string) => boolean): TagStore {
  return new TagStore({
    exists,
    missing: (arn) => new AwsError("ResourceNotFoundException", `Unknown resource ${arn}`, 404, { ResourceId: arn }),
    reserved: (key) => new AwsError("InvalidParameterValue", `Tag keys that start with "aws:" are reserved: ${key}`),
    tooMany: () => new AwsError("InvalidParameterValue", `A resource has at most ${tagLimit} tags.`),
  });
}

/** Returns the handlers of the tag operations. */
export function tagHandlers(tags: TagStore) {
  return {
    ListTagsForResource: ({ ResourceARN = "" }) => ({ Tags: tags.list(ResourceARN) }),
    TagResource({ ResourceARN = "", Tags }) {
      tags.add(ResourceARN, Tags);
      return {};
    },
    UntagResource({ ResourceARN = "", TagKeys }) {
      tags.remove(ResourceARN, TagKeys);
      return {};
    },
  } satisfies Handlers<CloudWatch>;
}
