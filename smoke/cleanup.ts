/** Removes the objects that the smoke test has uploaded or caused, with all their versions. */
import { DeleteObjectsCommand, ListObjectVersionsCommand } from "@aws-sdk/client-s3";
import type { ObjectIdentifier } from "@aws-sdk/client-s3";
import { explain, parseS3Uri } from "../client/src/index.ts";
import type { Stack } from "../client/src/index.ts";

/**
 * Deletes the objects at the given s3:// URIs. Returns one line for each object that the caller may not delete: the
 * buckets' lifecycle rules remove it later.
 */
export async function removeObjects(stack: Stack, uris: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const uri of uris) {
    try {
      await removeVersions(stack, uri);
    } catch (error) {
      left.push(`left for the bucket's lifecycle rules: ${uri}: ${explain(error)}`);
    }
  }
  return left;
}

async function removeVersions(stack: Stack, uri: string): Promise<void> {
  const { Bucket, Key } = parseS3Uri(uri);
  const { Versions = [], DeleteMarkers = [] } = await stack.s3.send(
    new ListObjectVersionsCommand({ Bucket, Prefix: Key }),
  );
  const Objects: ObjectIdentifier[] = [...Versions, ...DeleteMarkers]
    .filter((version) => version.Key === Key)
    .map(({ VersionId }) => ({ Key, VersionId }));
  if (Objects.length === 0) return;
  const { Errors = [] } = await stack.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
  const [first] = Errors;
  if (first !== undefined) throw new Error(`${first.Code ?? "Error"}: ${first.Message ?? "not deleted"}`);
}
