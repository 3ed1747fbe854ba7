/** Tags of scalable targets, by ARN. */

import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  TagResourceRequest,
  UntagResourceRequest,
} from "@aws-sdk/client-application-auto-scaling";
import type { Autoscaler } from "../../core/autoscaler.ts";
import { AwsError } from "../../wire/service.ts";

/** Maximum number of tags per resource; the same for all of AWS. */
const tagLimit = 50;

type TagMap = Readonly<Record<string, string>>;

/** Tags of scalable targets. */
export interface TargetTags {
  /** Throws for tags that AWS refuses. */
  check(tags: TagMap | undefined): void;
  create(arn: string, tags: TagMap | undefined): void;
  readonly handlers: {
    ListTagsForResource(input: ListTagsForResourceRequest): ListTagsForResourceResponse;
    TagResource(input: TagResourceRequest): object;
    UntagResource(input: UntagResourceRequest): object;
  };
}

/** Creates an empty store of tags for the autoscaler's targets. */
export function targetTags(autoscaler: Pick<Autoscaler, "targets">): TargetTags {
  const byArn = new Map<string, TagMap>();

  const of = (arn: string): TagMap => {
    if (!autoscaler.targets().some((target) => target.arn === arn)) {
      throw new AwsError("ResourceNotFoundException", "The specified resource doesn't exist.", 400, {
        ResourceName: arn,
      });
    }
    return byArn.get(arn) ?? {};
  };

  const check = (tags: TagMap = {}, arn?: string): void => {
    const reserved = Object.keys(tags).find((key) => key.toLowerCase().startsWith("aws:"));
    if (reserved !== undefined) {
      throw new AwsError("ValidationException", `Tag keys that start with "aws:" are reserved: ${reserved}`);
    }
    if (Object.keys(tags).length > tagLimit) {
      const members = arn === undefined ? {} : { ResourceName: arn };
      throw new AwsError("TooManyTagsException", `A resource has at most ${tagLimit} tags.`, 400, members);
    }
  };

  return {
    check,
    create(arn, tags = {}) {
      const alive = new Set(autoscaler.targets().map((target) => target.arn));
      for (const other of [...byArn.keys()]) if (!alive.has(other)) byArn.delete(other);
      byArn.set(arn, tags);
    },
    handlers: {
      ListTagsForResource: ({ ResourceARN = "" }) => ({ Tags: of(ResourceARN) }),
      TagResource({ ResourceARN = "", Tags = {} }) {
        const merged = { ...of(ResourceARN), ...Tags };
        check(merged, ResourceARN);
        byArn.set(ResourceARN, merged);
        return {};
      },
      UntagResource({ ResourceARN = "", TagKeys = [] }) {
        const kept = Object.entries(of(ResourceARN)).filter(([key]) => !TagKeys.includes(key));
        byArn.set(ResourceARN, Object.fromEntries(kept));
        return {};
      },
    },
  };
}
