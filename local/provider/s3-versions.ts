/** Deletes all versions of objects, page by page. */
import { DeleteObjectsCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import { ProviderError } from "./errors.ts";
import type { Scope } from "./resource.ts";

/** Deletes every version and delete marker in a bucket, or of one key. Throws ProviderError if AWS keeps one. */
export async function deleteVersions({ aws }: Scope, bucket: string, key?: string): Promise<void> {
  let marker: { KeyMarker: string | undefined; VersionIdMarker: string | undefined } | undefined;
  do {
    const page = await aws.s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key, ...marker }));
    const objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].flatMap(({ Key, VersionId }) =>
      Key === undefined || (key !== undefined && Key !== key) ? [] : [{ Key, VersionId }],
    );
    if (objects.length > 0) {
      const answer = await aws.s3.send(
        new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } }),
      );
      const kept = answer.Errors?.[0];
      if (kept !== undefined) {
        throw new ProviderError(
          `Object ${kept.Key ?? "?"} of bucket ${bucket} cannot be deleted: ${kept.Code ?? ""}: ${kept.Message ?? ""}`,
        );
      }
    }
    marker =
      page.IsTruncated === true
        ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
        : undefined;
  } while (marker !== undefined);
}
