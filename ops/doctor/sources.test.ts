/** Tests the doctor's check of source buckets. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { checkSource } from "./sources.ts";
import { Refusal, startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";

const source = { bucket: "team-videos", prefix: "clips/" };
const listing =
  "<ListBucketResult><KeyCount>1</KeyCount><Contents><Key>clips/a.mp4</Key></Contents></ListBucketResult>";

describe("a source bucket", () => {
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await startFakeAws();
    aws.answers.set("ListObjectsV2", listing);
    aws.answers.set("GetObject", "v");
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
  });

  const finding = () => checkSource(source, aws.access, {});

  it("is read below its prefix: a list of one, and a byte of what it names", async () => {
    assert.deepEqual(await finding(), {
      check: "sources",
      status: "ok",
      what: "s3://team-videos/clips/ can be read with these credentials",
    });
    const [list, get] = aws.seen;
    assert.match(list?.path ?? "", /^\/team-videos\/\?.*prefix=clips%2F/);
    assert.match(get?.path ?? "", /^\/team-videos\/clips\/a\.mp4/);
    assert.equal(get?.headers.range, "bytes=0-0");
  });

  for (const operation of ["ListObjectsV2", "GetObject"]) {
    it(`is a problem if ${operation} is denied, and names the policies of another account's bucket`, async () => {
      aws.answers.set(operation, new Refusal(403, "AccessDenied"));
      const { status, what, remedy } = await finding();
      assert.equal(status, "problem");
      assert.match(what, /^s3:\/\/team-videos\/clips\/ cannot be read: AccessDenied/);
      assert.match(
        remedy ?? "",
        /another account owns it.*docs\/configuration\.md \("Videos that are in S3 already"\)/,
      );
    });
  }

  it("is unchecked if only the user's policies lack the permission", async () => {
    const words = "no identity-based policy allows the s3:GetObject action";
    aws.answers.set("GetObject", new Refusal(403, "AccessDenied", words));
    const { status, what } = await finding();
    assert.equal(status, "warning");
    assert.match(what, /^could not be checked: s3:\/\/team-videos\/clips\/: .*no identity-based policy/);
  });

  for (const [code, status, words] of [
    ["NoSuchBucket", 404, /the bucket does not exist/],
    ["PermanentRedirect", 301, /in another region than the stack, us-east-1/],
  ] as const) {
    it(`is a problem on ${code}`, async () => {
      aws.answers.set("ListObjectsV2", new Refusal(status, code));
      const found = await finding();
      assert.equal(found.status, "problem");
      assert.match(found.what, words);
    });
  }

  it("is a warning if it is empty", async () => {
    aws.answers.set("ListObjectsV2", "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>");
    assert.match((await finding()).what, /contains no object/);
  });

  it("is a warning if its objects' key differs from the setting's", async () => {
    const key = "arn:aws:kms:us-east-1:210987654321:key/1a2b";
    aws.headers.set("GetObject", { "x-amz-server-side-encryption-aws-kms-key-id": key });
    const { status, what } = await finding();
    assert.equal(status, "warning");
    assert.match(what, /clips\/a\.mp4 is encrypted with arn:aws:kms:.*key\/1a2b, but sourceBuckets has no keyArn/);
  });
});
