/** Tests the setting sourceBuckets of bootstrap and stacks: the same form, and a boundary that includes the stacks' permissions. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { sourceBucket } from "../source-buckets.ts";
import { allows, statements } from "../testing/documents.ts";
import { region, registrationsOf } from "../testing/registrations.ts";
import { parseConfig } from "./config.ts";

const keyArn = `arn:aws:kms:${region}:210987654321:key/0a1b2c3d-0000-1111-2222-333344445555`;
const good = { bucket: "team-videos", prefix: "clips/", keyArn };

describe("source buckets in the bootstrap", () => {
  for (const [what, value] of Object.entries({
    "every property": good,
    "only a bucket": { bucket: "archive.2019" },
    "no bucket": { prefix: "clips/" },
    "a pattern for a bucket": { ...good, bucket: "*" },
    "a bucket's ARN": { ...good, bucket: "arn:aws:s3:::team-videos" },
    "an upper-case name": { ...good, bucket: "Team" },
    "a pattern for a prefix": { ...good, prefix: "*/clips" },
    "a policy variable": { ...good, prefix: "${aws:username}/" },
    "a prefix that starts with a slash": { ...good, prefix: "/clips" },
    "an empty prefix": { ...good, prefix: "" },
    "an alias for a key": { ...good, keyArn: `arn:aws:kms:${region}:210987654321:alias/videos` },
    "a pattern for a key": { ...good, keyArn: `arn:aws:kms:${region}:210987654321:key/*` },
    "something else": { ...good, region: "eu-west-1" },
  })) {
    it(`have the same form as in the stacks: ${what}`, () => {
      const isValid = ["every property", "only a bucket"].includes(what);
      assert.equal(sourceBucket.safeParse(value).success, isValid);
      const config = { "bootstrap:repository": "team/videos", "bootstrap:sourceBuckets": JSON.stringify([value]) };
      if (isValid) assert.deepEqual(parseConfig(config, "bootstrap").sourceBuckets, [value]);
      else assert.throws(() => parseConfig(config, "bootstrap"), /bootstrap:sourceBuckets/);
    });
  }

  it("add only read access to themselves and to their keys to the boundary", async () => {
    const boundary = async (sources: string | undefined) => {
      const address = `./index.ts?sources=${sources === undefined ? "none" : "some"}`;
      const { registrations } = await registrationsOf(() => import(address), {
        project: "async-video-bootstrap",
        config: {
          "async-video-bootstrap:repository": "team/videos",
          ...(sources === undefined ? {} : { "async-video-bootstrap:sourceBuckets": sources }),
        },
      });
      return statements(registrations.one("aws:iam/policy:Policy", "async-video-dev-boundary").inputs["policy"]);
    };
    const [without, widened] = [await boundary(undefined), await boundary(JSON.stringify([good]))];
    for (const call of [
      { action: "s3:GetObject", resource: "arn:aws:s3:::team-videos/clips/a.mp4" },
      { action: "s3:ListBucket", resource: "arn:aws:s3:::team-videos" },
      { action: "kms:Decrypt", resource: keyArn },
    ]) {
      assert.ok(!allows(without, call), call.action);
      assert.ok(allows(widened, call), call.action);
    }
    for (const call of [
      { action: "s3:GetObject", resource: "arn:aws:s3:::team-videos/private/a.mp4" },
      { action: "s3:PutObject", resource: "arn:aws:s3:::team-videos/clips/a.mp4" },
      { action: "kms:GenerateDataKey", resource: keyArn },
    ]) {
      assert.ok(!allows(widened, call), call.action);
    }
  });
});
