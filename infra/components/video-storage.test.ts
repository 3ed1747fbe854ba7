/** Tests the stack's buckets. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { statements } from "../testing/documents.ts";
import { keyArn, registrationsOf } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";
import { VideoStorage } from "./video-storage.ts";
import type { VideoStorageArgs } from "./video-storage.ts";

async function storage(args: Partial<VideoStorageArgs> = {}): Promise<Registrations> {
  const { registrations } = await registrationsOf(() => {
    new VideoStorage("clips", { keyArn, ...args });
  });
  return registrations;
}

describe("VideoStorage", () => {
  let registrations: Registrations;

  before(async () => {
    registrations = await storage();
  });

  for (const bucket of ["clips-input", "clips-output"]) {
    describe(bucket, () => {
      function settings(kind: string): Readonly<Record<string, unknown>> {
        const { inputs } = registrations.one(`aws:s3/${kind}`, bucket);
        assert.equal(inputs["bucket"], `${bucket}-0a1b2c3`);
        return inputs;
      }

      it("is private, by all four blocks", () => {
        const blocks = settings("bucketPublicAccessBlock:BucketPublicAccessBlock");
        assert.deepEqual(blocks, {
          bucket: `${bucket}-0a1b2c3`,
          blockPublicAcls: true,
          blockPublicPolicy: true,
          ignorePublicAcls: true,
          restrictPublicBuckets: true,
        });
      });

      it("owns objects that other accounts write", () => {
        const { rule } = settings("bucketOwnershipControls:BucketOwnershipControls");
        assert.deepEqual(rule, { objectOwnership: "BucketOwnerEnforced" });
      });

      it("is encrypted with the stack's key, with one key request for many objects", () => {
        const { rules } = settings("bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration");
        assert.deepEqual(rules, [
          {
            applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: keyArn },
            bucketKeyEnabled: true,
          },
        ]);
      });

      it("denies every principal requests without TLS, for the bucket and its objects, and allows nothing", () => {
        const { policy } = settings("bucketPolicy:BucketPolicy");
        const arn = `arn:aws:s3:::${bucket}-0a1b2c3`;
        assert.deepEqual(statements(policy), [
          {
            Sid: "DenyWithoutTls",
            Effect: "Deny",
            Principal: "*",
            Action: ["s3:*"],
            Resource: [arn, `${arn}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ]);
      });

      it("sends its events to EventBridge", () => {
        assert.equal(settings("bucketNotification:BucketNotification")["eventbridge"], true);
      });

      it("aborts unfinished uploads after a day", () => {
        const rules = settings("bucketLifecycleConfiguration:BucketLifecycleConfiguration")["rules"];
        assert.ok(Array.isArray(rules));
        assert.deepEqual(rules.at(-1), {
          id: "unfinished-uploads",
          status: "Enabled",
          filter: { prefix: "" },
          abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
        });
      });

      it("survives a destroy unless it is empty", () => {
        assert.equal(registrations.one("aws:s3/bucket:Bucket", bucket).inputs["forceDestroy"], false);
      });
    });
  }

  it("keeps the versions of inputs, so that a video that is overwritten while queued is not lost", () => {
    const versioning = registrations.ofType("aws:s3/bucketVersioning:BucketVersioning");
    assert.deepEqual(
      versioning.map(({ name, inputs }) => [name, inputs["versioningConfiguration"]]),
      [["clips-input", { status: "Enabled" }]],
    );
  });

  it("expires videos, results, failures and, a day later, job records, but never models", async () => {
    const expiring = await storage({ inputRetentionDays: 3, resultRetentionDays: 7 });
    const rules = expiring
      .ofType("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
      .flatMap(({ inputs }) => inputs["rules"] as { filter: { prefix: string }; expiration?: { days?: number } }[]);
    const days = rules.flatMap(({ filter, expiration }) =>
      expiration?.days === undefined ? [] : [[filter.prefix, expiration.days] as const],
    );
    assert.deepEqual(Object.fromEntries(days), { "input/": 2, "results/": 7, "failures/": 7, "jobs/": 8 });
  });

  for (const [retention, current] of [
    [1, 1],
    [2, 1],
    [14, 13],
  ] as const) {
    it(`deletes every version of a video after ${Math.max(2, retention)} days with a retention of ${retention}`, async () => {
      const { inputs } = (await storage({ inputRetentionDays: retention })).one(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "clips-input",
      );
      assert.partialDeepStrictEqual(inputs["rules"], [
        {
          id: "videos",
          filter: { prefix: "input/" },
          expiration: { days: current },
          noncurrentVersionExpiration: { noncurrentDays: 1 },
        },
        { id: "old-models", filter: { prefix: "models/" }, noncurrentVersionExpiration: { noncurrentDays: 7 } },
        { id: "delete-markers", filter: { prefix: "" }, expiration: { expiredObjectDeleteMarker: true } },
      ]);
    });
  }

  it("deletes the buckets' content only if that is chosen", async () => {
    const disposable = await storage({ forceDestroy: true });
    for (const { inputs } of disposable.ofType("aws:s3/bucket:Bucket")) assert.equal(inputs["forceDestroy"], true);
  });
});
