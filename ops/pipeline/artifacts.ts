/** Deletes old model artifacts that no model uses: `pipeline artifacts`. */
import { DeleteObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { DescribeModelCommand, paginateListModels, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { z } from "zod";
import { closing } from "../../lib/closing.ts";
import { printable } from "../../lib/printable.ts";
import { remedyFor } from "../../lib/remedies.ts";
import { requestHandler } from "../../lib/proxies.ts";
import { describe, UserError } from "../../lib/errors.ts";
import type { Job } from "./job.ts";
import { stackOutputs } from "./pulumi.ts";

/** An artifact in the stack's bucket. */
export interface Artifact {
  /** Its s3:// address, as in a Model. */
  readonly url: string;
  /** Time of the upload, ms since 1970. */
  readonly uploadedAt: number;
}

const outputs = z.object({
  region: z.string(),
  modelLocation: z.string().regex(/^s3:\/\/[^/]+\/.+$/),
  artifactRetentionDays: z.number(),
});

const day = 24 * 3600 * 1000;
/** Number of the newest artifacts that are kept at any age: the deployed one, and the one for a rollback. */
const alwaysKept = 2;

/**
 * Returns the artifacts that may be deleted: older than the retention, used by no model, and not among the newest two.
 * @param used s3:// addresses that existing models name
 * @param retention days
 * @param now ms since 1970
 */
export function obsoleteArtifacts(
  artifacts: readonly Artifact[],
  used: ReadonlySet<string>,
  retention: number,
  now: number,
): Artifact[] {
  const oldFirst = artifacts.toSorted((one, other) => one.uploadedAt - other.uploadedAt);
  return oldFirst
    .slice(0, Math.max(0, oldFirst.length - alwaysKept))
    .filter(({ url, uploadedAt }) => !used.has(url) && now - uploadedAt > retention * day);
}

/**
 * Pulumi keeps every artifact that it replaces, because an endpoint whose update SageMaker rolled back starts from an older
 * one. This step deletes those that are no longer needed. Run it after a successful smoke test.
 * @throws UserError if AWS refuses a call
 */
export async function artifacts(stack: string, job: Job): Promise<void> {
  const { region, modelLocation, artifactRetentionDays } = outputs.parse(await stackOutputs(stack, job));
  const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/(.+?)\/?$/.exec(modelLocation) ?? [];
  const forcePathStyle = job.environment["AWS_ENDPOINT_URL"] !== undefined;
  using s3 = closing(new S3Client({ region, requestHandler, forcePathStyle }));
  using sagemaker = closing(new SageMakerClient({ region, requestHandler }));
  try {
    const found: Artifact[] = [];
    for await (const { Contents = [] } of paginateListObjectsV2(
      { client: s3 },
      { Bucket: bucket, Prefix: `${prefix}/` },
    )) {
      for (const { Key = "", LastModified } of Contents) {
        if (LastModified === undefined) continue;
        found.push({ url: `s3://${bucket}/${Key}`, uploadedAt: LastModified.getTime() });
      }
    }
    const used = await usedArtifacts(sagemaker);
    const obsolete = obsoleteArtifacts(found, used, artifactRetentionDays, Date.now());
    for (const { url } of obsolete) {
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: url.slice(`s3://${bucket}/`.length) }));
      job.stdout.write(
        `Deleted ${printable(url)}: no model uses it, and it is older than ${artifactRetentionDays} days.\n`,
      );
    }
    job.stdout.write(
      `Kept ${found.length - obsolete.length} of ${found.length} artifacts in ${printable(modelLocation)}.\n`,
    );
  } catch (error) {
    throw new UserError(
      `The artifacts of the stack ${stack} cannot be cleaned up: ${describe(error)}. The stack itself is deployed.`,
      { cause: error, hint: remedyFor(error) },
    );
  }
}

/**
 * Returns the addresses in the account's models. A model that the role may not read is another stack's: its execution role
 * cannot read this stack's bucket.
 */
async function usedArtifacts(client: SageMakerClient): Promise<Set<string>> {
  const used = new Set<string>();
  for await (const { Models = [] } of paginateListModels({ client }, {})) {
    for (const { ModelName } of Models) {
      try {
        const { PrimaryContainer, Containers = [] } = await client.send(new DescribeModelCommand({ ModelName }));
        for (const container of [PrimaryContainer, ...Containers]) {
          if (container?.ModelDataUrl !== undefined) used.add(container.ModelDataUrl);
        }
      } catch (error) {
        if ((error as Error).name !== "AccessDeniedException") throw error;
      }
    }
  }
  return used;
}
