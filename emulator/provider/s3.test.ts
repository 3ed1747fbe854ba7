import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import { CheckRefusal, isUnknown } from "./testing/resource.ts";
import type { TestResource } from "./testing/resource.ts";
import { unknown } from "./values.ts";
import type { Values } from "./values.ts";

const bucketType = "aws:s3/bucket:Bucket";
const objectType = "aws:s3/bucketObjectv2:BucketObjectv2";

describe("S3", () => {
  let testAws: TestAws;
  let provider: TestProvider;
  let bucket: TestResource;

  before(async () => {
    testAws = await startTestAws();
    provider = await startTestProvider(testAws.url);
    await provider.configure({ defaultTags: '{"tags":{"Project":"video"}}' });
    bucket = provider.resource(bucketType, "Shared");
    await bucket.create({ forceDestroy: true });
  });

  after(async () => {
    await provider.stop();
    await testAws.stop();
  });

  describe("Bucket", () => {
    const wanted = { tags: { stage: "one" } };
    let own: TestResource;

    before(async () => {
      own = provider.resource(bucketType, "Videos");
      provider.calls();
      await own.create(wanted);
    });

    it("is created with a generated lower-case name, then tags, and has AWS's outputs", () => {
      assert.deepEqual(provider.calls().slice(0, 4), ["HeadBucket", "CreateBucket", "PutBucketTagging", "HeadBucket"]);
      assert.deepEqual(own.state, {
        id: "videos-a1a2a3a",
        bucket: "videos-a1a2a3a",
        arn: "arn:aws:s3:::videos-a1a2a3a",
        bucketDomainName: "videos-a1a2a3a.s3.amazonaws.com",
        bucketRegionalDomainName: "videos-a1a2a3a.s3.us-east-1.amazonaws.com",
        bucketRegion: "us-east-1",
        forceDestroy: false,
        region: "us-east-1",
        tags: { stage: "one" },
        tagsAll: { Project: "video", stage: "one" },
      });
    });

    it("then matches the program", () => own.assertSettled(wanted));

    it("changes tags in place, removed ones too, and keeps its name", async () => {
      const news = { tags: { step: "two" } };
      assert.deepEqual((await own.diff(news)).detailed, {
        "tags.stage": "delete",
        "tags.step": "add",
        "tagsAll.stage": "delete",
        "tagsAll.step": "add",
      });
      const { tagsAll, bucket: name } = await own.update(news);
      assert.deepEqual(tagsAll, { Project: "video", step: "two" });
      assert.equal(name, "videos-a1a2a3a");
      await own.assertSettled(news);
    });

    it("is replaced for another name, the old one first because the program sets it", async () => {
      const named = await own.diff({ bucket: "other" });
      assert.deepEqual(named.replaces, ["bucket"]);
      assert.equal(named.deleteBeforeReplace, true);
      const moved = await own.diff({ region: "eu-west-1" });
      assert.deepEqual(moved.replaces, ["region"]);
      assert.equal(moved.deleteBeforeReplace, false);
    });

    it("is refused if the name exists", async () => {
      const other = provider.resource(bucketType, "copy");
      await assert.rejects(other.create({ bucket: own.id }), /exists already/);
    });

    it("is imported by name", async () => {
      const imported = await provider.resource(bucketType).import(own.id);
      assert.equal(imported?.inputs["bucket"], own.id);
      assert.equal(imported.inputs["forceDestroy"], undefined);
    });

    it("keeps its content unless forceDestroy is set", async () => {
      const object = provider.resource(objectType, "keep");
      await object.create({ bucket: own.id, content: "x" });
      await assert.rejects(own.delete(), /is not empty: .*forceDestroy/);
      await own.update({ forceDestroy: true });
      provider.calls();
      await own.delete();
      assert.deepEqual(provider.calls(), [
        "DeleteBucket",
        "ListObjectVersions",
        "DeleteObjects",
        "DeleteBucket",
        "HeadBucket",
      ]);
      assert.equal(await own.read(), undefined);
      await own.delete();
    });

    it("is previewed with the program's values, and unknowns for AWS's", async () => {
      const planned = await provider.resource(bucketType, "Plan").previewCreate({ tags: { by: unknown } });
      assert.equal(planned["bucket"], "plan-a1a2a3a");
      assert.deepEqual(planned["tagsAll"], { Project: "video", by: unknown });
      for (const name of ["id", "arn", "bucketDomainName", "bucketRegion"]) assert.ok(isUnknown(planned[name]), name);
    });

    it("refuses a property that is not translated", async () => {
      await assert.rejects(
        provider.resource(bucketType).check({ versioning: { enabled: true } }),
        (error: unknown) =>
          error instanceof CheckRefusal && (error.failures["versioning"] ?? "").includes("is not translated"),
      );
    });
  });

  describe("settings of a bucket", () => {
    const policy = (action: string) => ({
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Principal: "*", Action: action, Resource: "arn:aws:s3:::shared-a1a2a3a/*" }],
    });
    /** The first and the second inputs, and the calls for them. */
    const settings: Readonly<Record<string, { first: Values; then: Values; calls: string[] }>> = {
      "bucketVersioning:BucketVersioning": {
        first: { versioningConfiguration: { status: "Enabled" } },
        then: { versioningConfiguration: { status: "Suspended" } },
        calls: ["PutBucketVersioning", "GetBucketVersioning"],
      },
      "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": {
        first: { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms" }, bucketKeyEnabled: true }] },
        then: { rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
        calls: ["PutBucketEncryption", "GetBucketEncryption"],
      },
      "bucketLifecycleConfiguration:BucketLifecycleConfiguration": {
        first: {
          rules: [
            {
              id: "expire",
              status: "Enabled",
              filter: { prefix: "in/" },
              expiration: { days: 3 },
              noncurrentVersionExpiration: { noncurrentDays: 2 },
              abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
            },
          ],
        },
        then: { rules: [{ id: "expire", status: "Enabled", expiration: { days: 4 } }] },
        calls: ["PutBucketLifecycleConfiguration", "GetBucketLifecycleConfiguration"],
      },
      "bucketPublicAccessBlock:BucketPublicAccessBlock": {
        first: { blockPublicAcls: true },
        then: { blockPublicAcls: true, restrictPublicBuckets: true },
        calls: ["PutPublicAccessBlock", "GetPublicAccessBlock"],
      },
      "bucketOwnershipControls:BucketOwnershipControls": {
        first: { rule: { objectOwnership: "BucketOwnerEnforced" } },
        then: { rule: { objectOwnership: "ObjectWriter" } },
        calls: ["PutBucketOwnershipControls", "GetBucketOwnershipControls"],
      },
      "bucketPolicy:BucketPolicy": {
        first: { policy: policy("s3:GetObject") },
        then: { policy: JSON.stringify(policy("s3:*")) },
        calls: ["PutBucketPolicy", "GetBucketPolicy"],
      },
      "bucketNotification:BucketNotification": {
        first: { eventbridge: true },
        then: { eventbridge: false },
        calls: ["PutBucketNotificationConfiguration", "GetBucketNotificationConfiguration"],
      },
    };

    for (const [name, { first, then, calls }] of Object.entries(settings)) {
      it(`${name.split(":")[1] ?? name} is put and read, settles, changes in place, is missing after its bucket, and is deleted`, async () => {
        const setting = provider.resource(`aws:s3/${name}`);
        const on = (news: Values): Values => ({ bucket: bucket.id, ...news });
        provider.calls();
        await setting.create(on(first));
        assert.deepEqual(provider.calls(), calls);
        assert.equal(setting.id, bucket.id);
        await setting.assertSettled(on(first));

        const diff = await setting.diff(on(then));
        assert.equal(diff.changes.length, 1);
        assert.deepEqual(diff.replaces, []);
        provider.calls();
        await setting.update(on(then));
        assert.deepEqual(provider.calls(), calls);
        await setting.assertSettled(on(then));

        const moved = await setting.diff({ ...on(then), bucket: unknown });
        assert.deepEqual(moved.replaces, ["bucket"]);
        await setting.delete();
        await setting.delete();
      });
    }

    it("suspends the versions of a bucket whose BucketVersioning is deleted", async () => {
      const own = provider.resource(bucketType, "versioned");
      await own.create({});
      const versioning = provider.resource("aws:s3/bucketVersioning:BucketVersioning");
      await versioning.create({ bucket: own.id, versioningConfiguration: { status: "Enabled" } });
      await versioning.delete();
      const found = await versioning.read();
      assert.deepEqual(found?.state["versioningConfiguration"], { status: "Suspended" });
      await own.delete();
    });
  });

  describe("BucketObjectv2", () => {
    let folder: string;
    let path: string;
    const sourceOf = (hash: string): Values => ({
      "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
      hash,
      path,
    });

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "object-"));
      path = join(folder, "artifact.bin");
      await writeFile(path, "first");
    });

    after(() => rm(folder, { recursive: true }));

    it("is uploaded from a file, and again when the file's hash is another", async () => {
      const object = provider.resource(objectType, "artifact");
      const wanted = (hash: string): Values => ({ bucket: bucket.id, source: sourceOf(hash), tags: { by: "test" } });
      provider.calls();
      await object.create(wanted("1"));
      assert.deepEqual(provider.calls(), ["PutObject", "HeadObject", "GetObjectTagging"]);
      assert.equal(object.id, `${bucket.id}/artifact`);
      assert.equal(object.state["etag"], "8b04d5e3775d298e78455efc5ca404d5");
      assert.deepEqual(object.state["tagsAll"], { Project: "video", by: "test" });
      await object.assertSettled(wanted("1"));

      await writeFile(path, "second");
      assert.deepEqual((await object.diff(wanted("2"))).detailed, { source: "update" });
      assert.ok(isUnknown((await object.previewUpdate(wanted("2")))["etag"]));
      assert.equal((await object.update(wanted("2")))["etag"], "a9f0e61a137d86aa9db53465e0801612");

      await object.delete();
      assert.equal(await object.read(), undefined);
      await object.delete();
    });

    it("changes only its tags if only they differ", async () => {
      const object = provider.resource(objectType, "tagged");
      await object.create({ bucket: bucket.id, content: "x", tags: { a: "1" } });
      provider.calls();
      await object.update({ bucket: bucket.id, content: "x", tags: { a: "2" } });
      assert.deepEqual(provider.calls(), ["PutObjectTagging", "HeadObject", "GetObjectTagging"]);
    });

    it("is deleted with all its versions if the bucket keeps them", async () => {
      const own = provider.resource(bucketType, "history");
      await own.create({});
      const versioning = provider.resource("aws:s3/bucketVersioning:BucketVersioning");
      await versioning.create({ bucket: own.id, versioningConfiguration: { status: "Enabled" } });
      const object = provider.resource(objectType, "kept");
      await object.create({ bucket: own.id, content: "1" });
      await object.update({ bucket: own.id, content: "2" });
      await object.delete();
      // A remaining version of an object would keep the bucket.
      await own.delete();
    });

    it("is replaced for another key", async () => {
      const object = provider.resource(objectType, "moved");
      await object.create({ bucket: bucket.id, key: "a/b", content: "x" });
      assert.deepEqual((await object.diff({ bucket: bucket.id, key: "a/c", content: "x" })).replaces, ["key"]);
    });

    it("refuses two contents, a missing file, and a relative path", async () => {
      const object = provider.resource(objectType, "wrong");
      await assert.rejects(
        object.check({ bucket: bucket.id, content: "x", source: sourceOf("1") }),
        /source.* cannot be combined with .*content/,
      );
      const source = { ...sourceOf("1"), path: join(folder, "none") };
      await assert.rejects(object.create({ bucket: bucket.id, source }), /cannot be read: .*ENOENT/);
      await assert.rejects(
        object.create({ bucket: bucket.id, source: { ...source, path: "none" } }),
        /path none is relative/,
      );
    });
  });
});
