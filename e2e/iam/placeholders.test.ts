/** Tests the placeholders of recordings. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { normalized } from "./placeholders.ts";

const none = new Map<string, string>();

describe("normalisation", () => {
  it("replaces the emulator's account and region by those of the mocks", () => {
    const queue = "arn:aws:sqs:us-east-1:000000000000:video-local-success";
    assert.equal(normalized(queue, none), "arn:aws:sqs:eu-west-1:123456789012:video-local-success");
  });

  it("replaces Pulumi's suffixes, also of names in names", () => {
    assert.equal(normalized("video-dev-input-3f2a1bc/input/x", none), "video-dev-input-0a1b2c3/input/x");
    assert.equal(normalized("role/async-video-dev-deploy-ffffff0", none), "role/async-video-dev-deploy-0a1b2c3");
  });

  it("keeps words that look like suffixes only at their start", () => {
    for (const name of ["video-dev-dead-letters", "video-dev-decadent", "log-group:/aws/sagemaker/Endpoints/x"]) {
      assert.equal(normalized(name, none), name);
    }
  });

  it("names a key by its alias", () => {
    const arn = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-4333-8444-555555555555";
    const alias = "arn:aws:kms:us-east-1:000000000000:alias/async-video-dev";
    assert.equal(normalized(arn, new Map([[arn, alias]])), "arn:aws:kms:eu-west-1:123456789012:key/async-video-dev");
  });

  it("does the same for two runs with other jobs, hashes, versions and pull requests", () => {
    const run = (id: string, hash: string, pull: number) =>
      `results/${id}.out models/${hash}/model.tar.gz video-pr-${pull}-endpoint-${hash.slice(0, 7)} scalable-target/${hash.slice(0, 12)}`;
    const one = run("11111111-2222-4333-8444-555555555555", "ab".repeat(32), 7);
    const other = run("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "9f".repeat(32), 12);
    assert.equal(normalized(one, none), normalized(other, none));
  });

  it("changes nothing of a normalised text", () => {
    const text = normalized("video-pr-3-x-1234567 000000000000 11111111-2222-4333-8444-555555555555", none);
    assert.equal(normalized(text, none), text);
  });
});
